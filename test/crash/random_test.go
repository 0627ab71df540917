package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"rotd/internal/awssim"
)

// Each world of random kills.
const (
	killsPerWorld = 10
	roundsOfStory = 4
	// within is how long after a daemon's start a random kill comes at the latest.
	within = 1500 * time.Millisecond
)

// TestRandomKills kills the daemon -crash.kills times, at random times and at random points of its talk with AWS.
func TestRandomKills(t *testing.T) {
	worlds := (*killsFlag + killsPerWorld - 1) / killsPerWorld
	var reached, timed atomic.Int64
	t.Run("killed", func(t *testing.T) {
		for i := range worlds {
			n := min(killsPerWorld, *killsFlag-i*killsPerWorld)
			seed := *seedFlag + uint64(i)
			t.Run(fmt.Sprintf("%d times with seed %d", n, seed), func(t *testing.T) {
				t.Parallel()
				s := newStory(t, seed, roundsOfStory, killsPerWorld+5)
				k := &killer{s: s, random: rand.New(rand.NewPCG(seed, 0x6b696c6c))}
				s.play(t, func() {}, func(ctx context.Context) error { return k.killAll(ctx, n) })
				reached.Add(int64(k.reached))
				timed.Add(int64(k.timed))
			})
		}
	})
	t.Logf("%d random kills, %d of them at points, %d at times, seed %d", reached.Load()+timed.Load(), reached.Load(),
		timed.Load(), *seedFlag)
	if n := int(reached.Load() + timed.Load()); n != *killsFlag && !t.Failed() {
		t.Errorf("%d kills, want %d", n, *killsFlag)
	}
}

// killer kills at random.
type killer struct {
	s              *story
	random         *rand.Rand
	reached, timed int // kills at points, and at times
}

// killAll kills one daemon after the other.
func (k *killer) killAll(ctx context.Context, n int) error {
	names := operations()
	for i := range n {
		d, err := k.s.lives.daemon(ctx, i+1)
		if err != nil {
			return err
		}
		p := point{
			names[k.random.IntN(len(names))], []awssim.When{
				awssim.BeforeEffect, awssim.AfterEffect, awssim.AfterAnswer,
			}[k.random.IntN(3)], 1 + k.random.IntN(3),
		}
		limit := time.Duration(k.random.Int64N(int64(within)))
		atPoint := k.random.IntN(3) > 0
		var planned *awssim.PlannedFault
		if atPoint {
			limit = within
			planned = k.s.w.Sim.Plan(k.s.fault(p))
		}
		select {
		case <-d.Exited():
			k.reached++
		case <-time.After(limit):
			d.Kill()
			k.timed++
		}
		if planned != nil {
			planned.Remove()
		}
	}
	return nil
}
