package e2e

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/awssim"
	"rotd/internal/state"
	"rotd/test/crash/world"
)

// exporting is a world whose daemon exports its audit log.
func exporting(t *testing.T, to string) *world.World {
	t.Helper()
	w := newWorld(t, world.Options{}, "cards")
	w.Sim.CreateBucket(world.Region, world.Account, backups)
	err := w.Configure("intake:\n", "audit: {export: "+strings.ReplaceAll(to, "DIR", w.Dir)+"}\nintake:\n",
		`schedules: {drift: "@every 5s"}`, `schedules: {drift: "@every 5s", audit: "@every 1s"}`)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// kept is the audit log as the state of a daemon that is gone has it.
func kept(t *testing.T, w *world.World) string {
	t.Helper()
	var log strings.Builder
	err := w.State(func(tx *state.Tx) error {
		lines, _ := tx.AuditLines(0, 10_000)
		for _, line := range lines {
			log.Write(line)
			log.WriteByte('\n')
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return log.String()
}

// wantWhole wants an exported log to be the state's, each entry once, and to verify.
func wantWhole(t *testing.T, w *world.World, exported string) {
	t.Helper()
	if diff := cmp.Diff(kept(t, w), exported); diff != "" {
		t.Errorf("the exported log (-state +archive):\n%s", diff)
	}
	v := audit.NewVerifier()
	if _, err := v.Write([]byte(exported)); err != nil {
		t.Fatal(err)
	}
	if verdict := v.End(); !verdict.Whole || verdict.Entries < 4 {
		t.Errorf("the exported log is not whole: %+v", verdict)
	}
}

// livesTwice runs the daemon twice, and ends it by a kill and by a clean stop.
func livesTwice(t *testing.T, w *world.World, between func()) {
	t.Helper()
	d := ready(t, w)
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	d.Kill()
	between()
	if err := ready(t, w).Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
}

// TestTheAuditLogIsExportedToS3EachEntryOnce loses the answer to the first object, kills the daemon, and stops it.
func TestTheAuditLogIsExportedToS3EachEntryOnce(t *testing.T) {
	t.Parallel()
	w := exporting(t, "s3://backups/audit")
	lost := w.Sim.Plan(awssim.Fault{
		Service: "s3", Operation: "PutObject", Nth: 1, When: awssim.AfterEffect, DropConnection: true,
	})
	livesTwice(t, w, func() {})
	if lost.Fired() == 0 {
		t.Error("no answer was lost")
	}
	var exported strings.Builder
	for _, key := range w.Sim.Objects(backups) {
		exported.Write(w.Sim.Object(backups, key))
	}
	wantWhole(t, w, exported.String())
}

// TestTheAuditLogIsExportedToAFileEachEntryOnce cuts the file's end off between two starts.
func TestTheAuditLogIsExportedToAFileEachEntryOnce(t *testing.T) {
	t.Parallel()
	w := exporting(t, "DIR/audit.jsonl")
	log := filepath.Join(w.Dir, "audit.jsonl")
	livesTwice(t, w, func() {
		file, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(`{"schema":"rotd.audit/1","epo`); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	})
	exported, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	wantWhole(t, w, string(exported))
}

// TestWhatCannotBeExportedIsTold has S3 refuse the objects, and then take them.
func TestWhatCannotBeExportedIsTold(t *testing.T) {
	t.Parallel()
	w := exporting(t, "s3://backups/audit")
	denied := w.Sim.Plan(awssim.Fault{
		Service: "s3", Operation: "PutObject", Err: &awssim.APIError{Code: "AccessDenied", Status: 403},
	})
	d := ready(t, w)
	untilTold(t, w, "finding-opened job-failed")
	denied.Remove()
	untilTold(t, w, "finding-resolved job-failed")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsNotRotdsInTheAuditLogsPlaceIsToldAndStays puts something else where the next object belongs.
func TestWhatIsNotRotdsInTheAuditLogsPlaceIsToldAndStays(t *testing.T) {
	t.Parallel()
	w := exporting(t, "s3://backups/audit")
	d := ready(t, w)
	untilTold(t, w, "digest")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	keys := w.Sim.Objects(backups)
	if len(keys) == 0 {
		t.Fatal("nothing was exported")
	}
	place := fmt.Sprintf("%s/%012d.jsonl", path.Dir(keys[0]), strings.Count(kept(t, w), "\n")+1)
	const forged = `{"schema":"rotd.audit/1"}` + "\n"
	if err := w.Sim.PutObject(backups, place, []byte(forged), nil); err != nil {
		t.Fatal(err)
	}
	ready(t, w)
	untilTold(t, w, "finding-opened job-failed")
	says(t, w, w.App, admin.ExitDone, "is not what rotd writes there", "findings", "list", "--rule", "job-failed", "-o",
		"json")
	if got := string(w.Sim.Object(backups, place)); got != forged {
		t.Errorf("the object is %q", got)
	}
}
