package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.uber.org/zap"

	"rotd/internal/awskms"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

const (
	actionsAtOnce  = 4
	maxPending     = 2000
	callWithin     = 30 * time.Second
	actionLookSoon = 15 * time.Second // how long the worker sleeps at most: pauses and arming come without a clock
)

// runActions takes planned and unfinished actions on, each as its state machine says. Decisions are made one at a
// time; reads and calls of different keys overlap.
func (e *Engine) runActions(ctx context.Context) error {
	r := &actionRunner{e: e, busy: make(map[string]bool), slots: make(chan struct{}, actionsAtOnce)}
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
}

// startDue begins work on every action that is due and returns when to look again.
func (r *actionRunner) startDue(ctx context.Context) time.Duration {
	var pending []remediation.Action
	err := r.e.db.View(func(tx *state.Tx) (err error) {
		pending, err = tx.PendingActions(maxPending)
		return err
	})
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
		if !r.claim(a.ID) {
			continue
		}
		select {
		case r.slots <- struct{}{}:
			r.workers.Go(func() { r.work(ctx, a.ID, a.KeyARN) })
		default:
			r.release(a.ID)
			return wait // a slot that becomes free wakes the runner
		}
	}
	return max(wait, time.Millisecond)
}

func (r *actionRunner) claim(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy[id] {
		return false
	}
	r.busy[id] = true
	return true
}

func (r *actionRunner) release(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.busy, id)
}

// work steps one action until it waits or ends. A panic leaves it as it was made durable last, to be settled by
// reading KMS like after a crash.
func (r *actionRunner) work(ctx context.Context, id, arn string) {
	defer func() {
		if v := recover(); v != nil {
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
			seen = r.e.readForAction(ctx, arn)
		case remediation.Call:
			answer := r.e.call(ctx, &a)
			seen.Answer = &answer
		case remediation.Nothing, remediation.End:
			return
		}
	}
}

// decide makes the next step of an action durable before it is carried out. One decision at a time: two made from the
// same facts could together pass a limit that each respects.
func (e *Engine) decide(id string, seen remediation.Observation) (remediation.Action, remediation.Do, error) {
	e.deciding.Lock()
	defer e.deciding.Unlock()
	now := time.Now().UTC()
	settings := e.Settings()
	var (
		next remediation.Action
		do   remediation.Do
	)
	err := e.note(settings, now, func(n *notebook) error {
		before, err := n.tx.Action(id)
		if err != nil {
			return err
		}
		if before == nil || before.State.Final() {
			do = remediation.Do{What: remediation.End}
			return nil
		}
		facts, err := n.facts(before)
		if err != nil {
			return err
		}
		facts.Key = seen.Facts.Key
		seen.Facts = facts
		guardrails, err := n.guardrails()
		if err != nil {
			return err
		}
		next, do = remediation.Step(*before, seen, guardrails, now)
		if seen.Answer != nil && seen.Answer.RequestID != "" {
			if err := n.tx.NoteRequest(seen.Answer.RequestID, now); err != nil {
				return err
			}
		}
		if err := n.tx.PutAction(&next); err != nil {
			return err
		}
		if next.State == remediation.Succeeded {
			if err := n.undone(next.KeyARN, callOf(&next)); err != nil {
				return err
			}
		}
		if seen.Facts.Key != nil {
			if err := n.reading(seen.Facts.Key, false); err != nil {
				return err
			}
		}
		if !next.State.Final() {
			return nil
		}
		return n.ended(&next)
	})
	if err != nil {
		return next, do, fmt.Errorf("step action %s: %w", id, err)
	}
	e.changed.send()
	return next, do, nil
}

// facts gathers what guardrails judge by.
func (n *notebook) facts(a *remediation.Action) (remediation.Facts, error) {
	f := remediation.Facts{Now: n.now, StartedAt: n.e.started}
	var err error
	if f.Armed, err = n.e.armed(n.tx); err != nil {
		return f, err
	}
	if f.Paused, err = n.e.paused(n.tx, n.settings); err != nil {
		return f, err
	}
	key, err := n.tx.Key(a.KeyARN)
	if err != nil {
		return f, err
	}
	if key != nil {
		if p := n.settings.Policies.For(key); p != nil {
			f.Mode = p.Mode
		}
	}
	if f.RecentRotations, err = n.recentRotations(); err != nil {
		return f, err
	}
	onKey, err := n.tx.ActionsOn(a.KeyARN, 100)
	if err != nil {
		return f, err
	}
	for i := range onKey {
		o := &onKey[i]
		switch {
		case o.ID == a.ID:
		case !o.State.Final():
			f.Other = o
		case o.Method == remediation.EnableAutomatic && o.Automatic && o.State == remediation.Succeeded &&
			o.Ended != nil && n.now.Sub(*o.Ended) < 30*24*time.Hour:
			f.PutBacks++
		}
	}
	f.UndoneBy, err = n.undoer(a.KeyARN)
	return f, err
}

// recentRotations is when this shard last called for new material.
func (n *notebook) recentRotations() ([]time.Time, error) {
	var calls []time.Time
	actions, _, err := n.tx.Actions("", maxPending, nil)
	if err != nil {
		return nil, err
	}
	for i := range actions {
		a := &actions[i]
		if a.Method == remediation.NewMaterial && !a.CalledAt.IsZero() && n.now.Sub(a.CalledAt) <= time.Hour {
			calls = append(calls, a.CalledAt)
		}
	}
	return calls, nil
}

// undoer is who last switched the key's rotation off, as far as findings tell.
func (n *notebook) undoer(arn string) (string, error) {
	open, err := n.tx.OpenAbout(arn, maxOpenAbout)
	if err != nil {
		return "", err
	}
	for i := range open {
		if open[i].RuleID == "rotation-turned-off" {
			return open[i].PrincipalARN, nil
		}
	}
	return "", nil
}

// ended tells how an action ended. A failure is a finding; a success is told where the finding was that started it.
func (n *notebook) ended(a *remediation.Action) error {
	n.tally.ended = append(n.tally.ended, [2]string{string(a.Method), string(a.State)})
	if a.State == remediation.Failed {
		return n.found(detection.RotationFailed(n.e.db.Shard(), a, n.now))
	}
	if a.State != remediation.Succeeded && a.Automatic {
		return nil // nothing was changed; the finding that started it stays open
	}
	var f *finding.Finding
	if a.FindingID != "" {
		var err error
		if f, err = n.tx.Finding(a.FindingID); err != nil {
			return err
		}
	}
	return n.tell(n.actionAlert(a, f))
}

// readForAction reads what an action needs to know of its key.
func (e *Engine) readForAction(ctx context.Context, arn string) remediation.Observation {
	key, err := e.readRotation(ctx, arn)
	if err != nil {
		return remediation.Observation{ReadError: err.Error()}
	}
	return remediation.Observation{Facts: remediation.Facts{Key: key}}
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
	place, err := e.placeOf(a.KeyARN)
	if err != nil {
		return remediation.Answer{Kind: remediation.Refused, Message: err.Error()}
	}
	// The attempt outlives a stop: its answer is worth more than a second.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callWithin)
	defer cancel()
	e.log.Info("calling KMS", zap.String("action", a.ID), zap.String("operation", callOf(a)), zap.String("key", a.KeyARN))
	if a.Method == remediation.EnableAutomatic {
		return place.KMS.EnableRotation(ctx, a.KeyARN, a.PeriodDays).Answer()
	}
	return place.KMS.RotateOnDemand(ctx, a.KeyARN).Answer()
}

// paused says why automatic actions are paused; "" when they are not.
func (e *Engine) paused(tx *state.Tx, settings *Settings) (string, error) {
	if settings.Paused {
		return "rotd.yaml says pause: true", nil
	}
	p, ok, err := tx.Paused()
	if err != nil || !ok {
		return "", err
	}
	return fmt.Sprintf("%s paused rotd at %s: %s", p.By, p.At.UTC().Format(time.RFC3339), p.Reason), nil
}

// armed reports whether automatic actions are allowed on this state at all: somebody armed it, and every place was
// seen whole.
func (e *Engine) armed(tx *state.Tx) (bool, error) {
	if _, ok, err := tx.Armed(); err != nil || !ok {
		return false, err
	}
	for i := range e.places {
		c, err := tx.Place(e.places[i].Account, e.places[i].Region)
		if err != nil || c.FirstComplete.IsZero() {
			return false, err
		}
	}
	return true, nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
