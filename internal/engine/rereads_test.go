package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// waiting are the rereads of a key that wait.
func (w *world) waiting(arn string) (due []time.Time) {
	w.Helper()
	w.view(func(tx *state.Tx) error {
		all, _ := tx.DueRereads(time.Now().Add(day), 1000)
		for _, r := range all {
			if r.ARN == arn {
				due = append(due, r.Due)
			}
		}
		return nil
	})
	return due
}

func (w *world) describes(arn string) int {
	return len(w.sim.Requests(awssim.OfOperation("DescribeKey"), awssim.OfResource(arn)))
}

func TestAForeignChangeIsReadAtOnceAndOnceMoreAfterFiveMinutes(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	before, began := w.describes(arn), time.Now()
	client := w.kms(w.engineer)
	for range 10 {
		_, err := client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &arn})
		w.check(err)
		w.await("the change to be read", func() bool { return w.known(arn).State == "Disabled" })
		w.drained()
	}
	got, took := w.describes(arn)-before, time.Since(began)
	if most := 2 + int(took/rereadEvery); got > most {
		t.Errorf("10 changes within %v read the key %d times", took, got)
	}
	w.await("only the second reading to wait", func() bool {
		due := w.waiting(arn)
		return len(due) > 0 && slices.MinFunc(due, time.Time.Compare).After(time.Now().Add(4*time.Minute))
	})
	if latest := slices.MaxFunc(w.waiting(arn), time.Time.Compare); latest.After(time.Now().Add(rereadSettled)) {
		t.Errorf("the second reading is due at %s", latest)
	}
}

func TestReadingsAndOwnChangesReadNothingAgain(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	w.rotate(arn, false)
	w.awaitAction(remediation.Succeeded)
	sent := 0
	for _, r := range w.sim.Records() {
		if r.EventName == "RotateKeyOnDemand" {
			w.send(recorded(t, r).bridged())
			sent++
		}
	}
	if sent != 1 {
		t.Fatalf("rotd's own change came back %d times", sent)
	}
	w.send(w.aRecord("Decrypt", arn).bridged(), w.aRecord("GetKeyPolicy", arn).bridged(),
		w.aRecord("DisableKey", arn).with("errorCode", "AccessDenied").bridged(),
		w.aRecord("DisableKey", "arn:aws:kms:us-west-2:444455556666:key/elsewhere").bridged())
	w.drained()
	// Whatever is read at once is read once more later, and that reading would still wait.
	for _, arn := range []string{arn, "arn:aws:kms:us-west-2:444455556666:key/elsewhere"} {
		if got := w.waiting(arn); len(got) != 0 {
			t.Errorf("%s is to be read at %v", arn, got)
		}
	}
}

func TestAnEventAboutAKeyThatThereIsNotLeavesNothing(t *testing.T) {
	w := newWorld(t)
	arn := "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-4000-8000-000000000000"
	w.send(w.aRecord("TagResource", arn).bridged())
	w.await("the key to be asked for", func() bool { return w.describes(arn) > 0 })
	w.await("the answer", func() bool { return len(w.waiting(arn)) == 1 })
	if key := w.known(arn); key != nil {
		t.Errorf("the inventory got %+v", key)
	}
}

func TestAMovedAliasIsReadOnBothKeys(t *testing.T) {
	w := newWorld(t)
	from := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	to := w.key(awssim.KeyOptions{RotationPeriod: 90})
	w.sweep(Inventory)
	alias := "alias/pay-cards"
	w.moveAlias(alias, to)
	w.await("both keys to be read", func() bool {
		return len(w.known(from).Aliases) == 0 && slices.Contains(w.known(to).Aliases, alias)
	})
	w.sweep(Drift)
	if got, err := w.engine.ResolveKey(alias); err != nil || got != to {
		t.Errorf("the alias resolves to %s, %v", got, err)
	}
}

func TestAReadingThatIsOlderThanWhatIsKnownChangesNothing(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 11, 20, 12, minute, 0, 0, time.UTC) }
	tests := []struct {
		name        string
		known, read inventory.Key
		want        *inventory.Key
	}{
		{
			"newer",
			inventory.Key{ReadAt: at(1)},
			inventory.Key{ReadAt: at(2), State: "Disabled"},
			&inventory.Key{ReadAt: at(2), State: "Disabled"},
		},
		{"older", inventory.Key{ReadAt: at(2), State: "Disabled"}, inventory.Key{ReadAt: at(1)}, nil},
		{
			"older, but whole where what is known is not",
			inventory.Key{ReadAt: at(2), FullAt: at(0), State: "Disabled"},
			inventory.Key{ReadAt: at(1), FullAt: at(1), State: "Enabled", Policy: "p", Aliases: []string{"alias/a"}},
			&inventory.Key{ReadAt: at(2), FullAt: at(1), State: "Disabled", Policy: "p", Aliases: []string{"alias/a"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := newest(&tt.known, &tt.read)
			if (got == nil) != (tt.want == nil) || got != nil && (got.State != tt.want.State ||
				!got.ReadAt.Equal(tt.want.ReadAt) || got.Policy != tt.want.Policy || len(got.Aliases) != len(tt.want.Aliases)) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDriftIsPutRightAfterTheGrace(t *testing.T) {
	const grace = time.Hour
	w := newWorld(t, func(w *world) { w.settings.Guardrails.Grace = grace })
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 365})
	w.sweep(Inventory)
	w.await("the action to wait for its grace", func() bool {
		a := w.actions()
		return len(a) == 1 && a[0].Guardrail == remediation.GuardGrace
	})
	if got := w.sim.EffectsOf("EnableKeyRotation"); len(got) != 0 {
		t.Error("rotd did not wait for the grace")
	}
	planned := w.actions()[0]
	if until := planned.Created.Add(grace); !planned.NotBefore.Equal(until) {
		t.Errorf("it waits until %s, want %s", planned.NotBefore, until)
	}
	planned.Created, planned.NotBefore = planned.Created.Add(-grace), time.Time{} // an hour later
	w.update(func(tx *state.Tx) error { return tx.PutAction(&planned) })
	nudge(w.engine.wakeActions)
	if a := w.awaitAction(remediation.Succeeded); a.ID != planned.ID || a.PeriodDays != 90 {
		t.Errorf("got %+v", a)
	}
	w.awaitFound("rotation-period-too-long", finding.Resolved)
	if k, _ := w.sim.KMS().Key(arn); k.RotationPeriod != 90 {
		t.Errorf("the period is %d days", k.RotationPeriod)
	}
}

func TestObserveDoesNothingAndSaysWhy(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}, RotationPeriod: 365})
	w.sweep(Inventory)
	w.disableRotation(w.engineer, arn)
	w.awaitFound("rotation-disabled", finding.Open)
	w.awaitTold("mode observe: rotd only watches")
	if got := w.actions(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestTheThirdPutBackIsLeftToPeople(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	for i := range 2 {
		w.disableRotation(w.engineer, arn)
		w.await("the put-back", func() bool { return len(w.sim.EffectsOf("EnableKeyRotation")) == i+1 })
		w.await("its end", func() bool {
			for _, a := range w.actions() {
				if a.State != remediation.Succeeded {
					return false
				}
			}
			return w.found("rotation-turned-off").Status == finding.Resolved
		})
		w.drained()
		w.sim.Clock().Advance(2 * time.Second) // CloudTrail's times are whole seconds
	}
	w.disableRotation(w.engineer, arn)
	w.awaitTold(w.engineer.ARN + " keeps undoing it")
	w.drained()
	w.sweep(Drift)
	if got := w.actions(); len(got) != 2 {
		t.Errorf("%d actions, want 2", len(got))
	}
	if f := w.found("rotation-turned-off"); f.Episode != 3 || f.Status != finding.Open {
		t.Errorf("got %+v", f)
	}
}
