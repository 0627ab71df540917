package engine

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// responding is a world whose policy for payments answers so.
func responding(answers ...policy.Response) func(*world) {
	return func(w *world) {
		w.settings.Policies = slices.Clone(w.settings.Policies)
		w.settings.Policies[0].Respond = answers
	}
}

func (w *world) scheduleDeletion(arn string) {
	w.Helper()
	_, err := w.kms(w.engineer).ScheduleKeyDeletion(w.Context(), &kms.ScheduleKeyDeletionInput{
		KeyId: &arn, PendingWindowInDays: aws.Int32(30),
	})
	w.check(err)
}

// restoring are the calls that had an effect, of those that only rotd makes here.
func (w *world) restoring() (effects []string) {
	for _, op := range []string{"CancelKeyDeletion", "EnableKey", rotateCall} {
		for range w.sim.EffectsOf(op) {
			effects = append(effects, op)
		}
	}
	return effects
}

func (w *world) keyState(arn string) string {
	w.Helper()
	key, ok := w.sim.KMS().Key(arn)
	if !ok {
		w.Fatalf("no key %s", arn)
	}
	return string(key.State)
}

func TestAScheduledDeletionIsCancelledAndTheKeyEnabled(t *testing.T) {
	for name, answer := range map[string]policy.Response{
		"by its rule": {RuleID: "key-deletion-scheduled", Action: policy.RespondRestore},
		"by severity": {Severity: finding.High, Action: policy.RespondRestore},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, responding(answer))
			arn := w.payments()
			w.scheduleDeletion(arn)
			a := w.awaitAction(remediation.Succeeded)
			if a.Method != remediation.Restore || !a.Automatic || w.keyState(arn) != "Enabled" {
				t.Errorf("key is %s after %+v", w.keyState(arn), a)
			}
			w.awaitFound("key-deletion-scheduled", finding.Resolved)
			w.drained()
			if got := strings.Join(w.restoring(), " "); got != "CancelKeyDeletion EnableKey" {
				t.Errorf("done: %s", got)
			}

			w.sim.Clock().Advance(2 * time.Second) // CloudTrail's times are whole seconds
			w.scheduleDeletion(arn)                // who does it again has to be talked to
			w.await("the second deletion to be told", func() bool {
				f := w.found("key-deletion-scheduled")
				return f != nil && f.Episode == 2 && f.Status == finding.Open
			})
			w.awaitTold("key-deletion-scheduled", "once in 7 days")
			if got := w.keyState(arn); got != "PendingDeletion" || len(w.restoring()) != 2 {
				t.Errorf("the second time the key is %s, done: %v", got, w.restoring())
			}
		})
	}
}

func TestAKeyThatWasDisabledStaysSoWhenItsDeletionIsCancelled(t *testing.T) {
	w := newWorld(t, responding(policy.Response{RuleID: "key-deletion-scheduled", Action: policy.RespondRestore}))
	arn := w.payments()
	_, err := w.kms(w.engineer).DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &arn})
	w.check(err)
	w.await("the key known as disabled", func() bool { return w.known(arn).State == "Disabled" })
	w.scheduleDeletion(arn)
	w.awaitAction(remediation.Succeeded)
	if got := w.keyState(arn); got != "Disabled" {
		t.Errorf("the key is %s", got)
	}
}

func TestAForgedEventStartsNothing(t *testing.T) {
	tests := []struct {
		name, event string
		answer      policy.Response
	}{
		{"a deletion", "ScheduleKeyDeletion", policy.Response{
			RuleID: "key-deletion-scheduled", Action: policy.RespondRestore,
		}},
		{"a rotation turned off", "DisableKeyRotation", policy.Response{
			RuleID: "rotation-turned-off", Action: policy.RespondRotate,
		}},
		{"a rotation turned off, restored", "DisableKeyRotation", policy.Response{
			RuleID: "rotation-turned-off", Action: policy.RespondRestore,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, silent, responding(tt.answer))
			arn := w.payments()
			for range 3 { // however new the last of them is
				w.settle(w.aRecord(tt.event, arn).bridged())
			}
			a := w.awaitAction(remediation.Cancelled)
			if a.Guardrail != remediation.GuardSuperseded || a.Attempts != 0 {
				t.Errorf("got %+v", a)
			}
			w.drained()
			if got := append(w.restoring(), w.enabledRotation()...); len(got) > 0 {
				t.Errorf("done: %v", got)
			}
		})
	}
}

func (w *world) enabledRotation() (effects []string) {
	for range w.sim.EffectsOf("EnableKeyRotation") {
		effects = append(effects, "EnableKeyRotation")
	}
	return effects
}

func TestARuleCanGiveAKeyNewMaterial(t *testing.T) {
	w := newWorld(t, responding(policy.Response{RuleID: "rotation-turned-off", Action: policy.RespondRotate}))
	arn := w.payments()
	w.disableRotation(w.engineer, arn)
	w.await("new material", func() bool {
		w.hurry()
		return w.effects() == 1
	})
	w.drained()
	if w.issued() != 1 {
		t.Errorf("issued %d times", w.issued())
	}
}

func TestAResponseInModeObserveIsOnlyTold(t *testing.T) {
	w := newWorld(t, responding(policy.Response{RuleID: "key-deletion-scheduled", Action: policy.RespondRestore}),
		func(w *world) { w.settings.Policies[0].Mode = policy.Observe })
	arn := w.payments()
	w.scheduleDeletion(arn)
	w.awaitTold("key-deletion-scheduled", "rotd only watches")
	if got := w.keyState(arn); got != "PendingDeletion" || len(w.actions()) > 0 {
		t.Errorf("the key is %s, actions %v", got, w.actions())
	}
}
