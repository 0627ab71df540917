package engine

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/remediation"
)

const rotateCall = "RotateKeyOnDemand"

func (w *world) issued() int { return len(w.sim.Requests(awssim.OfOperation(rotateCall))) }

func (w *world) effects() int { return len(w.sim.EffectsOf(rotateCall)) }

// payments is a rotating key of a policy in enforce.
func (w *world) payments() string {
	w.Helper()
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	return arn
}

func TestARotationIsVerifiedByWhatKMSShows(t *testing.T) {
	w := newWorld(t)
	arn := w.payments()
	before := w.known(arn).CurrentMaterial
	w.rotate("alias/pay-cards", false)
	a := w.awaitAction(remediation.Succeeded)
	k, _ := w.sim.KMS().Key(arn)
	if a.Before.Material != before || a.After.Material != k.CurrentMaterial() || a.After.OnDemandUsed != 1 ||
		a.RequestID == "" || w.issued() != 1 {
		t.Errorf("got %+v", a)
	}
	w.awaitTold("action-succeeded", "stays decryptable")
}

func TestALostAnswerNeverRotatesTwice(t *testing.T) {
	tests := []struct {
		name            string
		fault           awssim.Fault
		issued, effects int
		state           remediation.State
	}{
		{
			"lost after the effect",
			awssim.Fault{When: awssim.AfterEffect, DropConnection: true, Nth: 1},
			1, 1, remediation.Succeeded,
		},
		{"an internal error after the effect", awssim.Fault{
			When: awssim.AfterEffect, Nth: 1,
			Err: &awssim.APIError{Code: "KMSInternalException", Status: 500},
		}, 1, 1, remediation.Succeeded},
		{
			"lost before the effect",
			awssim.Fault{When: awssim.BeforeEffect, DropConnection: true, Nth: 1},
			2, 1, remediation.Succeeded,
		},
		{
			"lost before the effect every time",
			awssim.Fault{When: awssim.BeforeEffect, DropConnection: true},
			2, 0, remediation.Failed,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.payments()
			tt.fault.Service, tt.fault.Operation = "kms", rotateCall
			w.sim.Plan(tt.fault)
			w.rotate("alias/pay-cards", false)
			w.awaitAction(tt.state)
			w.drained()
			if w.issued() != tt.issued || w.effects() != tt.effects {
				t.Errorf("issued %d times with %d effects, want %d and %d", w.issued(), w.effects(), tt.issued, tt.effects)
			}
			if f := w.found("rotation-unplanned"); f != nil {
				t.Errorf("rotd took its own call for somebody else's: %+v", f)
			}
			if failed := w.found("rotation-missed"); (failed != nil) != (tt.state == remediation.Failed) {
				t.Errorf("got finding %+v", failed)
			}
		})
	}
}

// crash is the file as it is on disk at a moment, and a stop after which it is put back: what came later never was.
type crash struct{ image []byte }

func (w *world) restartFrom(c *crash) {
	w.Helper()
	w.stop()
	w.check(os.WriteFile(w.path, c.image, 0o600))
	w.start()
}

func TestACrashInTheMiddleOfARotationNeverRotatesTwice(t *testing.T) {
	for name, when := range map[string]awssim.When{
		"between intent and call": awssim.BeforeEffect, "between effect and answer": awssim.AfterEffect,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.payments()
			var c crash
			died := make(chan struct{})
			w.sim.Plan(awssim.Fault{
				Service: "kms", Operation: rotateCall, Nth: 1, When: when, DropConnection: true,
				Do: func() {
					c.image, _ = os.ReadFile(w.path)
					close(died)
				},
			})
			w.rotate("alias/pay-cards", false)
			<-died
			w.restartFrom(&c)
			w.awaitAction(remediation.Succeeded)
			if w.effects() != 1 || w.issued() > 2 || when == awssim.AfterEffect && w.issued() != 1 {
				t.Errorf("issued %d times with %d effects", w.issued(), w.effects())
			}
		})
	}
}

func TestNoCallWithoutADurableIntent(t *testing.T) {
	w := newWorld(t)
	w.payments()
	checked := make(chan bool, 1)
	w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: rotateCall, Nth: 1, When: awssim.BeforeEffect,
		Do: func() {
			image, _ := os.ReadFile(w.path)
			checked <- bytes.Contains(image, []byte(`"state":"running"`))
		},
	})
	w.rotate("alias/pay-cards", false)
	if !<-checked {
		t.Error("KMS was called before the intent was durable")
	}
	w.awaitAction(remediation.Succeeded)
}

func TestAnActionThatKMSRefusesIsToldAsFailed(t *testing.T) {
	w := newWorld(t)
	w.payments()
	w.sim.Plan(awssim.Fault{Service: "kms", Operation: rotateCall, Err: &awssim.APIError{
		Code: "LimitExceededException", Message: "no more",
	}})
	w.rotate("alias/pay-cards", false)
	a := w.awaitAction(remediation.Failed)
	if w.issued() != 1 || a.Rejected != 1 {
		t.Errorf("issued %d times: %+v", w.issued(), a)
	}
	w.awaitFound("rotation-missed", finding.Open)
	w.awaitTold("rotation-missed", "A rotation could not be made")
}

func TestGuardrailsHoldAPersonAndAnEmergencyPassesThem(t *testing.T) {
	tests := []struct {
		name      string
		change    func(*world)
		key       awssim.KeyOptions
		guardrail string
		passes    bool // in an emergency
	}{
		{"a disabled key", nil, awssim.KeyOptions{State: types.KeyStateDisabled}, remediation.GuardNotEligible, false},
		{"paused", func(w *world) { w.settings.Paused = true }, awssim.KeyOptions{}, remediation.GuardPaused, true},
		{
			"the hourly limit", func(w *world) { w.settings.Guardrails.RotationsPerHour = 0 },
			awssim.KeyOptions{},
			remediation.GuardHourlyLimit, true,
		},
		{"the cooldown", nil, awssim.KeyOptions{History: []awssim.PastRotation{{
			At: time.Now().Add(-time.Minute), Type: types.RotationTypeOnDemand,
		}}}, remediation.GuardCooldown, true},
		{
			"mode observe", func(w *world) { w.settings.Policies[0].Mode = "observe" },
			awssim.KeyOptions{},
			remediation.GuardMode, true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				if tt.change != nil {
					tt.change(w)
				}
			})
			tt.key.Aliases, tt.key.RotationPeriod = []string{"alias/pay-cards"}, 90
			w.key(tt.key)
			w.sweep(Inventory)
			plan := w.rotate("alias/pay-cards", false)
			if plan.Decision.Verdict != remediation.Refuse || plan.Decision.Guardrail != tt.guardrail {
				t.Fatalf("got %+v", plan.Decision)
			}
			if len(w.actions()) != 0 {
				t.Error("a refused request left an action")
			}
			plan = w.rotate("alias/pay-cards", true)
			if !tt.passes {
				if plan.Decision.Verdict != remediation.Refuse || w.issued() != 0 {
					t.Errorf("in an emergency got %+v", plan.Decision)
				}
				return
			}
			a := w.awaitAction(remediation.Succeeded)
			if !slices.Contains(a.Overrides, tt.guardrail) || !a.Emergency {
				t.Errorf("got overrides %q", a.Overrides)
			}
			if p := w.awaitTold("action-succeeded"); p.Attributes["severity"].StringValue != "HIGH" {
				t.Errorf("an emergency is told as %s", p.Attributes["severity"].StringValue)
			}
		})
	}
}

func TestAutomaticActionsWaitForWhatHoldsThem(t *testing.T) {
	tests := []struct {
		name      string
		change    func(*world)
		guardrail string
		release   func(*world)
	}{
		{
			"not armed, until somebody resumes", func(w *world) { w.settings.ArmOnNewState = false },
			remediation.GuardNotArmed, func(w *world) { w.check(w.engine.Resume("ada", "")) },
		},
		{
			"so soon after the start", func(w *world) { w.settings.Guardrails.StartupHold = 700 * time.Millisecond },
			remediation.GuardStartupHold, func(*world) {},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.change)
			w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
			w.sweep(Inventory)
			w.await("the action to be held", func() bool {
				a := w.actions()
				return len(a) == 1 && a[0].Guardrail == tt.guardrail
			})
			if got := len(w.sim.EffectsOf("EnableKeyRotation")); got != 0 {
				t.Fatalf("%d calls although held", got)
			}
			tt.release(w)
			w.awaitAction(remediation.Succeeded)
		})
	}
}

// TestNothingIsDueOrOldByAWrongClock: a clock a year ahead would rotate every key, and forget everything.
func TestNothingIsDueOrOldByAWrongClock(t *testing.T) {
	var right atomic.Bool
	w := newWorld(t, func(w *world) {
		w.settings.Policies[0].Rotation.Automatic = 0
		w.clockOff = func() string {
			if right.Load() {
				return ""
			}
			return "8760h0m0s ahead of AWS's"
		}
	})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, Created: time.Now().Add(-400 * day)})
	w.sweep(Inventory)
	w.await("the action to be held", func() bool {
		a := w.actions()
		return len(a) == 1 && a[0].Guardrail == remediation.GuardWrongClock
	})
	if err := w.engine.Retain(t.Context()); err == nil || !strings.Contains(err.Error(), "8760h0m0s ahead of AWS's") {
		t.Errorf("retention: %v", err)
	}
	if n := w.issued(); n != 0 {
		t.Errorf("%d rotations", n)
	}
	right.Store(true)
	w.check(w.engine.Retain(t.Context()))
}

func TestAPauseOutlivesARestart(t *testing.T) {
	w := newWorld(t)
	w.check(w.engine.Pause("ada", "change freeze", ""))
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.sweep(Inventory)
	w.stop()
	w.start()
	w.await("the action to be held", func() bool {
		a := w.actions()
		return len(a) == 1 && a[0].Guardrail == remediation.GuardPaused
	})
	w.check(w.engine.Resume("ada", ""))
	w.awaitAction(remediation.Succeeded)
}

func TestTheHourlyLimitCountsCallsFromBeforeTheRestart(t *testing.T) {
	w := newWorld(t, func(w *world) { w.settings.Guardrails.RotationsPerHour = 1 })
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-a"}, RotationPeriod: 90})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-b"}, RotationPeriod: 90})
	w.sweep(Inventory)
	w.rotate("alias/pay-a", false)
	w.awaitAction(remediation.Succeeded)
	for range 2 {
		if d := w.rotate("alias/pay-b", false).Decision; d.Guardrail != remediation.GuardHourlyLimit {
			t.Errorf("got %+v", d)
		}
		w.stop()
		w.start()
	}
}

func TestAnOverdueKeyWhoseRotationFailedForGoodIsLeftToPeople(t *testing.T) {
	w := newWorld(t, func(w *world) { w.settings.Policies[0].Rotation.Automatic = 0 })
	w.sim.Plan(awssim.Fault{Service: "kms", Operation: rotateCall, When: awssim.BeforeEffect, DropConnection: true})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, Created: time.Now().Add(-400 * day)})
	w.sweep(Inventory)
	w.awaitAction(remediation.Failed)
	for range 3 {
		w.sweep(Inventory)
	}
	if got := w.actions(); len(got) != 1 || w.issued() != 2 {
		t.Errorf("%d actions issued %d calls", len(got), w.issued())
	}
}

func TestWhatIsRefusedAgainAndAgainIsLeftToPeople(t *testing.T) {
	w := newWorld(t)
	w.sim.KMS().Deny(awssim.KMSDenial{Principal: roleARN, Operation: "EnableKeyRotation"})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	for i := range maxTries + 2 {
		w.sweep(Drift)
		w.sweep(Inventory)
		w.await("the actions to end", func() bool {
			return len(w.actions()) >= min(i+1, maxTries) &&
				!slices.ContainsFunc(w.actions(), func(a remediation.Action) bool { return !a.State.Final() })
		})
	}
	if got := len(w.actions()); got != maxTries {
		t.Errorf("tried %d times, want %d", got, maxTries)
	}
	w.idleOutbox()
	if f := w.found("rotation-missed"); f == nil || f.Episode != 1 || w.items("rotation-missed", notifyOpened) != 1 {
		t.Errorf("got %+v, told %d times", f, w.items("rotation-missed", notifyOpened))
	}
}
