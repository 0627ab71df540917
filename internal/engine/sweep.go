package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// Kinds of sweeps.
const (
	Inventory = "inventory" // every key, whole
	Drift     = "drift"     // state and rotation status of the customer keys that can rotate
)

// Sweep reads the keys of every place; one place that cannot be read never ends the sweep. Sweeps run one at a time:
// they share the quota.
func (e *Engine) Sweep(ctx context.Context, kind string) error {
	e.sweeping.Lock()
	defer e.sweeping.Unlock()
	start := time.Now()
	var failed []error
	outcome := "complete"
	for i := range e.places {
		complete, err := e.sweepPlace(ctx, &e.places[i], kind)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s of %s: %w", kind, &e.places[i], err))
		}
		if !complete {
			outcome = "incomplete"
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if err := e.endQuiet(time.Now().UTC()); err != nil {
		failed = append(failed, err)
	}
	e.metrics.sweeps.WithLabelValues(kind, outcome).Inc()
	e.metrics.sweepSeconds.WithLabelValues(kind).Observe(time.Since(start).Seconds())
	return errors.Join(failed...)
}

// swept is what one sweep of one place reached.
type swept struct {
	kind     string
	began    time.Time
	baseline bool
	coverage awskms.Coverage
	listed   map[string]bool // with an inventory, the keys KMS listed
	reasons  []string        // why keys could not be read, the first few
	budget   int             // the fewest on-demand rotations any key has left
	err      error           // why the sweep ended early
}

// complete reports whether every key there was to see was seen: only then does what was not found mean anything.
func (s *swept) complete() bool { return s.err == nil && s.coverage.Complete() }

const maxReasons = 5

// take judges and keeps a page of what was read.
func (e *Engine) take(s *swept, page awskms.Page) error {
	for _, f := range page.Failed {
		s.listed[f.ARN] = true
		if len(s.reasons) < maxReasons {
			s.reasons = append(s.reasons, f.Err.Error())
		}
	}
	for _, k := range page.Keys {
		s.listed[k.ARN] = true
		if k.Rotation != nil && !k.Rotation.HistoryAt.IsZero() {
			s.budget = min(s.budget, inventory.OnDemandLimit-k.Rotation.OnDemandUsed())
		}
	}
	return e.note(e.Settings(), time.Now().UTC(), func(n *notebook) error {
		n.baseline = s.baseline
		for _, key := range page.Keys {
			if err := n.reading(key, s.kind == Inventory); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweepPlace sweeps one account and Region: each page is read, judged and committed; a partial sweep resolves nothing
// that it did not read.
func (e *Engine) sweepPlace(ctx context.Context, place *Place, kind string) (complete bool, err error) {
	var before state.Coverage
	err = e.db.View(func(tx *state.Tx) (err error) {
		before, err = tx.Place(place.Account, place.Region)
		return err
	})
	if err != nil {
		return false, err
	}
	s := &swept{
		kind: kind, began: time.Now().UTC(), baseline: before.FirstComplete.IsZero(), listed: make(map[string]bool),
		budget: inventory.OnDemandLimit,
	}
	if kind == Inventory {
		s.coverage, s.err = place.KMS.SweepInventory(ctx, e.knownKey, func(p awskms.Page) error { return e.take(s, p) })
	} else {
		s.coverage, s.err = e.sweepDrift(ctx, place, s)
	}
	if ctx.Err() != nil {
		return false, nil //nolint:nilerr // a stop, no fault: the job is caught up after the next start
	}
	e.measureSweep(place, s)
	if err := e.afterSweep(place, before, s); err != nil {
		return false, err
	}
	return s.complete(), s.err
}

// sweepDrift re-reads the customer keys that can rotate, as far as they are known, a page of them at a time.
func (e *Engine) sweepDrift(ctx context.Context, place *Place, s *swept) (total awskms.Coverage, err error) {
	err = e.eachKey(place, func(keys []*inventory.Key) error {
		c, err := place.KMS.SweepDrift(ctx, keys, func(p awskms.Page) error { return e.take(s, p) })
		total.Total += c.Total
		total.Read += c.Read
		total.Denied += c.Denied
		total.Gone += c.Gone
		total.Failed += c.Failed
		return err
	}, func(k *inventory.Key) bool {
		switch remediation.Eligibility(k).Kind {
		case remediation.KindRotatable, remediation.KindImported, remediation.KindNotNow:
			return true
		case remediation.KindReplaceOnly, remediation.KindReplica, remediation.KindNotYours, remediation.KindGone,
			remediation.KindUnknown:
		}
		return false
	})
	return total, err
}

// eachKey hands over the place's keys that are not gone and that pick picks, a page at a time. No transaction is open
// while fn runs.
func (e *Engine) eachKey(place *Place, fn func([]*inventory.Key) error, pick func(*inventory.Key) bool) error {
	const pageSize = 1000
	for after := ""; ; {
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

// knownKey gives what is known of a key; nil when nothing is or it cannot be read.
func (e *Engine) knownKey(arn string) (key *inventory.Key) {
	err := e.db.View(func(tx *state.Tx) (err error) { key, err = tx.Key(arn); return err })
	if err != nil {
		e.log.Error("cannot read a known key; it is read anew", zap.String("key", arn), zap.Error(err))
		return nil
	}
	return key
}

func (e *Engine) measureSweep(place *Place, s *swept) {
	for read, n := range map[string]int{
		"read": s.coverage.Read, "denied": s.coverage.Denied, "failed": s.coverage.Failed, "gone": s.coverage.Gone,
	} {
		e.metrics.sweepKeys.WithLabelValues(place.Account, place.Region, read).Set(float64(n))
	}
	if s.kind == Inventory {
		e.metrics.budget.WithLabelValues(place.Account, place.Region).Set(float64(s.budget))
	}
}
