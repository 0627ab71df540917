package engine

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// spoil makes a record one that cannot be decoded.
func (w *world) spoil(bucket, id string) {
	w.Helper()
	w.stop()
	spoil(w, w.path, bucket, id)
	w.start()
}

// spoil makes a record of a closed state one that cannot be decoded.
func spoil(t testing.TB, path, bucket, id string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(bucket)).Put([]byte(id), []byte(`{"arn":`)) })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestARecordThatCannotBeReadIsToldAndWrittenAnew(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.spoil("keys", arn)
	for range 3 {
		w.send(w.aRecord("DisableKey", arn).bridged())
	}
	w.drained()
	f := w.awaitFound("state-record-unreadable", finding.Open)
	if !strings.Contains(f.Description, arn) || f.Count < 1 {
		t.Errorf("%d times: %s", f.Count, f.Description)
	}
	if f := w.found("key-disabled"); f == nil || f.Count != 3 {
		t.Errorf("the events about it: %+v", f)
	}
	w.sweep(Inventory)
	var key *inventory.Key
	w.view(func(tx *state.Tx) (err error) { key, err = tx.Key(arn); return err })
	if key == nil || key.State != "Enabled" {
		t.Errorf("after an inventory: %+v", key)
	}
}

// passedOver are the records that the lists of findings and actions leave out.
func (w *world) passedOver() (ids []string) {
	w.view(func(tx *state.Tx) error {
		if _, _, err := tx.Findings("", 100, nil); err != nil {
			return err
		}
		_, _, err := tx.Actions("", 100, nil)
		for _, lost := range tx.PassedOver() {
			ids = append(ids, lost.Key)
		}
		return err
	})
	return ids
}

func TestAFindingThatCannotBeReadIsToldAndWrittenAnewInItsPlace(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/idle"}})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}})
	w.sweep(Inventory)
	all := w.findings()
	if len(all) != 2 {
		t.Fatalf("%d findings, want one of each key: %+v", len(all), all)
	}
	lost := all[slices.IndexFunc(all, func(f finding.Finding) bool { return f.KeyARN == arn })].ID
	w.spoil("findings", lost)
	if got := w.findings(); len(got) != 1 || got[0].KeyARN == arn {
		t.Errorf("the list without it: %+v", got)
	}
	if got := w.passedOver(); !slices.Equal(got, []string{lost}) {
		t.Errorf("passed over %q, want %s", got, lost)
	}
	w.sweep(Inventory)
	if f := w.awaitFound("state-record-unreadable", finding.Open); !strings.Contains(f.Description, lost) {
		t.Errorf("told: %s", f.Description)
	}
	if n := w.counter("rotd_state_unreadable_total"); n < 1 {
		t.Errorf("counted %d times", n)
	}
	var anew *finding.Finding
	w.view(func(tx *state.Tx) (err error) { anew, err = tx.Finding(lost); return err })
	if anew == nil || anew.KeyARN != arn || anew.Status != finding.Open {
		t.Errorf("written anew: %+v", anew)
	}
	var open int
	w.view(func(tx *state.Tx) error { open = tx.OpenCount(); return nil })
	if got := w.passedOver(); len(got) > 0 || open != 3 {
		t.Errorf("%d open, passed over %q", open, got)
	}
}

func TestAnActionThatCannotBeReadHoldsItsKeyAndNoOther(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-other"}, RotationPeriod: 90})
	w.sweep(Inventory)
	now := time.Now().UTC()
	lost := remediation.Action{
		ID: w.engine.newID("act_", now), KeyARN: arn, Account: account, Region: region, Method: remediation.NewMaterial,
		State: remediation.Planned, NotBefore: now.Add(time.Hour), Created: now,
	}
	w.update(func(tx *state.Tx) error { return tx.PutAction(&lost) })
	w.spoil("actions", lost.ID)
	w.awaitFound("state-record-unreadable", finding.Open)
	if got := w.passedOver(); !slices.Equal(got, []string{lost.ID}) {
		t.Errorf("passed over %q, want %s", got, lost.ID)
	}
	plan := w.rotate("alias/pay-cards", false)
	if d := plan.Decision; d.Verdict != remediation.Refuse || d.Guardrail != remediation.GuardOneAtATime ||
		!strings.Contains(d.Reason, lost.ID) {
		t.Errorf("on its key: %+v", d)
	}
	w.rotate("alias/pay-other", false)
	w.awaitAction(remediation.Succeeded)
	if w.issued() != 1 {
		t.Errorf("%d rotations", w.issued())
	}
}

func TestAnActionThatCannotBeReadCountsAsACallOfTheHour(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Guardrails.RotationsPerHour = 1 })
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-other"}, RotationPeriod: 90})
	w.sweep(Inventory)
	now := time.Now().UTC()
	lost := remediation.Action{
		ID: w.engine.newID("act_", now), KeyARN: arn, State: remediation.Succeeded, Ended: &now, Created: now,
	}
	w.update(func(tx *state.Tx) error { return tx.PutAction(&lost) })
	w.spoil("actions", lost.ID)
	if d := w.rotate("alias/pay-other", false).Decision; d.Guardrail != remediation.GuardHourlyLimit {
		t.Errorf("%+v", d)
	}
}
