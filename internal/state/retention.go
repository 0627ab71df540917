package state

import (
	"fmt"
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// How long things are kept. Open findings and unfinished actions are kept until they end.
const (
	KeepSeen       = 15 * 24 * time.Hour // an event older than this is late and remembered by arrival
	KeepOwn        = 15 * 24 * time.Hour
	KeepQuarantine = 30 * 24 * time.Hour
	KeepEnded      = 400 * 24 * time.Hour // resolved findings, final actions, deleted keys
	maxMemory      = 500_000
	maxEnded       = 100_000
)

// Dropped says what retention removed.
type Dropped struct {
	SeenSlices, Memory, Quarantined, Own, Findings, Actions, Keys int
}

// Retain removes what is older than it is kept for. It works in several transactions, so that none is long.
func (db *DB) Retain(now time.Time) (Dropped, error) {
	var d Dropped
	steps := []struct {
		what string
		n    *int
		run  func(tx *Tx) (int, error)
	}{
		{"eventIDs", &d.SeenSlices, func(tx *Tx) (int, error) { return tx.dropSeen(now.Add(-KeepSeen)) }},
		{"memory", &d.Memory, func(tx *Tx) (int, error) { return tx.dropMemory(now, maxMemory) }},
		{"quarantine", &d.Quarantined, func(tx *Tx) (int, error) { return tx.dropQuarantine(now.Add(-KeepQuarantine)) }},
		{"own calls", &d.Own, func(tx *Tx) (int, error) { return tx.dropOwn(now.Add(-KeepOwn)) }},
		{"findings", &d.Findings, func(tx *Tx) (int, error) { return tx.dropFindings(now.Add(-KeepEnded)) }},
		{"actions", &d.Actions, func(tx *Tx) (int, error) { return tx.dropActions(now.Add(-KeepEnded)) }},
		{"keys", &d.Keys, func(tx *Tx) (int, error) { return tx.dropKeys(now.Add(-KeepEnded)) }},
	}
	for _, step := range steps {
		err := db.Update(func(tx *Tx) error {
			n, err := step.run(tx)
			*step.n = n
			return err
		})
		if err != nil {
			return d, fmt.Errorf("retention of %s: %w", step.what, err)
		}
	}
	return d, nil
}

// dropFindings removes resolved findings that ended before the given time, and the oldest beyond maxEnded.
func (tx *Tx) dropFindings(before time.Time) (int, error) {
	excess := tx.bucket(bucketFindings).Stats().KeyN - tx.bucket(bucketOpen).Stats().KeyN - maxEnded
	gone, err := ended(tx, bucketFindings, excess, func(f *finding.Finding) (over, old bool) {
		return f.Status == finding.Resolved, f.ResolvedAt != nil && f.ResolvedAt.Before(before)
	})
	for i := range gone {
		if err == nil {
			err = tx.deleteFinding(&gone[i])
		}
	}
	return len(gone), err
}

// dropActions removes final actions that ended before the given time, and the oldest beyond maxEnded.
func (tx *Tx) dropActions(before time.Time) (int, error) {
	excess := tx.bucket(bucketActions).Stats().KeyN - tx.bucket(bucketPending).Stats().KeyN - maxEnded
	gone, err := ended(tx, bucketActions, excess, func(a *remediation.Action) (over, old bool) {
		return a.State.Final(), a.Ended != nil && a.Ended.Before(before)
	})
	for i := range gone {
		if err == nil {
			err = tx.deleteAction(&gone[i])
		}
	}
	return len(gone), err
}

// dropKeys removes keys that KMS has not known since before the given time.
func (tx *Tx) dropKeys(before time.Time) (int, error) {
	gone, err := ended(tx, bucketKeys, 0, func(k *inventory.Key) (over, old bool) {
		return k.GoneAt != nil, k.GoneAt != nil && k.GoneAt.Before(before)
	})
	for i := range gone {
		if err == nil {
			err = tx.forgetKey(&gone[i])
		}
	}
	return len(gone), err
}

// ended collects the values that are over and either old or among the first excess of those over.
func ended[T any](tx *Tx, bucket string, excess int, judge func(*T) (over, old bool)) ([]T, error) {
	const most = 10_000
	var gone []T
	for after := ""; ; {
		items, next, err := page[T](tx.bucket(bucket), after, 1_000, false, nil)
		if err != nil {
			return nil, err
		}
		for i := range items {
			over, old := judge(&items[i])
			if over && (old || excess > 0) && len(gone) < most {
				gone = append(gone, items[i])
				excess--
			}
		}
		if next == "" || len(gone) == most {
			return gone, nil
		}
		after = next
	}
}
