package queue

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// DefaultBudget is how many bytes all pollers of a process may have in hand.
const DefaultBudget = 32 << 20

// Budget bounds the bytes in hand over all pollers that share it. An answer of SQS is read only after its size was
// taken from the budget; until then it waits in the socket, which holds SQS back.
type Budget struct {
	size int64
	sem  *semaphore.Weighted
	used atomic.Int64
}

// NewBudget returns a budget of size bytes.
func NewBudget(size int64) *Budget { return &Budget{size: size, sem: semaphore.NewWeighted(size)} }

// Size returns the budget's size in bytes.
func (b *Budget) Size() int64 { return b.size }

// Used returns how many bytes are taken.
func (b *Budget) Used() int64 { return b.used.Load() }

// take waits for n bytes, first come first served. It fails when ctx ends or n is more than there will ever be.
func (b *Budget) take(ctx context.Context, n int64) error {
	if n > b.size {
		return &tooLargeError{size: n, limit: b.size}
	}
	if err := b.sem.Acquire(ctx, n); err != nil {
		return fmt.Errorf("waiting for %d bytes of the budget: %w", n, err)
	}
	b.used.Add(n)
	return nil
}

func (b *Budget) give(n int64) {
	b.used.Add(-n)
	b.sem.Release(n)
}

// wait returns when somebody who asks now would get something: nobody should receive what cannot be held.
func (b *Budget) wait(ctx context.Context) error {
	if err := b.take(ctx, 1); err != nil {
		return err
	}
	b.give(1)
	return nil
}

// tooLargeError is an answer of SQS that does not fit into the budget.
type tooLargeError struct{ size, limit int64 }

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("SQS answers with %d bytes, of which at most %d can be held", e.size, e.limit)
}
