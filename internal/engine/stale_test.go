package engine

import (
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

func TestAnActionIsNotDoneThatNoPolicyAsksForAnyMore(t *testing.T) {
	tests := []struct {
		name      string
		change    func(p *policy.Policy)
		guardrail string
		days      int // of the schedule in the end; 0: none
	}{
		{
			"another policy matches now, which only watches",
			func(p *policy.Policy) { p.Match.Aliases = []string{"alias/zzz-*"} }, remediation.GuardMode, 0,
		},
		{
			"the policy asks for no rotation any more",
			func(p *policy.Policy) { p.Rotation.Method = policy.None }, remediation.GuardSuperseded, 0,
		},
		{
			"the policy asks for another period now",
			func(p *policy.Policy) { p.Rotation.Automatic = 120 * day }, remediation.GuardSuperseded, 120,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.settings.ArmOnNewState = false })
			arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
			w.sweep(Inventory)
			w.await("the action to be held", func() bool {
				a := w.actions()
				return len(a) == 1 && a[0].Guardrail == remediation.GuardNotArmed
			})
			changed := w.settings
			changed.Policies = append(policy.Set(nil), w.settings.Policies...)
			tt.change(&changed.Policies[0])
			w.engine.Reload(&changed)
			w.check(w.engine.Resume("ada", ""))
			a := w.awaitAction(remediation.Cancelled)
			if a.Guardrail != tt.guardrail || a.Attempts != 0 {
				t.Errorf("got %+v", a)
			}
			w.sweep(Drift)
			if tt.days > 0 {
				w.awaitAction(remediation.Succeeded)
			}
			if k, _ := w.sim.KMS().Key(arn); k.RotationPeriod != tt.days {
				t.Errorf("the schedule is every %d days, want %d", k.RotationPeriod, tt.days)
			}
		})
	}
}

func TestAnEventFromTheFutureHidesNothingThatReallyHappens(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.send(newRecord("DisableKey", arn, w.engineer, time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)).bridged())
	w.awaitTold("key-disabled", "finding-opened")
	w.drained()
	w.sweep(Drift)
	if f := w.found("key-disabled"); f.LastSeen.After(time.Now()) {
		t.Errorf("last seen %s", f.LastSeen)
	}
	w.check(w.engine.note(time.Now().UTC(), func(n *notebook) error {
		return n.resolve(w.found("key-disabled"), "a person looked", false)
	}))
	w.send(newRecord("DisableKey", arn, w.engineer, time.Now().Add(time.Second)).bridged())
	w.await("the real event to open the next episode", func() bool {
		f := w.found("key-disabled")
		return f.Status == finding.Open && f.Episode == 2
	})
}
