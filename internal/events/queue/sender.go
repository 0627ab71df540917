package queue

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
)

// maxAttempts is how often a sender tries an entry. The message comes back after that, and whoever handles it knows a
// message it has seen.
const maxAttempts = 6

// sender gathers entries of many batches into calls of ten and retries what failed.
type sender struct {
	linger  time.Duration
	calls   int // at once
	call    func(context.Context, []entry) (again []entry, lost int, err error)
	settled func(ok, givenUp int)
	jitter  func(time.Duration) time.Duration
	outage  *outage
	entries chan entry // wide enough for everything that can be unsettled, so that sending never blocks
}

// run sends until entries is closed and everything in it is settled. When ctx ends it no longer retries.
func (s *sender) run(ctx context.Context) {
	// Workers that stay, since the SDK's deep calls would make each new goroutine grow its stack again.
	batches := make(chan []entry)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer close(batches)
	for range s.calls {
		workers.Go(func() {
			for batch := range batches {
				s.send(ctx, batch)
			}
		})
	}
	for first := range s.entries {
		s.gather(first, batches)
	}
}

// gather adds to first what comes within the linger time or while every worker is busy, up to a full call, and hands it
// to a worker.
func (s *sender) gather(first entry, batches chan<- []entry) {
	batch := append(make([]entry, 0, maxBatch), first)
	lingered := time.NewTimer(s.linger)
	defer lingered.Stop()
	var free chan<- []entry // nil, which is never ready, until the linger time is over
	for len(batch) < maxBatch {
		select {
		case e, ok := <-s.entries:
			if !ok {
				batches <- batch
				return
			}
			batch = append(batch, e)
		case <-lingered.C:
			free = batches
		case free <- batch:
			return
		}
	}
	batches <- batch
}

func (s *sender) send(ctx context.Context, batch []entry) {
	total, givenUp := len(batch), 0
	for attempt := 1; ; attempt++ {
		again, lost, err := s.call(ctx, batch)
		s.outage.note(err)
		givenUp += lost
		if len(again) == 0 {
			break
		}
		batch = again
		if attempt == maxAttempts || !sleep(ctx, s.jitter(backoffCeiling(attempt))) {
			givenUp += len(batch)
			break
		}
	}
	s.settled(total-givenUp, givenUp)
}

// outage logs the first failure of a kind of call and its first success after that, however many lie between.
type outage struct {
	what string // "delete messages"
	log  *zap.Logger

	mu   sync.Mutex
	last error
}

func (o *outage) note(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err != nil && o.last == nil:
		o.log.Warn("cannot "+o.what+", trying on", zap.Error(err))
	case err == nil && o.last != nil:
		o.log.Info("can " + o.what + " again")
	}
	o.last = err
}
