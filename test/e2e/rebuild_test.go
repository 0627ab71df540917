package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/internal/remediation"
	"rotd/test/crash/world"
)

// TestARebuiltStateSettlesWhatWasUnderWayAndBeginsNothing kills rotd after KMS did what it asked for and before the
// answer came, takes a bucket away from its state, and rebuilds that.
func TestARebuiltStateSettlesWhatWasUnderWayAndBeginsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards", "ledger")
	d := ready(t, w)
	untilTold(t, w, "digest")
	planned := w.Sim.Plan(awssim.Fault{
		Operation: "EnableKeyRotation", Nth: 1, Times: 1, When: awssim.AfterEffect, DropConnection: true, Do: d.Kill,
	})
	disable(t, w, "cards")
	until(t, "the kill", func() bool { return planned.Fired() > 0 })
	<-d.Exited()
	withoutBucket(t, w.StatePath, "jobs")

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	status, said, err := w.Says(ctx, w.App, "state", "rebuild", "--config", w.Config)
	if err != nil || status != 0 || !strings.Contains(said, "is rebuilt from what could be read of") {
		t.Fatalf("rebuild ends with %d, %v: %s", status, err, said)
	}
	d = ready(t, w)
	untilTold(t, w, "finding-opened state-recovered")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	disable(t, w, "ledger")
	untilTold(t, w, "finding-opened rotation-turned-off alias/pay-ledger")
	waiting, err := w.Client.Actions(ctx, admin.ActionQuery{State: string(remediation.Planned)})
	if err != nil || len(waiting.Items) != 1 || waiting.Items[0].KeyARN != w.Keys["ledger"] {
		t.Errorf("what waits for a person's word: %+v, %v", waiting, err)
	}
	if done := changes(w); len(done) != 1 {
		t.Errorf("rotd did %+v", done)
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}

// withoutBucket takes a bucket out of a state, so that neither of the last two commits has it.
func withoutBucket(t *testing.T, path, bucket string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func(tx *bbolt.Tx) error{
		func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(bucket)) }, func(*bbolt.Tx) error { return nil },
	} {
		if err := db.Update(step); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
