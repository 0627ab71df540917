package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// Kinds of sweeps.
const (
	Inventory = "inventory" // every key, and of it what is due
	Drift     = "drift"     // state and rotation status of the customer keys that can rotate
)

// Sweep reads the keys of every place, several places at a time; one that cannot be read never ends the sweep. Sweeps
// run one at a time: they share the quota.
func (e *Engine) Sweep(ctx context.Context, kind string) error {
	e.sweeping.Lock()
	defer e.sweeping.Unlock()
	start := time.Now()
	places := e.Places()
	errs := make([]error, len(places))
	incomplete := make([]bool, len(places))
	var group errgroup.Group
	group.SetLimit(e.sweepsAtOnce)
	for i := range places {
		group.Go(func() error {
			complete, err := e.sweepContained(ctx, &places[i], kind)
			if err != nil {
				errs[i] = fmt.Errorf("%s of %s: %w", kind, &places[i], err)
			}
			incomplete[i] = !complete
			return nil
		})
	}
	_ = group.Wait() // the places' errors are in errs
	if ctx.Err() != nil {
		return ctx.Err()
	}
	outcome := "complete"
	for _, part := range incomplete {
		if part {
			outcome = "incomplete"
		}
	}
	e.factsDue.send()
	if err := e.endQuiet(time.Now().UTC()); err != nil {
		errs = append(errs, err)
	}
	e.metrics.sweeps.WithLabelValues(kind, outcome).Inc()
	e.metrics.sweepSeconds.WithLabelValues(kind).Observe(time.Since(start).Seconds())
	return errors.Join(errs...)
}

// AskFresh has the next inventory read every fact about every key anew, however young what is known of it: somebody
// asks for it. It is kept until an inventory has done so.
func (e *Engine) AskFresh() error {
	return e.db.Update(func(tx *state.Tx) error { return e.askFresh(tx) })
}

// JudgesBy says by what keys are judged: configuration and this version's checks, in a word that changes with them.
// When they have changed, so that facts that are young mean something else, the next inventory reads everything fresh.
func (e *Engine) JudgesBy(digest string) error {
	return e.db.Update(func(tx *state.Tx) error {
		restored, ok, err := tx.Restored()
		if err != nil {
			return err
		}
		if ok { // a copy put back knows young facts, too, that are none any more
			digest += restored.At.Format(" restored " + time.RFC3339)
		}
		if tx.JudgedBy() == digest {
			return nil
		}
		if err := tx.SetJudgedBy(digest); err != nil {
			return err
		}
		return e.askFresh(tx)
	})
}

func (e *Engine) askFresh(tx *state.Tx) error {
	now := time.Now().UTC()
	for _, place := range e.Places() {
		c, err := tx.Place(place.Account, place.Region)
		if err != nil {
			return err
		}
		c.Asked = now
		if err := tx.PutPlace(c); err != nil {
			return err
		}
	}
	return nil
}

// sweepContained sweeps a place. A panic ends the sweep of that place alone. An inventory that somebody wanted fresh
// while it was under way begins once more.
func (e *Engine) sweepContained(ctx context.Context, place *Place, kind string) (complete bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("sweep", v, debug.Stack())
			complete, err = false, fmt.Errorf("panic: %v", v)
		}
	}()
	complete, again, err := e.sweepPlace(ctx, place, kind)
	if again && ctx.Err() == nil {
		complete, _, err = e.sweepPlace(ctx, place, kind)
	}
	return complete, err
}

// swept is what one sweep of one place reached.
type swept struct {
	kind     string
	began    time.Time
	asked    time.Time // facts from before are due
	baseline bool
	coverage awskms.Coverage
	listed   map[string]bool // with an inventory, the keys KMS listed
	reasons  []string        // why keys could not be read, the first few
	err      error           // why the sweep ended early

	mu     sync.Mutex
	budget int // the fewest on-demand rotations any key has left
}

// complete reports whether every key there was to see was seen: only then does what was not found mean anything.
func (s *swept) complete() bool { return s.err == nil && s.coverage.Complete() }

// fewKeys may fail beside others for reasons of their own; where more do, or all, the trouble is the place's.
const fewKeys = 10

// saw reports whether an inventory saw the place: it listed every key, and read all but at most a few, or a tenth.
func (s *swept) saw() bool {
	all, failed := s.coverage.Total, s.coverage.Failed
	return s.kind == Inventory && s.err == nil && (failed == 0 || failed < all && failed <= max(fewKeys, all/10))
}

const maxReasons = 5

// counts takes a key's budget into account.
func (s *swept) counts(k *inventory.Key) {
	if k == nil || k.GoneAt != nil || k.Rotation == nil || k.Rotation.HistoryAt.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.budget = min(s.budget, inventory.OnDemandLimit-k.Rotation.OnDemandUsed())
}

// take judges and keeps a page of what was read.
func (e *Engine) take(place *Place, s *swept, page awskms.Page) error {
	if s.kind == Inventory {
		s.list(page)
	}
	for _, f := range page.Failed {
		if len(s.reasons) < maxReasons {
			s.reasons = append(s.reasons, f.Err.Error())
		}
	}
	if len(page.Keys) == 0 && s.kind == Inventory {
		return nil
	}
	return e.note(time.Now().UTC(), func(n *notebook) error {
		n.baseline = s.baseline
		if s.kind == Inventory {
			n.asked = s.asked
		}
		for _, key := range page.Keys {
			s.counts(key)
			if err := n.reading(key, s.whole(key)); err != nil {
				return err
			}
		}
		return n.driftReached(place, s, page.Last)
	})
}

func (s *swept) list(page awskms.Page) {
	for _, f := range page.Failed {
		s.listed[f.ARN] = true
	}
	for _, k := range page.Keys {
		s.listed[k.ARN] = true
	}
	for _, arn := range page.Fresh {
		s.listed[arn] = true
	}
}

// whole reports whether this sweep read everything cheap about a key, or was refused to.
func (s *swept) whole(key *inventory.Key) bool {
	return s.kind == Inventory && (!key.FullAt.Before(s.began) || key.WasDenied("DescribeKey"))
}

// sweepPlace sweeps one account and Region: each page is read, judged and committed; a partial sweep resolves nothing
// that it did not read. What a sweep that was cut off has read is young when the next one comes, which so goes on where
// it was. again says that fresh facts were asked for meanwhile.
func (e *Engine) sweepPlace(ctx context.Context, place *Place, kind string) (complete, again bool, err error) {
	before, err := e.coverage(place)
	if err != nil {
		return false, false, err
	}
	s := &swept{
		kind: kind, began: time.Now().UTC(), asked: before.Asked, baseline: before.FirstSeen.IsZero(),
		listed: make(map[string]bool), budget: inventory.OnDemandLimit,
	}
	if kind == Inventory {
		s.coverage, s.err = place.KMS.SweepInventory(ctx, awskms.Ask{
			Known: func(arn string) *inventory.Key {
				known := e.knownKey(arn)
				s.counts(known)
				return known
			},
			Due: func(known *inventory.Key) inventory.Facts { return known.Due(s.began, s.asked) },
		}, func(p awskms.Page) error { return e.take(place, s, p) })
	} else {
		s.coverage, s.err = e.sweepDrift(ctx, place, s, before)
	}
	e.refreshFor(ctx, place, factsInSweep)
	if ctx.Err() != nil {
		return false, false, nil //nolint:nilerr // a stop, no fault: the job is caught up after the next start
	}
	e.measureSweep(place, s)
	if err := e.afterSweep(place, s); err != nil {
		return false, false, err
	}
	after, err := e.coverage(place)
	if err != nil {
		return false, false, err
	}
	return s.complete(), kind == Inventory && after.Asked.After(s.asked), s.err
}

// coverage is what the sweeps of a place have reached.
func (e *Engine) coverage(place *Place) (c state.Coverage, err error) {
	err = e.db.View(func(tx *state.Tx) (err error) { c, err = tx.Place(place.Account, place.Region); return err })
	return c, err
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
		"fresh": s.coverage.Fresh,
	} {
		e.metrics.sweepKeys.WithLabelValues(place.Account, place.Region, read).Set(float64(n))
	}
	if s.kind == Inventory {
		e.metrics.budget.WithLabelValues(place.Account, place.Region).Set(float64(s.budget))
	}
}
