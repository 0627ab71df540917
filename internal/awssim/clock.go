package awssim

import (
	"container/heap"
	"sync"
	"time"
)

// Clock is the simulator's time. Visibility timeouts, message delays, asynchronous completions and expiry of
// credentials follow it. What a client's own timeouts depend on (long polls, planned delays, latency) is wall time.
type Clock struct {
	firing sync.Mutex // held while callbacks run, so that they run one after the other

	mu     sync.Mutex
	anchor time.Time // wall time at which the simulated time was origin
	origin time.Time
	scale  float64
	timers timerHeap
	alarm  *time.Timer
}

// NewClock returns a clock that follows the wall clock.
func NewClock() *Clock {
	now := time.Now()
	return &Clock{anchor: now, origin: now.Round(0), scale: 1}
}

// NewScaledClock returns a clock that starts at start and runs scale times as fast as the wall clock; a scale of 0
// stands still and moves only by Advance. A negative scale counts as 0.
func NewScaledClock(start time.Time, scale float64) *Clock {
	return &Clock{anchor: time.Now(), origin: start.Round(0), scale: max(scale, 0)}
}

// Now is the simulated time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	passed := time.Duration(float64(time.Since(c.anchor)) * c.scale)
	return c.origin.Add(passed).UTC()
}

// Advance moves the time forward by d. Timers on the way fire in order, each seeing its own deadline as the time,
// and have returned when Advance returns. It must not be called from within a timer.
func (c *Clock) Advance(d time.Duration) {
	c.firing.Lock()
	defer c.firing.Unlock()
	c.mu.Lock()
	target := c.now().Add(d)
	c.mu.Unlock()
	c.fireUntil(target)
	c.mu.Lock()
	c.jump(target)
	c.arm()
	c.mu.Unlock()
}

// AfterFunc calls f once, d from now; f must not block. stop cancels it, unless it has already begun.
func (c *Clock) AfterFunc(d time.Duration, f func()) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{when: c.now().Add(d), run: f}
	heap.Push(&c.timers, t)
	c.arm()
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if t.index >= 0 {
			heap.Remove(&c.timers, t.index)
			c.arm()
		}
	}
}

// fireUntil runs the timers due by target. c.firing is held, c.mu is not.
func (c *Clock) fireUntil(target time.Time) {
	for {
		c.mu.Lock()
		if len(c.timers) == 0 || c.timers[0].when.After(target) {
			c.mu.Unlock()
			return
		}
		t, _ := heap.Pop(&c.timers).(*timer)
		c.jump(t.when)
		c.mu.Unlock()
		t.run()
	}
}

// jump sets the time to t unless it is already later.
func (c *Clock) jump(t time.Time) {
	if c.now().Before(t) {
		c.anchor, c.origin = time.Now(), t
	}
}

// arm sets the wall-clock alarm for the first timer.
func (c *Clock) arm() {
	if c.alarm != nil {
		c.alarm.Stop()
	}
	if len(c.timers) == 0 || c.scale == 0 {
		return
	}
	wait := time.Duration(float64(c.timers[0].when.Sub(c.now())) / c.scale)
	c.alarm = time.AfterFunc(max(wait, 0), c.ring)
}

func (c *Clock) ring() {
	c.firing.Lock()
	defer c.firing.Unlock()
	c.fireUntil(c.Now())
	c.mu.Lock()
	c.arm()
	c.mu.Unlock()
}

type timer struct {
	when  time.Time
	run   func()
	index int // in the heap, -1 when not in it
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].when.Before(h[j].when) }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t, _ := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
