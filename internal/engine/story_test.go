package engine

import (
	"testing"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/remediation"
)

func TestSomebodySwitchesRotationOffAndItIsPutBack(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	w.disableRotation(w.engineer, arn)
	a := w.awaitAction(remediation.Succeeded)
	if a.Method != remediation.EnableAutomatic || a.PeriodDays != 90 || !a.Automatic {
		t.Errorf("got action %+v", a)
	}
	w.awaitFound("rotation-turned-off", finding.Resolved)
	if key, _ := w.sim.KMS().Key(arn); !key.RotationEnabled || key.RotationPeriod != 90 {
		t.Errorf("rotation is %t every %d days", key.RotationEnabled, key.RotationPeriod)
	}
	w.drained()
	if got := w.sim.EffectsOf("EnableKeyRotation"); len(got) != 1 {
		t.Errorf("EnableKeyRotation had %d effects", len(got))
	}
}
