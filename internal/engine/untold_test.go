package engine

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

func TestDifferences(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	base := inventory.Key{
		Manager: "CUSTOMER", State: "Enabled", CurrentMaterial: "m1", Policy: "p1", Aliases: []string{"alias/a"},
		Rotation: &inventory.Rotation{Enabled: true, PeriodDays: 90}, ReadAt: at, FullAt: at, AliasesAt: at,
	}
	whole := func(change func(k *inventory.Key)) *inventory.Key {
		k := base
		rotation := *base.Rotation
		k.Rotation = &rotation
		k.ReadAt, k.FullAt, k.AliasesAt = at.Add(time.Hour), at.Add(time.Hour), at.Add(time.Hour)
		change(&k)
		return &k
	}
	tests := []struct {
		name  string
		after *inventory.Key
		want  []string
	}{
		{"nothing", whole(func(*inventory.Key) {}), nil},
		{"rotation off", whole(func(k *inventory.Key) { k.Rotation.Enabled = false }), []string{"rotation turned off"}},
		{"period", whole(func(k *inventory.Key) { k.Rotation.PeriodDays = 365 }), []string{"rotation period"}},
		{"disabled", whole(func(k *inventory.Key) { k.State = "Disabled" }), []string{"state Enabled → Disabled"}},
		{"KMS at work on it", whole(func(k *inventory.Key) { k.State = "Updating" }), nil},
		{"rotated", whole(func(k *inventory.Key) { k.CurrentMaterial = "m2" }), []string{"new material"}},
		{"policy", whole(func(k *inventory.Key) { k.Policy = "p2" }), []string{"key policy"}},
		{"tags and aliases", whole(func(k *inventory.Key) {
			k.Tags, k.Aliases = map[string]string{"a": "b"}, nil
		}), []string{"tags", "aliases"}},
		{"gone", whole(func(k *inventory.Key) { k.GoneAt = &k.ReadAt; k.Policy = "p2" }), []string{"deleted"}},
		{"refused", whole(func(k *inventory.Key) { k.Rotation = nil; k.Policy = "" }), nil},
		{"AWS's", whole(func(k *inventory.Key) { k.Manager = "AWS"; k.Policy = "p2" }), nil},
		{"not read anew", whole(func(k *inventory.Key) {
			k.FullAt, k.ReadAt, k.Policy, k.State = at, at, "p2", "Disabled"
		}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, d := range differences(&base, tt.after) {
				got = append(got, d.What)
				if len(d.Operations) == 0 || !d.since.Equal(at) {
					t.Errorf("%s: %v since %s", d.What, d.Operations, d.since)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// missedAfter lets a time pass and says what a heartbeat then finds missed.
func (w *world) missedAfter(d time.Duration) *finding.Finding {
	w.Helper()
	w.check(w.engine.settleUntold(time.Now().UTC().Add(d)))
	return w.found("sweep-found-what-events-missed")
}

func TestAChangeThatNoEventToldOfIsFoundByTheSweep(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365, Aliases: []string{"alias/lonely"}})
	w.sweep(Inventory)
	w.disableRotation(w.engineer, arn)
	created, err := w.kms(w.engineer).CreateKey(t.Context(), &kms.CreateKeyInput{})
	w.check(err)
	w.sweep(Inventory)
	if f := w.missedAfter(20 * time.Minute); f != nil {
		t.Errorf("after 20 minutes, within which events may come: %+v", f)
	}
	w.settle(newRecord("Decrypt", arn, w.engineer, time.Now().Add(time.Minute)).bridged()) // events come from there
	f := w.missedAfter(31 * time.Minute)
	if f == nil || f.Severity != finding.Low || f.Count != 2 || f.Account != account || f.Region != region {
		t.Fatalf("got %+v", f)
	}
	for _, says := range []string{
		"2 changes", "alias/lonely (rotation turned off)", aws.ToString(created.KeyMetadata.KeyId) + " (created)",
	} {
		if !strings.Contains(f.Description, says) {
			t.Errorf("it does not say %q: %s", says, f.Description)
		}
	}
	if n := w.counter("rotd_changes_untold_total"); n != 2 {
		t.Errorf("counted %d", n)
	}
	w.sweep(Drift)
	if f := w.missedAfter(3 * time.Hour); f.Count != 2 {
		t.Errorf("told again: %+v", f)
	}
}

func TestChangesThatAreNotMissed(t *testing.T) {
	tests := []struct {
		name  string
		story func(w *world, arn string)
	}{
		{"an event told before the sweep", func(w *world, arn string) {
			w.disableRotation(w.engineer, arn)
			w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
			w.sweep(Drift)
		}},
		{"an event told after the sweep", func(w *world, arn string) {
			w.disableRotation(w.engineer, arn)
			w.sweep(Drift)
			w.settle(w.aRecord("DisableKeyRotation", arn).bridged())
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, silent)
			arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
			w.sweep(Inventory)
			tt.story(w, arn)
			if f := w.missedAfter(3 * time.Hour); f != nil {
				t.Errorf("got %+v", f)
			}
			w.view(func(tx *state.Tx) error {
				if waiting, _ := tx.UntoldUntil("", time.Now().Add(day), 10); len(waiting) != 0 {
					t.Errorf("still waiting: %+v", waiting)
				}
				return nil
			})
		})
	}
}

func TestAnEventAboutSomethingElseHidesNoChange(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.disableRotation(w.engineer, arn)
	w.settle(w.aRecord("TagResource", arn).bridged())
	w.sweep(Drift)
	if f := w.missedAfter(3 * time.Hour); f == nil {
		t.Error("a TagResource hid that rotation was turned off")
	}
}

func TestRotdsOwnRotationIsNotMissed(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Guardrails.StartupHold = 0 })
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.sweep(Inventory)
	w.awaitAction("succeeded")
	w.sweep(Inventory)
	if f := w.missedAfter(3 * time.Hour); f != nil {
		t.Errorf("got %+v", f)
	}
}

// unheard has changes of keys wait for their events that were found at a time, one of each key.
func (w *world) unheard(keys int, found time.Time, in string) {
	w.Helper()
	w.update(func(tx *state.Tx) error {
		for i := range keys {
			u := state.Untold{
				ARN: fmt.Sprintf("arn:aws:kms:%s:%s:key/%d", in, account, i), Name: fmt.Sprint(i), Account: account, Region: in,
				Since: found, Found: found, Changes: []state.Change{{What: "tags", Operations: []string{"TagResource"}}},
			}
			if _, err := tx.NoteUntold(&u); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestChangesThatGoOnWaitingHoldUpNoOthers(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	now := time.Now().UTC()
	w.unheard(2*untoldInOne, now.Add(-40*time.Minute), "us-west-2") // nothing came from there yet
	w.unheard(1, now.Add(-35*time.Minute), region)
	w.settle(newRecord("Decrypt", arn, w.engineer, now.Add(-30*time.Minute)).bridged())
	if f := w.missedAfter(0); f == nil || f.Region != region || f.Count != 1 {
		t.Errorf("got %+v", f)
	}
}

func TestChangesThatCouldNotWaitAreCountedAndTold(t *testing.T) {
	w := newWorld(t, silent)
	var keys []string
	for range 3 {
		keys = append(keys, w.key(awssim.KeyOptions{RotationPeriod: 365}))
	}
	w.sweep(Inventory)
	w.unheard(state.MaxUntold, time.Now().UTC().Add(-time.Minute), region)
	w.settle(w.aRecord("TagResource", "arn:aws:kms:"+region+":"+account+":key/0").bridged()) // tells of the first one
	for _, arn := range keys {
		w.disableRotation(w.engineer, arn)
	}
	w.sweep(Drift)
	for range 2 { // told once
		f := w.missedAfter(20 * time.Minute)
		if f == nil || f.Count != 2 || !strings.Contains(f.Description, "Of 2 changes") {
			t.Errorf("got %+v", f)
		}
	}
	if n := w.counter("rotd_changes_unjudged_total"); n != 2 {
		t.Errorf("counted %d", n)
	}
}
