package e2e

import (
	"testing"
	"time"

	"rotd/test/crash/world"
)

// TestACanaryComesBackToTheDaemonThatSentIt starts a daemon that sends canaries, to which nothing else happens.
func TestACanaryComesBackToTheDaemonThatSentIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	if err := w.Configure("intake:\n", "intake:\n  canary: 15m\n"); err != nil {
		t.Fatal(err)
	}
	d := ready(t, w)
	untilTold(t, w, "digest")
	until(t, "the canary's coming back", func() bool {
		s, err := w.Client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := s.Places[0].Canary
		return c != nil && !c.Back.IsZero()
	})
	if s, err := w.Client.Status(t.Context()); err != nil || s.Findings.Total() > 0 {
		t.Errorf("%v, open findings %+v", err, s.Findings)
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}
