package engine

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/remediation"
)

func TestAPersonsScheduleIsPlannedAgainstThePolicy(t *testing.T) {
	w := newWorld(t)
	w.payments()
	tests := []struct {
		name     string
		days     int
		verdict  remediation.Verdict
		noAction string
		warnings []string
	}{
		{"as it is already", 90, remediation.Allow, "Automatic rotation is already on, every 90 days.", nil},
		{"longer than the policy asks for", 100, remediation.Allow, "", []string{
			"Policy payments asks for 90d and is in mode enforce: rotd will set it back. Change the policy instead.",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plan, err := w.engine.Rotate(w.Context(), RotateRequest{
				Key: "alias/pay-cards", AutomaticDays: tt.days, DryRun: true,
			})
			w.check(err)
			nothing := tt.noAction != ""
			if plan.Decision.Verdict != tt.verdict || plan.NoAction != tt.noAction || (plan.Action == nil) != nothing {
				t.Errorf("got %+v", plan)
			}
			if diff := cmp.Diff(tt.warnings, plan.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnUnknownKeySaysWhereItWasLookedFor(t *testing.T) {
	w := newWorld(t)
	const foreign = "arn:aws:kms:eu-west-1:999900001111:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for name, want := range map[string]string{
		"alias/nope": `unknown key "alias/nope": it is in none of the configured accounts and Regions; ` +
			"`rotd keys list` shows those that are, `rotd sweep inventory` looks again",
		foreign: `unknown key "` + foreign + `": rotd does not look after account 999900001111 in eu-west-1 (accounts in ` +
			"rotd.yaml)",
	} {
		if _, err := w.engine.ResolveKey(name); !errors.Is(err, ErrUnknownKey) || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
}
