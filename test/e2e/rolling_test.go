package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rotd/test/crash/world"
)

// rolls is how often another version takes the state over.
const rolls = 5

// TestARollingRestartLosesAndRepeatsNothing has two versions take one state over from each other, again and again,
// while events come in and somebody switches rotation off: every event counts once, every finding is told once, and
// nothing is done twice.
func TestARollingRestartLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	var versions [2]string
	for i := range versions {
		versions[i] = filepath.Join(t.TempDir(), "rotd")
		if err := world.BuildAs(versions[i], version(i)); err != nil {
			t.Fatal(err)
		}
	}
	keys := []string{"cards"}
	for roll := range rolls {
		keys = append(keys, attacked(roll))
	}
	w := newWorld(t, world.Options{}, keys...)
	sent := 0
	for roll := range rolls {
		w.Launch = func() *exec.Cmd {
			return exec.Command(versions[roll%2], "run", "--config", w.Config)
		}
		d := ready(t, w)
		if s, err := w.Client.Status(t.Context()); err != nil || s.Version != version(roll) {
			t.Fatalf("roll %d: status %+v, %v", roll, s, err)
		}
		if roll == 0 {
			untilTold(t, w, "digest")
		}
		w.Mallory = w.Sim.NewAccessKey(world.Account, "mallory"+attacked(roll)) // one's attacks would be one incident
		disable(t, w, attacked(roll))
		for range 1000 {
			sent++
			if _, err := w.Sim.Send(w.Queue, decryptBody(w, fmt.Sprintf("0d000000-0000-4000-8000-%012d", sent))); err != nil {
				t.Fatal(err)
			}
		}
		// Stopped at another moment each time: before it is told, after that, after rotd's answer, when that is told.
		switch roll % 4 {
		case 1:
			untilTold(t, w, "finding-opened rotation-turned-off alias/pay-"+attacked(roll))
		case 2:
			until(t, "rotd's answer", func() bool { return len(changes(w)) == roll+1 })
		case 3:
			untilTold(t, w, "action-succeeded enable-automatic alias/pay-"+attacked(roll))
		}
		if err := d.Stop(20 * time.Second); err != nil {
			t.Fatal(err)
		}
	}
	d := ready(t, w)
	for roll := range rolls {
		untilTold(t, w, "action-succeeded enable-automatic alias/pay-"+attacked(roll))
	}
	untilDrained(t, w)
	used, err := w.Client.KeyUsage(t.Context(), "alias/pay-cards", time.Time{})
	if err != nil || used.Calls != uint64(sent) {
		t.Errorf("%d of %d events count: %v", used.Calls, sent, err)
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
	told := map[string]int{}
	all, _ := w.Messages()
	for _, m := range all {
		for _, of := range m.Told {
			if m.Topic == w.Topic {
				told[of.Kind+" "+of.About]++
			}
		}
	}
	done := map[string]int{}
	for _, r := range changes(w) {
		done[r.Operation+" "+r.Resource]++
	}
	for roll := range rolls {
		for _, what := range []string{"finding-opened rotation-turned-off", "action-succeeded enable-automatic"} {
			if n := told[what+" alias/pay-"+attacked(roll)]; n != 1 {
				t.Errorf("roll %d: %s is told %d times", roll, what, n)
			}
		}
		if n := done["EnableKeyRotation "+w.Keys[attacked(roll)]]; n != 1 {
			t.Errorf("roll %d: rotation is switched on %d times", roll, n)
		}
	}
	if len(done) != rolls {
		t.Errorf("rotd did %v", done)
	}
	wantNothingRepeated(t, w)
}

func version(roll int) string { return fmt.Sprintf("1.%d.0", roll%2) }

func attacked(roll int) string { return fmt.Sprint("attacked", roll) }
