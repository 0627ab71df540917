package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"rotd/test/crash/world"
)

// TestAReloadTakesAGoodFileAndLeavesABadOne begins in mode observe, is given a file that is wrong, and then one that
// says enforce.
func TestAReloadTakesAGoodFileAndLeavesABadOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	const ceiling, observe = "mode: enforce\nstate:", "mode: observe\nstate:"
	if err := w.Configure(ceiling, observe); err != nil {
		t.Fatal(err)
	}
	d := ready(t, w)
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "finding-opened rotation-turned-off alias/pay-cards")

	if err := w.Configure(ceiling, "mode: enforced\nstate:"); err != nil {
		t.Fatal(err)
	}
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	until(t, "word that the file is bad", func() bool { return strings.Contains(d.Log.String(), "not reloaded") })
	if r, err := w.Client.Ready(t.Context()); err != nil || !r.Ready {
		t.Errorf("after a bad file: %+v, %v", r, err)
	}
	if s, err := w.Client.Status(t.Context()); err != nil || !strings.Contains(s.ReloadError, "enforced") {
		t.Errorf("status after a bad file: %+v, %v", s, err)
	}
	if done := changes(w); len(done) > 0 {
		t.Fatalf("rotd acted in mode observe: %+v", done)
	}

	if err := w.Configure(); err != nil {
		t.Fatal(err)
	}
	if err := d.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	if s, err := w.Client.Status(t.Context()); err != nil || s.ReloadError != "" {
		t.Errorf("status after a good file: %+v, %v", s, err)
	}
	// The good file's, at the start and by the reload.
	if n := strings.Count(d.Log.String(), "guardrails.arm_on_new_state: "); n != 2 {
		t.Errorf("the log has %d warnings of arm_on_new_state, want 2", n)
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}

// TestASecondDaemonIsTurnedAway starts two daemons on one state.
func TestASecondDaemonIsTurnedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	first := ready(t, w)
	second := run(t, w)
	status, err := second.ExitStatus(20 * time.Second)
	if err != nil || status != 1 && status != 2 || !strings.Contains(second.Log.String(), "in use") {
		t.Errorf("exit status %d, %v, log %s", status, err, second.Log.String())
	}
	if err := first.Ready(t.Context()); err != nil {
		t.Errorf("the first daemon: %v", err)
	}
}

// TestADamagedStateIsSetAsideAndNothingAutomaticFollows starts on a file that is no state any more.
func TestADamagedStateIsSetAsideAndNothingAutomaticFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	if err := w.Configure("arm_on_new_state: true", "arm_on_new_state: false"); err != nil {
		t.Fatal(err)
	}
	damage := make([]byte, 64<<10)
	for i := range damage {
		damage[i] = byte(i * 7)
	}
	if err := os.WriteFile(w.StatePath, damage, 0o600); err != nil {
		t.Fatal(err)
	}
	d := ready(t, w)
	untilTold(t, w, "finding-opened state-recovered")
	untilTold(t, w, "digest")
	disable(t, w, "cards")
	untilTold(t, w, "finding-opened rotation-turned-off alias/pay-cards")
	status, err := w.Client.Status(t.Context())
	if err != nil || status.Armed || status.PendingActions != 1 {
		t.Errorf("status %+v (%v), want an action that waits to be armed", status, err)
	}
	if done := changes(w); len(done) > 0 {
		t.Errorf("rotd acted before it was armed: %+v", done)
	}
	if _, err := w.Client.Resume(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	if aside, err := os.ReadDir(w.Dir); err != nil || !strings.Contains(names(aside), "rotd.db.damaged-") {
		t.Errorf("no damaged file among %s (%v)", names(aside), err)
	}
}

func names(entries []os.DirEntry) string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}
