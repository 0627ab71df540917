package awssim_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
)

func TestAdvanceRunsTimersInOrderEachAtItsTime(t *testing.T) {
	clock := awssim.NewScaledClock(epoch, 0)
	var got []time.Duration
	note := func() { got = append(got, clock.Now().Sub(epoch)) }
	clock.AfterFunc(3*time.Second, note)
	clock.AfterFunc(time.Second, func() {
		note()
		clock.AfterFunc(time.Second, note) // set by a timer, due within the same Advance
	})
	stop := clock.AfterFunc(2*time.Second, note)
	clock.AfterFunc(time.Hour, note)
	stop()
	stop()
	clock.Advance(10 * time.Second)
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if now := clock.Now(); !now.Equal(epoch.Add(10 * time.Second)) {
		t.Errorf("now is %v", now)
	}
}

func TestStandingClockStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := awssim.NewScaledClock(epoch, 0)
		time.Sleep(time.Hour)
		if now := clock.Now(); !now.Equal(epoch) {
			t.Errorf("now is %v", now)
		}
	})
}

func TestRunningClockFiresByItself(t *testing.T) {
	for _, tt := range []struct {
		name  string
		clock func() *awssim.Clock
		after time.Duration // simulated
		wall  time.Duration
	}{
		{"at wall speed", awssim.NewClock, time.Minute, time.Minute},
		{"sixty times as fast", func() *awssim.Clock { return awssim.NewScaledClock(epoch, 60) }, time.Hour, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := tt.clock()
				start, begun := time.Now(), clock.Now()
				fired := make(chan time.Time, 2)
				fire := func() { fired <- time.Now() }
				clock.AfterFunc(2*tt.after, fire)
				clock.AfterFunc(tt.after, fire)
				for i := range 2 {
					if got := (<-fired).Sub(start); got != time.Duration(i+1)*tt.wall {
						t.Errorf("timer %d fired after %v, want %v", i, got, time.Duration(i+1)*tt.wall)
					}
				}
				if passed := clock.Now().Sub(begun); passed != 2*tt.after {
					t.Errorf("%v passed, want %v", passed, 2*tt.after)
				}
			})
		})
	}
}

func TestAdvanceMovesARunningClockToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := awssim.NewScaledClock(epoch, 1)
		fired := false
		clock.AfterFunc(time.Hour, func() { fired = true })
		clock.Advance(time.Hour)
		time.Sleep(time.Second)
		if now := clock.Now(); !fired || !now.Equal(epoch.Add(time.Hour+time.Second)) {
			t.Errorf("fired %v, now %v", fired, now)
		}
	})
}
