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
	KeepNonces     = 24 * time.Hour // far longer than a proof is good for
	KeepQuarantine = 30 * 24 * time.Hour
	KeepEnded      = 400 * 24 * time.Hour // resolved findings, final actions, deleted keys, moves
	KeepHistory    = 400 * 24 * time.Hour
	maxMemory      = 500_000
	maxEnded       = 100_000
)

// Dropped says what retention removed.
type Dropped struct {
	SeenSlices, Memory, Quarantined, Counted, OwnKeys, Own int
	Nonces                                                 int
	Findings, Actions, Keys, History                       int
	Usage, UsageNames                                      int // keys' records that lost something, names
	Audit, Incidents                                       int
	Jobs, Moves                                            int // of re-encryption
	Principals                                             int // whose calls were learnt
	Strangers                                              int // keys whose use an archive taught, and that are not there
}

// dropAtOnce bounds what one transaction removes, so that intake never waits long.
const dropAtOnce = 1_000

// Retain removes what is older than it is kept for, in many short transactions. Rules' memory is kept past its expiry
// for as long as events may come late: a backlog is judged by its own time.
func (db *DB) Retain(now time.Time) (Dropped, error) {
	var d Dropped
	ended := now.Add(-KeepEnded)
	for _, step := range []struct {
		what string
		n    *int
		run  func() (int, error)
	}{
		{"eventIDs", &d.SeenSlices, db.repeat(1, func(tx *Tx) (int, error) {
			return tx.dropSeen(now.Add(-KeepSeen))
		})},
		{"memory", &d.Memory, db.repeat(dropAtOnce, func(tx *Tx) (int, error) {
			return tx.dropMemory(now.Add(-KeepSeen), dropAtOnce)
		})},
		{"quarantine", &d.Quarantined, db.repeat(dropAtOnce, func(tx *Tx) (int, error) {
			return tx.dropQuarantine(now.Add(-KeepQuarantine), dropAtOnce)
		})},
		{"what was only counted", &d.Counted, db.dropStamped(bareHashes(now.Add(-KeepQuarantine)))},
		{"own access keys", &d.OwnKeys, db.dropStamped(ownCalls("keys", now.Add(-KeepOwn)))},
		{"own calls", &d.Own, db.dropStamped(ownCalls("requests", now.Add(-KeepOwn)))},
		{"nonces", &d.Nonces, db.dropStamped(usedNonces(now.Add(-KeepNonces)))},
		{"findings", &d.Findings, func() (int, error) { return db.dropFindings(ended) }},
		{"actions", &d.Actions, func() (int, error) { return db.dropActions(ended) }},
		{"keys", &d.Keys, func() (int, error) { return db.dropKeys(ended) }},
		{"jobs", &d.Jobs, func() (int, error) { return db.dropJobs(ended) }},
		{"moves", &d.Moves, func() (int, error) { return db.dropMoves(ended) }},
		{"history", &d.History, func() (int, error) { return db.dropOldHistory(now.Add(-KeepHistory)) }},
		{"usage", &d.Usage, func() (int, error) { return db.dropUsage(now) }},
		{"names in usage", &d.UsageNames, func() (int, error) { return db.dropUsageNames(now) }},
		{"keys that are not there", &d.Strangers, db.dropStrangers},
		{"principals", &d.Principals, db.dropStamped(quietPrincipals(now))},
		{"incidents", &d.Incidents, func() (int, error) { return db.dropIncidents(now.Add(-KeepIncidents)) }},
		{"audit entries", &d.Audit, db.repeat(dropAtOnce, func(tx *Tx) (int, error) {
			return tx.dropAudit(now.Add(-KeepAudit), now, dropAtOnce)
		})},
	} {
		n, err := step.run()
		*step.n = n
		if err != nil {
			return d, fmt.Errorf("retention of %s: %w", step.what, err)
		}
	}
	return d, nil
}

// repeat runs a step in transactions of its own until it finds less to drop than it may at once.
func (db *DB) repeat(atOnce int, step func(tx *Tx) (int, error)) func() (int, error) {
	return func() (total int, err error) {
		for n := atOnce; n == atOnce; {
			if err := db.Update(func(tx *Tx) error { n, err = step(tx); return err }); err != nil {
				return total, err
			}
			total += n
		}
		return total, nil
	}
}

// ending says which values of a bucket are over and may be dropped.
type ending[T any] struct {
	bucket  string
	unended string // the bucket that lists those not over; "" when there is no bound on the number of the others
	id      func(*T) string
	over    func(*T) bool
	old     func(*T) bool // of one that is over
	remove  func(*Tx, *T) error
}

// dropFindings removes resolved findings that ended before the given time, and the oldest of them past the bound.
func (db *DB) dropFindings(before time.Time) (int, error) {
	return dropEnded(db, ending[finding.Finding]{
		bucket: bucketFindings, unended: bucketOpen,
		id:     func(f *finding.Finding) string { return f.ID },
		over:   func(f *finding.Finding) bool { return f.Status == finding.Resolved },
		old:    func(f *finding.Finding) bool { return f.ResolvedAt != nil && f.ResolvedAt.Before(before) },
		remove: (*Tx).deleteFinding,
	})
}

// dropActions removes final actions that ended before the given time, and the oldest of them past the bound.
func (db *DB) dropActions(before time.Time) (int, error) {
	return dropEnded(db, ending[remediation.Action]{
		bucket: bucketActions, unended: bucketPending,
		id:     func(a *remediation.Action) string { return a.ID },
		over:   func(a *remediation.Action) bool { return a.State.Final() },
		old:    func(a *remediation.Action) bool { return a.Ended != nil && a.Ended.Before(before) },
		remove: (*Tx).deleteAction,
	})
}

// dropKeys removes keys that KMS has not known since before the given time.
func (db *DB) dropKeys(before time.Time) (int, error) {
	return dropEnded(db, ending[inventory.Key]{
		bucket: bucketKeys,
		id:     func(k *inventory.Key) string { return k.ARN },
		over:   func(k *inventory.Key) bool { return k.GoneAt != nil },
		old:    func(k *inventory.Key) bool { return k.GoneAt.Before(before) },
		remove: (*Tx).forgetKey,
	})
}

// dropEnded removes what is over and either old or among the first past the bound. It looks for it while intake goes
// on, and looks again at each value before it removes it.
func dropEnded[T any](db *DB, e ending[T]) (total int, err error) {
	excess := 0
	if e.unended != "" {
		err = db.View(func(tx *Tx) error {
			excess = tx.total(e.bucket) - tx.total(e.unended) - db.bounds.ended
			return nil
		})
	}
	for after, more := "", true; err == nil && more; more = after != "" {
		var chosen []T
		err = db.View(func(tx *Tx) (err error) {
			chosen, after, err = page(tx, tx.bucket(e.bucket), after, dropAtOnce, false, func(v *T) bool {
				if !e.over(v) || excess <= 0 && !e.old(v) {
					return false
				}
				excess--
				return true
			})
			return err
		})
		if err == nil && len(chosen) > 0 {
			err = db.Update(func(tx *Tx) error { return e.drop(tx, chosen, &total) })
		}
	}
	return total, err
}

// drop removes the chosen values that are still over.
func (e *ending[T]) drop(tx *Tx, chosen []T, total *int) error {
	for i := range chosen {
		v, ok, err := getJSON[T](tx.bucket(e.bucket), []byte(e.id(&chosen[i])))
		if err = tx.PassOver(err); err != nil {
			return err
		}
		if !ok || !e.over(&v) {
			continue // it began anew meanwhile
		}
		if err := e.remove(tx, &v); err != nil {
			return err
		}
		*total++
	}
	return nil
}
