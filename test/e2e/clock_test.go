package e2e

import (
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/test/crash/world"
)

// TestAWrongClockIsToldOfAndHindersNothing runs rotd with a clock that is hours off from AWS's, which refuses what was
// signed at another time: rotd sees, tells and acts all the same.
func TestAWrongClockIsToldOfAndHindersNothing(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{
		"ahead of AWS's": 2 * time.Hour, "behind AWS's": -2 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, world.Options{ClockAhead: ahead}, "cards")
			d := ready(t, w)
			untilTold(t, w, "digest")
			disable(t, w, "cards")
			untilTold(t, w, "finding-opened rotation-turned-off alias/pay-cards")
			untilTold(t, w, "action-succeeded enable-automatic alias/pay-cards")
			untilDrained(t, w)
			says(t, w, w.App, admin.ExitDone, "this machine's clock is wrong, 2h0m0s "+name, "status")
			says(t, w, w.App, admin.ExitFailed, "nothing is dropped: this machine's clock is 2h0m0s "+name, "sweep", "retention")
			if !strings.Contains(d.Log.String(), `"clock":"2h0m0s `+name+`"`) {
				t.Error("the log does not tell of the clock")
			}
			if ahead > 0 { // AWS's cannot go back
				w.Sim.Clock().Advance(ahead)
				until(t, "the clock to be right", func() bool {
					s, err := w.Client.Status(t.Context())
					return err == nil && s.ClockAhead == 0
				})
			}
			if err := d.Stop(20 * time.Second); err != nil {
				t.Error(err)
			}
			wantNothingRepeated(t, w)
		})
	}
}
