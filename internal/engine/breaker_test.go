package engine

import (
	"fmt"
	"testing"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// refused makes KMS refuse rotd the schedule of so many keys that lack it.
func (w *world) refused(keys int) {
	w.Helper()
	w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "EnableKeyRotation", When: awssim.BeforeEffect, Times: keys,
		Err: &awssim.APIError{Code: "AccessDeniedException"},
	})
	for i := range keys {
		w.key(awssim.KeyOptions{Aliases: []string{fmt.Sprint("alias/pay-", i)}})
	}
	w.sweep(Inventory)
	w.await("so many failures", func() bool {
		w.hurry()
		return w.ended(remediation.Failed) == keys
	})
}

func (w *world) ended(s remediation.State) (n int) {
	for _, a := range w.actions() {
		if a.State == s {
			n++
		}
	}
	return n
}

func (w *world) breaker() (b remediation.Breaker) {
	w.view(func(tx *state.Tx) (err error) { b, err = tx.Breaker(); return err })
	return b
}

func TestFailuresInARowOpenTheCircuitBreaker(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Guardrails.BreakerFailures = 3 })
	w.refused(3)
	f := w.awaitFound("circuit-breaker-open", finding.Open)
	w.awaitTold("circuit-breaker-open", "rotd resume")
	if b := w.breaker(); !b.Open() || len(b.Failures) != 3 || f.Severity != finding.High {
		t.Errorf("got %+v and %+v", b, f)
	}

	w.stop()
	w.start() // it stays open over restarts
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-late"}})
	w.sweep(Inventory)
	w.await("an action that waits", func() bool {
		w.hurry()
		for _, a := range w.actions() {
			if a.Guardrail == remediation.GuardBreaker {
				return a.State == remediation.Planned
			}
		}
		return false
	})
	plan, err := w.engine.Rotate(t.Context(), RotateRequest{Key: "alias/pay-late", Reason: "test", Requester: ada()})
	if err != nil || plan.Decision.Verdict != remediation.Refuse || plan.Decision.Guardrail != remediation.GuardBreaker {
		t.Errorf("a person: %+v, %v", plan, err)
	}
	stopped := func(who string) int { return w.counter("rotd_guardrail_stops_total", remediation.GuardBreaker, who) }
	if stopped("automatic") == 0 || stopped("person") != 1 {
		t.Errorf("counted %d automatic, %d of people", stopped("automatic"), stopped("person"))
	}
	calls := len(w.sim.Requests(awssim.OfOperation("EnableKeyRotation")))
	w.check(w.engine.Resume("kim", ""))
	w.awaitFound("circuit-breaker-open", finding.Resolved)
	w.await("what waited to be done", func() bool {
		w.hurry()
		return w.ended(remediation.Succeeded) > 0
	})
	if b := w.breaker(); b.Open() || len(w.sim.Requests(awssim.OfOperation("EnableKeyRotation"))) <= calls {
		t.Errorf("got %+v", b)
	}
}

func TestASuccessClosesTheCircuitBreaker(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Guardrails.BreakerFailures = 2 })
	w.refused(2)
	w.awaitFound("circuit-breaker-open", finding.Open)
	w.rotate("alias/pay-0", true)
	w.awaitFound("circuit-breaker-open", finding.Resolved)
	a := w.awaitAction(remediation.Succeeded)
	if b := w.breaker(); b.Open() || len(b.Failures) > 0 || fmt.Sprint(a.Overrides) != "[circuit-breaker]" {
		t.Errorf("got %+v after %+v", b, a)
	}
}
