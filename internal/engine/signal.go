package engine

import (
	"sync"
	"sync/atomic"
	"time"
)

// broadcast wakes everybody who waits.
type broadcast struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that is closed at the next send.
func (b *broadcast) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

func (b *broadcast) send() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}

// clock is a time that several goroutines set and read; zero until it is set.
type clock struct{ nanos atomic.Int64 }

func (c *clock) last() time.Time {
	n := c.nanos.Load()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

func (c *clock) set(t time.Time) { c.nanos.Store(t.UnixNano()) }
