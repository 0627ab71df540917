package engine

import (
	"time"

	"rotd/internal/detection"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// NoteRestored tells, once, that the state was put back from a copy, or rebuilt from a damaged one. What people asked
// for before the copy was made is not done now, days later: they are told, and ask again. What was under way is settled
// by reading KMS, and what rotd planned by itself waits until the state is armed.
func (e *Engine) NoteRestored() error {
	now := time.Now().UTC()
	return e.note(now, func(n *notebook) error {
		r, ok, err := n.tx.Restored()
		if err != nil || !ok || r.Told {
			return err
		}
		f := detection.StateRestored(e.db.Shard(), r.From, r.SetAside, r.CopiedAt, now)
		if r.Rebuilt {
			f = detection.StateRebuilt(e.db.Shard(), r.From, r.SetAside, r.Lost, r.CopiedAt, now)
		}
		if err := n.found(f); err != nil {
			return err
		}
		if err := n.takeBack(&r); err != nil {
			return err
		}
		r.Told = true
		return n.tx.SetRestored(&r)
	})
}

// takeBack cancels what people asked for and nothing was done of yet, as far as the copy knows.
func (n *notebook) takeBack(r *state.Restoration) error {
	pending, err := n.tx.PendingActions(maxPending)
	if err != nil {
		return err
	}
	why := "The state was restored from a copy of " + r.CopiedAt.UTC().Format(time.RFC3339) +
		", and the copy does not know whether this was done since; ask again if it is still wanted."
	if r.Rebuilt {
		why = "The state was damaged and rebuilt, and may not know whether this was done; ask again if it is still wanted."
	}
	for i := range pending {
		a := &pending[i]
		if a.Automatic || a.State != remediation.Planned {
			continue
		}
		before := *a
		*a = remediation.TakeBack(*a, why, n.now)
		if err := n.putAction(&before, a, nil); err != nil {
			return err
		}
		if err := n.ended(a); err != nil {
			return err
		}
	}
	return nil
}
