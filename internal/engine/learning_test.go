package engine

import (
	"testing"
	"time"

	"rotd/internal/baseline"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// used is a record of a Decrypt by the engineer under another role's name.
func (w *world) used(arn, role string, at time.Time) record {
	return newRecord("Decrypt", arn, w.engineer, at).with("userIdentity", map[string]any{
		"type": "AssumedRole", "arn": "arn:aws:sts::" + account + ":assumed-role/" + role + "/s", "accountId": account,
		"sessionContext": map[string]any{"sessionIssuer": map[string]any{
			"type": "Role", "arn": "arn:aws:iam::" + account + ":role/" + role, "accountId": account,
		}},
	})
}

func TestWhatIsUsualIsKnownAfterARestart(t *testing.T) {
	w := newWorld(t)
	arn := w.payments()
	before := time.Now().Add(-14*24*time.Hour - time.Hour) // not yet so old that it would be late
	w.settle(w.used(arn, "pay-api", before).bridged())
	w.settle(w.used(arn, "pay-api", before.Add(time.Hour)).bridged())
	if f := w.found("principal-first-seen"); f != nil {
		t.Fatalf("found while learning: %+v", f)
	}
	w.stop()
	w.start()

	w.settle(w.used(arn, "pay-api", time.Now()).bridged())
	if f := w.found("principal-first-seen"); f != nil {
		t.Errorf("who used the key before is called new: %+v", f)
	}
	w.settle(w.used(arn, "thief", time.Now()).bridged())
	f := w.awaitFound("principal-first-seen", finding.Open)
	if f.Severity != finding.Low || f.PrincipalARN != "arn:aws:iam::"+account+":role/thief" {
		t.Errorf("got %+v", f)
	}
	for range 4 {
		w.settle(w.used(arn, "thief", time.Now()).bridged())
	}
	w.awaitTold("principal-first-seen", "finding-raised", "MEDIUM") // it reads on
}

func TestNothingIsLearntTwiceNorOfUnknownKeys(t *testing.T) {
	w := newWorld(t)
	arn, stranger := w.payments(), "arn:aws:kms:"+region+":"+account+":key/00000000-0000-4000-8000-000000000000"
	again := w.used(arn, "pay-api", time.Now()).bridged()
	w.settle(again, w.used(stranger, "who", time.Now()).bridged())
	learnt := func() (raw []byte) {
		w.view(func(tx *state.Tx) error {
			k, err := tx.KeyBaseline(arn)
			raw = k.Append(nil)
			return err
		})
		return raw
	}
	once := learnt()
	w.settle(again)
	if twice := learnt(); string(twice) != string(once) {
		t.Errorf("a repetition taught something: %x, then %x", once, twice)
	}
	w.view(func(tx *state.Tx) error {
		k, err := tx.KeyBaseline(stranger)
		if k.Principals() != 0 {
			t.Errorf("%d principals of a key that nobody knows", k.Principals())
		}
		p, errOf := tx.PrincipalBaseline(baseline.IDOf("arn:aws:iam::" + account + ":role/who"))
		if len(p.Append(nil)) != len(new(baseline.Principal).Append(nil)) {
			t.Error("a principal that used no known key was learnt")
		}
		if err == nil {
			err = errOf
		}
		return err
	})
}
