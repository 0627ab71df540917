package engine

import (
	"slices"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// excepted says which exception lets a key off, and until when.
func excepted(x *policy.Exception) string {
	return "excepted by " + x.Name + " until " + x.Until()
}

// letOff makes the drift of a key that an exception lets off the check none that is judged.
func (n *notebook) letOff(j *detection.Judged, key *inventory.Key) error {
	if j.Verdict.Result != detection.Drift {
		return nil
	}
	x, err := n.exception(key, j.Check.ID)
	if x != nil {
		j.Verdict = detection.Verdict{Result: detection.NotJudged, Reason: excepted(x)}
	}
	return err
}

// exceptedFrom returns the exception that lets a key off what an automatic action would put right; nil when none does.
// It does not matter whether a check or a rule asks for the action.
func (n *notebook) exceptedFrom(a *remediation.Action, key *inventory.Key) (*policy.Exception, error) {
	id := "rotation-overdue"
	switch {
	case a.Verb != remediation.Rotate:
		return nil, nil //nolint:nilnil // exceptions let keys off rotation
	case a.Method == remediation.EnableAutomatic && a.Before.Enabled:
		id = "rotation-period-too-long"
	case a.Method == remediation.EnableAutomatic:
		id = "rotation-disabled"
	}
	return n.exception(key, id)
}

// noteExpired opens a finding for each exception that has expired, and ends those of exceptions that were renewed or
// removed.
func (e *Engine) noteExpired(now time.Time) error {
	return e.note(now, func(n *notebook) error {
		var expired []string
		for i := range n.settings.Exceptions {
			x := &n.settings.Exceptions[i]
			if !x.Expired(now) {
				continue
			}
			f := detection.ExceptionExpired(e.db.Shard(), x, now)
			expired = append(expired, f.Fingerprint)
			if err := n.found(f); err != nil {
				return err
			}
		}
		open, err := n.tx.OpenAbout(e.db.Shard(), maxOpenAbout)
		if err != nil {
			return err
		}
		for i := range open {
			f := &open[i]
			if f.RuleID != detection.ExceptionExpiredID || slices.Contains(expired, f.Fingerprint) ||
				f.Status != finding.Open {
				continue
			}
			if err := n.resolve(f, "the exception was renewed or removed", false); err != nil {
				return err
			}
		}
		return nil
	})
}
