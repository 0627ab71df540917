package e2e

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

// TestAFullDiskStopsTheIntakeAndLosesNothing lets the state file grow no further, and later again.
func TestAFullDiskStopsTheIntakeAndLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	d := ready(t, w)
	untilTold(t, w, "digest")
	untilDrained(t, w)
	setFileSize := func(limit uint64) {
		t.Helper()
		wanted := unix.Rlimit{Cur: limit, Max: unix.RLIM_INFINITY}
		if err := unix.Prlimit(d.Pid(), unix.RLIMIT_FSIZE, &wanted, nil); err != nil {
			t.Fatal(err)
		}
	}
	setFileSize(1) // no write to the state succeeds, as on a disk that is full and copies on write
	disable(t, w, "cards")
	until(t, "rotd to say that it is not ready", func() bool {
		r, err := w.Client.Ready(t.Context())
		return err == nil && !r.Ready
	})
	if w.HasTold("finding-opened rotation-turned-off alias/pay-cards") {
		t.Error("told what is not durable")
	}
	if drained, err := w.Drained(); err != nil || drained {
		t.Errorf("the message was deleted, and nothing of it is durable (%v)", err)
	}
	setFileSize(unix.RLIM_INFINITY)
	untilTold(t, w, "finding-opened rotation-turned-off alias/pay-cards")
	untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
	untilDrained(t, w)
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	if dead, err := w.Sim.QueueDepth(w.DeadLetter); err != nil || dead != (awssim.QueueDepth{}) {
		t.Errorf("the dead-letter queue holds %+v (%v)", dead, err)
	}
	if _, err := os.Stat(w.StatePath); err != nil {
		t.Error(err)
	}
	wantNothingRepeated(t, w)
}
