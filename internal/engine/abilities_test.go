package engine

import (
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

func TestAbilitiesAreToldWithoutAskingKMS(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.await("everything about the key to be read", func() bool {
		k := w.known(arn)
		return k.Grants != nil && k.LastUsage != nil
	})
	w.check(w.engine.Pause("kim", "moving", ""))
	before := len(w.sim.Requests(awssim.OfService("kms")))
	var all remediation.Abilities
	w.view(func(tx *state.Tx) error {
		key, err := tx.Key(arn)
		if err == nil {
			all, err = w.engine.Abilities(tx, key, time.Now())
		}
		return err
	})
	if after := len(w.sim.Requests(awssim.OfService("kms"))); after != before {
		t.Errorf("KMS was asked %d times", after-before)
	}
	if all.Policy != "payments" || all.Asks != "The key is as its policy asks." || len(all.Verbs) != 7 ||
		all.Verbs[0].Person.Guardrail != remediation.GuardPaused ||
		!strings.Contains(all.Verbs[0].Person.Reason, "kim paused rotd") {
		t.Errorf("got %+v", all)
	}
}
