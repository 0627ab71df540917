package engine

import (
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/policy"
)

// except makes the settings those with an exception from some checks, or from every rotation-* check.
func (w *world) except(expires time.Time, checks ...string) {
	w.Helper()
	changed := w.settings
	changed.Exceptions = policy.Exceptions{{
		Name: "readers", Keys: []string{"alias/pay-*"}, Checks: checks, Author: "jane", Reason: "no update yet",
		Expires: expires,
	}}
	w.engine.Reload(&changed)
}

func TestAnExceptionEndsTheFindingQuietlyAndWhenItExpiresThereIsOneAgain(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.ArmOnNewState = false })
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.sweep(Inventory)
	w.awaitFound("rotation-disabled", finding.Open)
	w.await("the action to wait", func() bool { return len(w.actions()) == 1 })

	w.except(time.Date(2999, 3, 31, 0, 0, 0, 0, time.UTC))
	w.check(w.engine.Resume("ada", ""))
	w.await("the action to end", func() bool { return w.actions()[0].State.Final() })
	if a := w.actions()[0]; a.Attempts != 0 || a.Outcome == "" {
		t.Errorf("got %+v", a)
	}
	w.sweep(Drift)
	f := w.awaitFound("rotation-disabled", finding.Resolved)
	if want := "excepted by readers until 2999-03-31"; f.ResolvedBy != want {
		t.Errorf("it ended by %q, want %q", f.ResolvedBy, want)
	}
	w.idleOutbox()
	if got := w.items("rotation-disabled", notifyResolved); got != 0 {
		t.Errorf("a quiet end is told %d times", got)
	}
	if k, _ := w.sim.KMS().Key(arn); k.RotationPeriod != 0 {
		t.Error("an excepted key was put right")
	}

	w.except(time.Now().Add(-time.Second))
	w.sweep(Drift)
	if f := w.found("rotation-disabled"); f.Status != finding.Open || f.Episode != 2 {
		t.Errorf("got %+v", f)
	}
}

func TestAnExceptionFromAnotherCheckLetsNobodyOff(t *testing.T) {
	w := newWorld(t, silent)
	w.except(time.Now().Add(day), "rotation-overdue")
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.sweep(Inventory)
	w.awaitFound("rotation-disabled", finding.Open)
}

func TestARulesResponseLeavesAnExceptedKeyAlone(t *testing.T) {
	w := newWorld(t)
	arn := w.payments()
	w.except(time.Now().Add(day), "rotation-disabled")
	w.disableRotation(w.engineer, arn)
	w.awaitFound("rotation-turned-off", finding.Open)
	w.awaitTold("rotation-turned-off", "excepted by readers until")
	if a := w.actions(); len(a) != 0 {
		t.Errorf("got %+v", a)
	}
}

func TestAnExpiredExceptionIsAFindingUntilItIsRenewed(t *testing.T) {
	w := newWorld(t, silent)
	end := time.Now().Add(time.Hour)
	w.except(end)
	w.check(w.engine.noteExpired(end.Add(-time.Second)))
	if f := w.found("exception-expired"); f != nil {
		t.Fatalf("it has not expired yet: %+v", f)
	}
	w.check(w.engine.noteExpired(end))
	w.check(w.engine.noteExpired(end.Add(time.Minute)))
	w.awaitTold("exception-expired", notifyOpened)
	w.except(end.Add(day))
	w.check(w.engine.noteExpired(end.Add(2 * time.Minute)))
	w.awaitFound("exception-expired", finding.Resolved)
	w.except(end)
	w.check(w.engine.noteExpired(end.Add(3 * time.Minute)))
	w.engine.Reload(&w.settings)
	w.check(w.engine.noteExpired(end.Add(4 * time.Minute)))
	if f := w.found("exception-expired"); f.Status != finding.Resolved || f.Episode != 2 {
		t.Errorf("removed: got %+v", f)
	}
}
