package engine

import (
	"sync"
	"time"

	"rotd/internal/remediation"
	"rotd/internal/state"
)

// callLog is when this shard called for new material, as far back as the hourly limit looks.
type callLog struct {
	mu     sync.Mutex
	loaded bool
	at     []time.Time
}

const (
	callsWithin = time.Hour
	// plannedWithin is longer than any action waits for its call.
	plannedWithin = 4 * 24 * time.Hour
)

// add notes a call.
func (l *callLog) add(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = append(l.at, at)
}

// recent are the calls of the last hour. The first time they are read from the state: a restart forgets none.
func (l *callLog) recent(tx *state.Tx, now time.Time) ([]time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.loaded {
		at, err := callsSince(tx, now)
		if err != nil {
			return nil, err
		}
		l.at, l.loaded = at, true
	}
	var recent []time.Time
	for _, at := range l.at {
		if now.Sub(at) <= callsWithin {
			recent = append(recent, at)
		}
	}
	l.at = recent
	return append([]time.Time(nil), recent...), nil
}

// callsSince are the calls of the last hour as the state knows them. An action that cannot be read counts as one that
// has just called, where it may have.
func callsSince(tx *state.Tx, now time.Time) (calls []time.Time, err error) {
	since := now.Add(-callsWithin)
	before := len(tx.PassedOver())
	defer func() {
		for _, lost := range tx.PassedOver()[before:] {
			if idTime(lost.Key).After(since.Add(-plannedWithin)) {
				calls = append(calls, now)
			}
		}
	}()
	for after := ""; ; {
		actions, next, err := tx.Actions(after, 1000, nil)
		if err != nil {
			return nil, err
		}
		for i := range actions {
			a := &actions[i]
			for _, c := range a.Asked() {
				if makesMaterial(&c) && c.CalledAt.After(since) {
					calls = append(calls, c.CalledAt)
				}
			}
			if a.Created.Before(since.Add(-plannedWithin)) {
				return calls, nil // the newest come first
			}
		}
		if next == "" {
			return calls, nil
		}
		after = next
	}
}

// makesMaterial reports whether a call counts against the hourly limit.
func makesMaterial(c *remediation.Call) bool {
	return c.Operation == remediation.RotateKeyOnDemand || c.Operation == remediation.CreateKey
}
