package engine

import (
	"strings"
	"testing"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/state"
)

func TestAPanicInARuleIsContainedAndTold(t *testing.T) {
	w := newWorld(t, func(w *world) {
		w.settings.Trusted = func(id string) bool {
			if id == stranger {
				panic("no such account")
			}
			return true
		}
	})
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + stranger +
		`"},"Action":"kms:*","Resource":"*"}]}`
	got := w.settle(w.aRecord("PutKeyPolicy", arn).with("requestParameters",
		map[string]any{"keyId": arn, "policy": policy}).bridged(), w.aRecord("DisableKey", arn).bridged())
	if !got[0].Ack || !got[1].Ack {
		t.Errorf("got %+v", got)
	}
	f := w.awaitFound("rule-panicked", finding.Open)
	if !strings.Contains(f.Title, "key-policy-shared-externally") {
		t.Errorf("got %+v", f)
	}
	w.awaitTold("rule-panicked")
	if w.found("key-policy-changed") == nil || w.found("key-disabled") == nil {
		t.Error("the other rules and records were not judged")
	}
	if n := w.counter("rotd_panics_total"); n == 0 {
		t.Error("the panic is not counted")
	}
}

func TestWhatCannotBeJudgedIsSetAsideAlone(t *testing.T) {
	const poison = "666666666666"
	w := newWorld(t, silent, func(w *world) {
		w.settings.Expected = func(id string) bool {
			if id == poison {
				panic("outside a rule")
			}
			return true
		}
	})
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	good := func() record { return w.aRecord("DisableKey", arn) }
	bad := func() record { return good().with("recipientAccountId", poison) }
	got := w.settle(good().bridged(), bad().bridged(), file(good(), bad(), good()), good().bridged())
	if !got[0].Ack || got[1].Ack || !got[2].Ack || !got[3].Ack {
		t.Errorf("got %+v", got)
	}
	f := w.awaitFound("key-disabled", finding.Open)
	if f.Count != 4 || f.KeyARN != arn {
		t.Errorf("got %+v", f)
	}
	w.view(func(tx *state.Tx) error {
		items, _, err := tx.QuarantineList("", 10)
		if len(items) != 2 || items[0].Reason != "panic" || items[1].Reason != "panic" {
			t.Errorf("quarantined are %+v", items)
		}
		return err
	})
	if in, out := w.counter("rotd_messages_received_total"), w.counter("rotd_messages_total"); in != 4 || out != 4 {
		t.Errorf("%d messages in, %d with an outcome", in, out)
	}
	if why := w.engine.IntakeStopped(); why != "" {
		t.Errorf("receiving stopped: %s", why)
	}
}

func TestNamesOfAnyLengthStopNothing(t *testing.T) {
	w := newWorld(t, silent)
	arn := "arn:aws:kms:eu-west-1:111122223333:key/" + strings.Repeat("x", 40_000)
	got := w.settle(w.aRecord("DisableKey", arn).bridged(), w.aRecord("Decrypt", arn).bridged(),
		w.aRecord("RotateKeyOnDemand", "alias/"+arn).with("userAgent", arn).bridged())
	for i, d := range got {
		if !d.Ack {
			t.Errorf("message %d: got %+v", i, d)
		}
	}
	if p, why := w.counter("rotd_records_total", "processed"), w.engine.IntakeStopped(); p != 3 || why != "" {
		t.Errorf("processed %d, receiving stopped: %q", p, why)
	}
	if due := w.waiting(arn); len(due) != 0 {
		t.Errorf("such a key is to be read at %v", due)
	}
}
