package e2e

import (
	"fmt"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

// TestOutagesAreWaitedOut takes SNS and SQS away while things happen: what happens is told once they are back.
func TestOutagesAreWaitedOut(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"sns", "sqs", "kms"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, world.Options{}, "cards1", "cards2", "cards3")
			d := ready(t, w)
			untilTold(t, w, "digest")
			disable(t, w, "cards1")
			time.Sleep(50 * time.Millisecond) // somewhere in the middle of its way
			w.Sim.Outage(service, true)
			if service != "kms" {
				disable(t, w, "cards2")
			}
			time.Sleep(2 * time.Second)
			w.Sim.Outage(service, false)
			disable(t, w, "cards3")
			if service == "kms" {
				disable(t, w, "cards2")
			}
			for i := range 3 {
				alias := fmt.Sprintf("alias/pay-cards%d", i+1)
				untilTold(t, w, "finding-opened rotation-turned-off "+alias)
				untilTold(t, w, "action-succeeded enable-automatic "+alias)
			}
			untilDrained(t, w)
			if err := d.Stop(20 * time.Second); err != nil {
				t.Error(err)
			}
			if dead, err := w.Sim.QueueDepth(w.DeadLetter); err != nil || dead != (awssim.QueueDepth{}) {
				t.Errorf("the dead-letter queue holds %+v (%v)", dead, err)
			}
			wantNothingRepeated(t, w)
		})
	}
}
