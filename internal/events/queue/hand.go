package queue

import (
	"context"
	"sync"
	"time"
)

// hand is the register of the batches that were received and are not yet Done.
type hand struct {
	mu      sync.Mutex
	batches map[*holding]struct{}
	count   int           // messages in batches
	empty   chan struct{} // closed when batches is empty, replaced when it no longer is
}

// holding is one batch in hand.
type holding struct {
	batch     *Batch
	bytes     int64 // of the budget
	received  time.Time
	extended  time.Time // when its visibility was last extended, at first when it was received
	extending bool      // a call that extends it is under way
	outcomes  []Disposition
	finished  bool // Done was called; while extending, what follows waits for that call
	leaving   bool // somebody settles it
}

func newHand() *hand {
	h := &hand{batches: map[*holding]struct{}{}, empty: make(chan struct{})}
	close(h.empty)
	return h
}

func (h *hand) add(b *holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.batches) == 0 {
		h.empty = make(chan struct{})
	}
	h.batches[b] = struct{}{}
	h.count += len(b.batch.Messages)
}

// finish notes the outcomes. It returns whether the caller shall settle the holding now: not when it was abandoned
// before, and not while it is being extended, since a late extension would hide what was just released.
func (h *hand) finish(b *holding, outcomes []Disposition) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.leaving {
		return false
	}
	b.outcomes, b.finished = outcomes, true
	b.leaving = !b.extending
	return b.leaving
}

// due marks and returns the holdings last extended before t.
func (h *hand) due(t time.Time) []*holding {
	h.mu.Lock()
	defer h.mu.Unlock()
	var due []*holding
	for b := range h.batches {
		if !b.extending && !b.leaving && b.extended.Before(t) {
			b.extending = true
			due = append(due, b)
		}
	}
	return due
}

// extendedAt ends an extension and returns whether the caller shall settle the holding now, as finish does.
func (h *hand) extendedAt(b *holding, t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	b.extending, b.extended = false, t
	b.leaving = b.finished
	return b.leaving
}

// abandon returns what nobody settles yet, the caller's to settle. Nothing may be extending any more.
func (h *hand) abandon() []*holding {
	h.mu.Lock()
	defer h.mu.Unlock()
	left := make([]*holding, 0, len(h.batches))
	for b := range h.batches {
		if !b.leaving {
			b.leaving = true
			left = append(left, b)
		}
	}
	return left
}

func (h *hand) remove(b *holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.batches, b)
	h.count -= len(b.batch.Messages)
	if len(h.batches) == 0 {
		close(h.empty)
	}
}

// wait returns when the hand is empty or ctx ends.
func (h *hand) wait(ctx context.Context) {
	h.mu.Lock()
	empty := h.empty
	h.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-empty:
	}
}

func (h *hand) fill(s *Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.InHand = h.count
	for b := range h.batches {
		if s.Oldest.IsZero() || b.received.Before(s.Oldest) {
			s.Oldest = b.received
		}
	}
}
