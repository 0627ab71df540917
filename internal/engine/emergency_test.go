package engine

import (
	"context"
	"slices"
	"testing"

	"rotd/internal/awskms"
	"rotd/internal/awss3"
	"rotd/internal/awssim"
	"rotd/internal/reencrypt"
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
			responder := w.emergencyRole()
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

// emergencyRole gives the account a role for emergencies.
func (w *world) emergencyRole() awssim.Principal {
	w.Helper()
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
	places := slices.Clone(w.engine.Places()) // the engine reads its own
	places[0].Emergency, places[0].EmergencyStore = places[0].KMS.As(cfg), awss3.New(cfg)
	w.engine.SetPlaces(places)
	return responder
}

func TestAnEmergencyIsReencryptedWithItsOwnRole(t *testing.T) {
	tests := []struct {
		name      string
		emergency bool
	}{
		{"an emergency", true},
		{"no emergency", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newVault(t)
			responder := m.emergencyRole()
			m.fill(2, "data/", m.old)
			m.awaitJob(m.begin(m.objects(func(r *ReencryptRequest) { r.Emergency = tt.emergency })).ID, reencrypt.Done)
			r := m.request(1)
			r.Emergency = tt.emergency
			m.send(m.begin(r), 0, m.sealed(1, m.old))
			for _, operation := range []string{"HeadBucket", "ListObjectsV2", "CopyObject", "ReEncrypt"} {
				asked := m.sim.Requests(awssim.OfOperation(operation))
				if len(asked) == 0 {
					t.Errorf("nobody asked for %s", operation)
				}
				for i := range asked {
					if by := asked[i].AccessKeyID; (by == responder.AccessKeyID) != tt.emergency {
						t.Errorf("%s was asked for with %s", operation, by)
					}
				}
			}
		})
	}
}
