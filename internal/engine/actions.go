package engine

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

const (
	actionsAtOnce  = 4
	maxPending     = 2000
	callWithin     = 30 * time.Second
	actionLookSoon = 15 * time.Second // how long the worker sleeps at most: pauses and arming come without a clock
	actionRest     = time.Minute
)

// runActions takes planned and unfinished actions on, each as its state machine says. Decisions are made one at a
// time; reads and calls of different keys overlap.
func (e *Engine) runActions(ctx context.Context) error {
	r := &actionRunner{
		e: e, busy: make(map[string]bool), resting: make(map[string]time.Time), told: make(map[string]bool),
		slots: make(chan struct{}, actionsAtOnce),
	}
	defer r.workers.Wait()
	for {
		next := r.startDue(ctx)
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-e.wakeActions:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// actionRunner keeps track of which actions are being worked on.
type actionRunner struct {
	e       *Engine
	workers sync.WaitGroup
	slots   chan struct{}
	mu      sync.Mutex
	busy    map[string]bool
	resting map[string]time.Time // actions that are left alone until then: taking them on failed inside rotd
	told    map[string]bool      // records that cannot be read and were told
}

// startDue begins work on every action that is due and returns when to look again.
func (r *actionRunner) startDue(ctx context.Context) time.Duration {
	var (
		pending []remediation.Action
		lost    []*state.UnreadableError
	)
	err := r.e.db.View(func(tx *state.Tx) (err error) {
		pending, err = tx.PendingActions(maxPending)
		lost = tx.PassedOver()
		return err
	})
	if err == nil {
		err = r.tellLost(lost)
	}
	if err != nil {
		r.e.log.Error("cannot read the planned actions", zap.Error(err))
		return time.Second
	}
	wait := actionLookSoon
	now := time.Now()
	for i := range pending {
		a := &pending[i]
		if due := a.NotBefore.Sub(now); due > 0 {
			wait = min(wait, due)
			continue
		}
		if !r.claim(a.ID, now) {
			continue
		}
		select {
		case r.slots <- struct{}{}:
			r.workers.Go(func() { r.work(ctx, a.ID) })
		default:
			r.release(a.ID)
			return wait // a slot that becomes free wakes the runner
		}
	}
	return max(wait, time.Millisecond)
}

// tellLost tells of planned actions that cannot be read, each once after a start.
func (r *actionRunner) tellLost(lost []*state.UnreadableError) error {
	lost = slices.DeleteFunc(lost, func(l *state.UnreadableError) bool { return r.told[l.Key] })
	if len(lost) == 0 {
		return nil
	}
	now := time.Now().UTC()
	err := r.e.note(now, func(n *notebook) error {
		for _, l := range lost {
			if err := n.tx.PassOver(l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, l := range lost {
		r.told[l.Key] = true
	}
	return nil
}

// claim reserves an action, unless it is being worked on or left alone.
func (r *actionRunner) claim(id string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[id] || now.Before(r.resting[id]) {
		return false
	}
	delete(r.resting, id)
	r.busy[id] = true
	return true
}

func (r *actionRunner) release(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, id)
}

// rest leaves an action alone for a while.
func (r *actionRunner) rest(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resting[id] = time.Now().Add(actionRest)
}

// work steps one action until it waits or ends. A panic leaves it as it was made durable last, to be settled by
// reading KMS like after a crash.
func (r *actionRunner) work(ctx context.Context, id string) {
	defer func() {
		if v := recover(); v != nil {
			r.rest(id)
			r.e.logPanic("action", v, debug.Stack())
		}
		<-r.slots
		r.release(id)
		nudge(r.e.wakeActions)
	}()
	var seen remediation.Observation
	for ctx.Err() == nil || seen.Answer != nil { // an answer is recorded even while stopping
		a, do, err := r.e.decide(id, seen)
		if err != nil {
			r.e.log.Error("cannot take an action on; it is tried again", zap.String("action", id), zap.Error(err))
			sleep(ctx, time.Second)
			return
		}
		seen = remediation.Observation{}
		switch do.What {
		case remediation.Read:
			seen = r.e.look(ctx, &a)
		case remediation.Attempt:
			answer := r.e.call(ctx, &a)
			seen.Answer = &answer
		case remediation.Nothing, remediation.End:
			return
		}
	}
}

// look reads what the call that an action has under way is about.
func (e *Engine) look(ctx context.Context, a *remediation.Action) remediation.Observation {
	arn := a.CallKey()
	place, err := e.placeOf(arn)
	if err != nil {
		return remediation.Observation{ReadError: err.Error()}
	}
	prev := e.knownKey(arn)
	if prev == nil {
		prev = &inventory.Key{ARN: arn}
	}
	seen, err := place.KMS.In(awskms.Act).Look(ctx, a, prev, func(arn string) bool {
		k := e.knownKey(arn)
		return k != nil && k.Created.Before(a.Started.Add(-callMargin))
	})
	switch {
	case err != nil:
		return remediation.Observation{ReadError: err.Error()}
	case seen.Facts.Key.WasDenied("DescribeKey"):
		return remediation.Observation{ReadError: "KMS does not describe the key to rotd (kms:DescribeKey is denied)"}
	}
	return seen
}

func (e *Engine) readRotation(ctx context.Context, arn string) (*inventory.Key, error) {
	place, err := e.placeOf(arn)
	if err != nil {
		return nil, err
	}
	prev := e.knownKey(arn)
	if prev == nil {
		prev = &inventory.Key{ARN: arn}
	}
	return place.KMS.In(awskms.Act).ReadRotation(ctx, prev)
}

// call makes the one attempt that the action's durable intent is for.
func (e *Engine) call(ctx context.Context, a *remediation.Action) remediation.Answer {
	place, err := e.placeOf(a.CallKey())
	if err != nil {
		return remediation.Answer{Kind: remediation.Refused, Message: err.Error()}
	}
	// The attempt outlives a stop: its answer is worth more than a second.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callWithin)
	defer cancel()
	e.log.Info("calling KMS", zap.String("action", a.ID), zap.String("operation", string(a.Current().Operation)),
		zap.String("key", a.CallKey()))
	return place.acting(a.Emergency).Do(ctx, a).Answer()
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
