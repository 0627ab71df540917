package queue

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	backoffFirst = 200 * time.Millisecond
	backoffLimit = 10 * time.Second
)

// fullJitter picks a time between nothing and limit.
func fullJitter(limit time.Duration) time.Duration {
	return rand.N(limit + 1) //nolint:gosec // jitter is no secret
}

// backoffCeiling is the longest wait after the n-th failure in a row, counted from 1: 200 ms doubling to 10 s.
func backoffCeiling(n int) time.Duration {
	ceiling := backoffFirst
	for i := 1; i < n && ceiling < backoffLimit; i++ {
		ceiling *= 2
	}
	return min(ceiling, backoffLimit)
}

// sleep waits for d and says whether it was not cut short by ctx.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
