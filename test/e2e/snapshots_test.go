package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

const backups = "backups"

// snapshotting is a world whose daemon keeps copies of its state in S3, so many.
func snapshotting(t *testing.T, keep string) *world.World {
	t.Helper()
	w := newWorld(t, world.Options{}, "cards")
	w.Sim.CreateBucket(world.Region, world.Account, backups)
	err := w.Configure("state: {path: "+w.StatePath+"}",
		"state: {path: "+w.StatePath+", snapshots: {to: s3://backups/rotd, keep: "+keep+"}}",
		`schedules: {drift: "@every 5s"}`, `schedules: {drift: "@every 5s", snapshot: "@every 1s"}`)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// snapshotsOf are the keys of the copies, oldest first.
func snapshotsOf(w *world.World) (keys []string) {
	for _, key := range w.Sim.Objects(backups) {
		if strings.HasPrefix(key, "rotd/default-") {
			keys = append(keys, key)
		}
	}
	return keys
}

// TestALostMachineGetsItsStateBack takes the state file away from a daemon that was stopped, as a new machine does, and
// from one that was killed.
func TestALostMachineGetsItsStateBack(t *testing.T) {
	t.Parallel()
	w := snapshotting(t, "3")
	d := ready(t, w)
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	untilTold(t, w, "finding-resolved rotation-turned-off alias/pay-cards")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	kept := snapshotsOf(w)
	if len(kept) == 0 || len(kept) > 3 {
		t.Fatalf("copies: %q", kept)
	}
	if err := os.Remove(w.StatePath); err != nil {
		t.Fatal(err)
	}

	d = ready(t, w)
	untilTold(t, w, "finding-opened state-recovered")
	page, err := w.Client.Actions(t.Context(), admin.ActionQuery{})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("the record of actions is %+v (%v)", page, err)
	}
	status, err := w.Client.Status(t.Context())
	if err != nil || status.Armed {
		t.Errorf("a restored state acts by itself: %+v (%v)", status, err)
	}
	says(t, w, w.App, admin.ExitDone, kept[len(kept)-1], "findings", "list", "--rule", "state-recovered", "-o", "json")
	d.Kill()
	if done := changes(w); len(done) != 1 {
		t.Errorf("done: %+v", done)
	}
}

// TestAStateIsNotRestoredOverAnother starts again where the state is: the copies are older.
func TestAStateIsNotRestoredOverAnother(t *testing.T) {
	t.Parallel()
	w := snapshotting(t, "1000")
	d := ready(t, w)
	untilTold(t, w, "digest")
	until(t, "a copy", func() bool { return len(snapshotsOf(w)) > 0 })
	d.Kill()
	d = ready(t, w)
	if strings.Contains(d.Log.String(), "snapshot is restored") || w.HasTold("finding-opened state-recovered") {
		t.Error("a copy took the state's place")
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}

// TestWithoutItsCopiesALostStateIsNotBegunAnew makes the copies unreadable: whoever starts with an empty state then
// takes it for the true one.
func TestWithoutItsCopiesALostStateIsNotBegunAnew(t *testing.T) {
	t.Parallel()
	w := snapshotting(t, "1000")
	denied := w.Sim.Plan(awssim.Fault{
		Service: "s3", Operation: "ListObjectsV2", Err: &awssim.APIError{Code: "AccessDenied", Status: 403},
	})
	d := run(t, w)
	status, err := d.ExitStatus(patience)
	if err != nil || status != int(admin.ExitFailed) || !strings.Contains(d.Log.String(), "cannot be restored") {
		t.Fatalf("exit status %d (%v)", status, err)
	}
	if !strings.Contains(d.Log.String(), "its newest snapshot is looked for") { // which may take long
		t.Error("nobody was told what is done")
	}
	if _, err := os.Stat(w.StatePath); err == nil {
		t.Error("a new state was begun")
	}
	denied.Remove()
	d = ready(t, w)
	if !strings.Contains(d.Log.String(), "a new state is begun") {
		t.Error("the first start does not say so")
	}
	if err := d.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ExitStatus(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	if len(snapshotsOf(w)) == 0 {
		t.Error("the stop left no copy")
	}
}
