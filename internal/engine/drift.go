package engine

import (
	"context"
	"time"

	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// resumeDrift is for how long a drift sweep that was cut off goes on where it was; later it begins anew.
const resumeDrift = 15 * time.Minute

// sweepDrift re-reads the customer keys that can rotate, as far as they are known.
func (e *Engine) sweepDrift(ctx context.Context, place *Place, s *swept, before state.Coverage) (
	awskms.Coverage, error,
) {
	after := ""
	if s.began.Sub(before.DriftBegan) < resumeDrift {
		after = before.DriftAfter
	}
	return place.KMS.SweepDrift(ctx, func(start func([]*inventory.Key) error) error {
		return e.eachKey(place, after, start, func(k *inventory.Key) bool {
			switch remediation.Eligibility(k).Kind {
			case remediation.KindRotatable, remediation.KindImported, remediation.KindNotNow:
				return true
			case remediation.KindReplaceOnly, remediation.KindReplica, remediation.KindNotYours, remediation.KindGone,
				remediation.KindUnknown:
			}
			return false
		})
	}, func(p awskms.Page) error { return e.take(place, s, p) })
}

// driftReached keeps how far a drift sweep has come.
func (n *notebook) driftReached(place *Place, s *swept, last string) error {
	if s.kind != Drift {
		return nil
	}
	c, err := n.tx.Place(place.Account, place.Region)
	if err != nil {
		return err
	}
	if c.DriftAfter == "" || s.began.Sub(c.DriftBegan) >= resumeDrift {
		c.DriftBegan = s.began
	}
	c.DriftAfter = last
	return n.tx.PutPlace(c)
}

// eachKey hands over the place's keys after one that are not gone and that pick picks, a page at a time. No transaction
// is open while fn runs.
func (e *Engine) eachKey(place *Place, after string, fn func([]*inventory.Key) error, pick func(*inventory.Key) bool,
) error {
	const pageSize = 1000
	for {
		var (
			keys []*inventory.Key
			next string
		)
		err := e.db.View(func(tx *state.Tx) error {
			page, n, err := tx.Keys(after, pageSize, func(k *inventory.Key) bool {
				return k.Account == place.Account && k.Region == place.Region && k.GoneAt == nil && pick(k)
			})
			for i := range page {
				keys = append(keys, &page[i])
			}
			next = n
			return err
		})
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := fn(keys); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}
