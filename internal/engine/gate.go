package engine

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// gate stops the intake while a fault lasts that is no message's own: good messages must not be driven into the
// dead-letter queue by their receive counts.
type gate struct {
	mu     sync.Mutex
	reason string
	probes chan func() error // of the fault that closed the gate; at most one
}

const (
	probeFirst = 200 * time.Millisecond
	probeMost  = 10 * time.Second
)

func newGate() gate { return gate{probes: make(chan func() error, 1)} }

// close pauses the queues until probe succeeds, and reports whether it did: a gate that is closed already stays so. A
// fault that outlasts the one it was closed for closes it again.
func (g *gate) close(queues []Pausable, reason string, probe func() error) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason != "" {
		return false
	}
	g.reason = reason
	for _, q := range queues {
		q.Pause(reason)
	}
	g.probes <- probe // has room: the last one was taken before the gate opened
	return true
}

// run reopens the gate whenever a fault is over.
func (g *gate) run(ctx context.Context, queues []Pausable) {
	for {
		select {
		case <-ctx.Done():
			return
		case probe := <-g.probes:
			if !persist(ctx, probe) {
				return
			}
			g.open(queues)
		}
	}
}

// persist probes with back-off and full jitter until the probe succeeds; false when ctx ends before.
func persist(ctx context.Context, probe func() error) bool {
	for wait := probeFirst; ; wait = min(2*wait, probeMost) {
		sleep(ctx, rand.N(wait)+time.Millisecond) //nolint:gosec // jitter is no secret
		if ctx.Err() != nil {
			return false
		}
		if probe() == nil {
			return true
		}
	}
}

func (g *gate) open(queues []Pausable) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.reason = ""
	for _, q := range queues {
		q.Resume()
	}
}

// closed says why the intake is stopped; "" when it is not.
func (g *gate) closed() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reason
}
