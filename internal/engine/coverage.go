package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// afterSweep keeps what the sweep reached. The first inventory that saw the place ends the baseline with one digest; a
// complete one finds the keys that are gone.
func (e *Engine) afterSweep(place *Place, s *swept) error {
	var gone []string
	if s.complete() && s.kind == Inventory {
		err := e.eachKey(place, "", func(keys []*inventory.Key) error {
			for _, k := range keys {
				gone = append(gone, k.ARN)
			}
			return nil
		}, func(k *inventory.Key) bool { return !s.listed[k.ARN] && k.ReadAt.Before(s.began) })
		if err != nil {
			return err
		}
	}
	now := time.Now().UTC()
	return e.note(now, func(n *notebook) error {
		c, err := n.tx.Place(place.Account, place.Region)
		if err != nil {
			return err
		}
		for _, arn := range gone {
			if err := n.vanished(arn); err != nil {
				return err
			}
		}
		first := s.saw() && c.FirstSeen.IsZero()
		c.LastSweep, c.LastKind, c.LastError = now, s.kind, ""
		if s.err != nil {
			c.LastError = s.err.Error()
		}
		if s.kind == Drift {
			c.DriftAfter, c.DriftBegan = "", time.Time{}
		}
		if s.kind == Inventory {
			c.Keys, c.Unread, c.Denied = s.coverage.Total, s.coverage.Failed, s.coverage.Denied
			if s.complete() {
				c.LastComplete = now
				if !c.Asked.After(s.asked) {
					c.Asked = time.Time{}
				}
			}
		}
		if s.saw() {
			c.LastSeen = now
		}
		if first {
			c.FirstSeen = now
			if !n.tx.NeverAsked(state.DueFacts, place.Account, place.Region) {
				c.FirstFacts = now
			}
		}
		if err := n.tx.PutPlace(c); err != nil {
			return err
		}
		if err := n.incomplete(place, s); err != nil {
			return err
		}
		if !first {
			return nil
		}
		return n.baselineDone(place, c)
	})
}

// firstFacts ends the baseline of a fleet so large that its first inventory left rotations and grants to the
// background: what they showed since is told in one more digest.
func (n *notebook) firstFacts(place *Place) error {
	c, err := n.tx.Place(place.Account, place.Region)
	if err != nil || n.tx.NeverAsked(state.DueFacts, place.Account, place.Region) {
		return err
	}
	first := c.FirstSeen
	c.FirstFacts = n.now
	if err := n.tx.PutPlace(c); err != nil {
		return err
	}
	open, err := n.baselineFindings(place)
	if err != nil {
		return err
	}
	open = slices.DeleteFunc(open, func(f finding.Finding) bool { return f.FirstSeen.Before(first) })
	if len(open) == 0 {
		return nil
	}
	return n.tell(n.digestAlert(place, c, open))
}

// vanished notes that KMS no longer lists a key.
func (n *notebook) vanished(arn string) error {
	key, err := n.key(arn)
	if err != nil || key == nil {
		return err
	}
	now := n.now
	key.GoneAt = &now
	return n.reading(key, true)
}

// incomplete opens or ends the finding that says a place could not be read whole.
func (n *notebook) incomplete(place *Place, s *swept) error {
	reasons := s.reasons
	if s.err != nil {
		reasons = append([]string{s.err.Error()}, reasons...)
	}
	f := detection.SweepIncomplete(place.Account, place.Region, s.kind, s.coverage.Total, s.coverage.Failed, reasons,
		n.now)
	if !s.complete() {
		return n.found(f)
	}
	return n.resolveByFingerprint(f.Fingerprint, "the last sweep read everything", false)
}

// baselineDone arms the state when configuration says so and tells what the first look found, in one digest.
func (n *notebook) baselineDone(place *Place, c state.Coverage) error {
	_, armed, err := n.tx.Armed()
	if err != nil {
		return err
	}
	if !armed && n.settings.ArmOnNewState {
		armed = true
		if err := n.tx.Arm(state.Arming{At: n.now, By: "guardrails.arm_on_new_state"}); err != nil {
			return err
		}
	}
	if armed { // what waited for this place may begin; the rest goes on waiting
		if err := n.release(remediation.GuardNotArmed); err != nil {
			return err
		}
	}
	open, err := n.baselineFindings(place)
	if err != nil {
		return err
	}
	return n.tell(n.digestAlert(place, c, open))
}

// maxDigested bounds the findings a digest is made from.
const maxDigested = 50_000

// baselineFindings are the open findings of checks in a place.
func (n *notebook) baselineFindings(place *Place) ([]finding.Finding, error) {
	var open []finding.Finding
	for after := ""; ; {
		items, next, err := n.tx.Findings(after, 1000, func(f *finding.Finding) bool {
			return f.Status == finding.Open && !f.Hidden && f.EventID == "" && f.KeyARN != "" &&
				f.Account == place.Account && f.Region == place.Region
		})
		if err != nil {
			return nil, err
		}
		open = append(open, items...)
		if next == "" || len(open) > maxDigested {
			return open, nil
		}
		after = next
	}
}

// Retain drops what is older than it is kept for. By a wrong clock everything may be.
func (e *Engine) Retain(context.Context) error {
	if off := e.clockOff(); off != "" {
		return fmt.Errorf("nothing is dropped: this machine's clock is %s", off)
	}
	now := time.Now().UTC()
	if err := e.own.renew(now); err != nil {
		return err
	}
	dropped, err := e.db.Retain(now)
	if err != nil {
		return err
	}
	e.log.Info("dropped what is older than it is kept for", zap.Any("dropped", dropped))
	return nil
}
