package engine

import (
	"os"
	"os/exec"
	"os/signal"
	"testing"

	"golang.org/x/sys/unix"

	"rotd/internal/awssim"
	"rotd/internal/state"
)

// fillDisk lets no file grow or change any more, as a full disk does, until the returned function is called.
func fillDisk(w *world) (free func()) {
	w.Helper()
	signal.Ignore(unix.SIGXFSZ)
	var before unix.Rlimit
	w.check(unix.Getrlimit(unix.RLIMIT_FSIZE, &before))
	w.check(unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: before.Max}))
	free = func() {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
			w.Error(err)
		}
	}
	w.Cleanup(free)
	return free
}

// inAProcess runs the rest of the test in a process of its own, and says false in this one: the disk's limit is the
// whole process's, and the log that go test keeps of a test's files and environment would meet it, too.
func inAProcess(t *testing.T) bool {
	t.Helper()
	const mark = "ROTD_TEST_IN_A_PROCESS"
	if os.Getenv(mark) != "" {
		return true
	}
	t.Parallel()
	rest := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	rest.Env = append(os.Environ(), mark+"=1")
	if out, err := rest.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

func TestNothingIsDeletedWhileTheStateCannotBeWritten(t *testing.T) {
	if !inAProcess(t) {
		return
	}
	w := loneWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.send(w.aRecord("Decrypt", arn).bridged())
	w.drained()
	before := w.counter("rotd_messages_received_total")

	free := fillDisk(w)
	ids := make([]record, 30)
	for i := range ids {
		ids[i] = w.aRecord("DisableKey", arn)
		w.send(ids[i].bridged())
	}
	w.await("receiving to stop", func() bool {
		return w.engine.IntakeStopped() != "" && w.consumer.Status().State == "paused"
	})
	w.await("messages to be handed back", func() bool {
		return w.consumer.Status().InHand == 0 && w.consumer.Status().Unsettled == 0
	})
	if d, err := w.sim.QueueDepth(w.queue); err != nil || d.Visible+d.InFlight+d.Delayed != len(ids) {
		t.Errorf("of %d messages the queue holds %+v, %v", len(ids), d, err)
	}
	if got := w.counter("rotd_messages_received_total"); got != before {
		t.Errorf("%d messages count as handled although nothing was durable", got-before)
	}

	free()
	w.await("receiving to go on", func() bool { return w.engine.IntakeStopped() == "" })
	w.sim.Clock().Advance(faultAfter)
	w.drained()
	if f := w.found("key-disabled"); f == nil || f.Count != len(ids) {
		t.Errorf("got %+v, want it counted %d times", f, len(ids))
	}
	w.view(func(tx *state.Tx) error {
		if kept, _, err := tx.QuarantineCount(); err != nil || kept != 0 {
			t.Errorf("%d good messages are in quarantine, %v", kept, err)
		}
		return nil
	})
}
