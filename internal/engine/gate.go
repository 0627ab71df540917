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
}

const (
	probeFirst = 200 * time.Millisecond
	probeMost  = 10 * time.Second
)

// close pauses the queues until probe succeeds; a gate that is closed already stays so.
func (g *gate) close(ctx context.Context, queues []Pausable, reason string, probe func() error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reason != "" {
		return
	}
	g.reason = reason
	for _, q := range queues {
		q.Pause(reason)
	}
	go g.reopen(ctx, queues, probe)
}

// reopen probes with back-off and full jitter until the fault is over.
func (g *gate) reopen(ctx context.Context, queues []Pausable, probe func() error) {
	for wait := probeFirst; ; wait = min(2*wait, probeMost) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(rand.N(wait)): //nolint:gosec // jitter is no secret
		}
		if probe() == nil {
			break
		}
	}
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
