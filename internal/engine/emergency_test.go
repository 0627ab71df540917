package engine

import (
	"context"
	"testing"

	"rotd/internal/awskms"
	"rotd/internal/awssim"
	"rotd/internal/remediation"
)

func TestAnEmergencyIsActedOnWithItsOwnRole(t *testing.T) {
	tests := []struct {
		name      string
		emergency bool
	}{
		{"an emergency", true},
		{"no emergency", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.settings.Paused = tt.emergency })
			w.payments()
			responder := awssim.Principal{
				AccessKeyID: "ASIAROTDEMERGENCY001", SecretAccessKey: "secret", Account: account, Type: "AssumedRole",
				ARN:              "arn:aws:sts::" + account + ":assumed-role/rotd-emergency/rotd-emergency-default",
				SessionIssuerARN: "arn:aws:iam::" + account + ":role/rotd-emergency", SessionName: "rotd-emergency-default",
				PrincipalID: "AROAROTDEMERGENCY:rotd-emergency-default",
			}
			w.sim.AddPrincipal(responder)
			cfg := w.sim.As(responder, region)
			cfg.HTTPClient = w.http
			cfg = awskms.Configure(cfg, "test", func(_ context.Context, id string) error { return w.engine.own.Note(id) })
			places := w.engine.Places()
			places[0].Emergency = places[0].KMS.As(cfg)
			w.engine.SetPlaces(places)

			w.rotate("alias/pay-cards", tt.emergency)
			w.awaitAction(remediation.Succeeded)
			by := w.sim.EffectsOf(rotateCall)[0].AccessKeyID
			if (by == responder.AccessKeyID) != tt.emergency {
				t.Errorf("the call was made with %s", by)
			}
			w.drained()
			if f := w.found("rotation-unplanned"); f != nil {
				t.Errorf("rotd took its own rotation for somebody else's: %+v", f)
			}
		})
	}
}
