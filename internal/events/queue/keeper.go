package queue

import (
	"context"
	"sync"
	"time"
)

// keeperCalls is how many extensions are under way at once.
const keeperCalls = 4

// keep extends the visibility of the batches in hand until ctx ends. A batch that is Done soon costs nothing here: one
// goroutine looks after all of them.
func (c *Consumer) keep(ctx context.Context) {
	tick := time.NewTicker(max(c.opts.ExtendEvery/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.extend(ctx, c.hand.due(time.Now().Add(-c.opts.ExtendEvery)))
		}
	}
}

func (c *Consumer) extend(ctx context.Context, due []*holding) {
	var calls sync.WaitGroup
	defer calls.Wait()
	slots := make(chan struct{}, keeperCalls)
	for _, h := range due {
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			c.extendOne(ctx, h)
		})
	}
}

func (c *Consumer) extendOne(ctx context.Context, h *holding) {
	entries := make([]entry, len(h.batch.Messages))
	for i := range entries {
		entries[i] = entry{receipt: h.batch.Messages[i].ReceiptHandle, after: c.opts.VisibilityTimeout}
	}
	again, lost, err := c.calls.changeBatch(ctx, entries)
	failed := lost + len(again)
	c.stats.extended.Add(uint64(len(entries) - failed)) //nolint:gosec // never negative
	c.stats.extendErrors.Add(uint64(failed))            //nolint:gosec // never negative
	at := time.Now()
	if len(again) > 0 {
		at = h.extended // try again at the next tick
	}
	if ctx.Err() == nil {
		c.extensions.note(err)
	}
	if c.hand.extendedAt(h, at) {
		c.settle(h)
	}
}
