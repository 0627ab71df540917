package awskms

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits keeps rotd under its share of AWS's quotas in one place, by operation and lane.
type limits struct {
	of map[operation]*limit
}

func newLimits(share float64) *limits {
	l := &limits{of: make(map[operation]*limit, len(quotas))}
	for op, quota := range quotas {
		lim := &limit{factor: 1}
		for lane := range lanes {
			base := quota * share * lane.part(op)
			lim.base[lane] = base
			// A burst of a tenth of a second, so that a second never holds much more than its share.
			lim.lanes[lane] = rate.NewLimiter(rate.Limit(base), max(1, int(math.Ceil(base/10))))
		}
		l.of[op] = lim
	}
	return l
}

// wait blocks until the operation may be called in the lane.
func (l *limits) wait(ctx context.Context, op operation, lane Lane) error {
	lim := l.of[op]
	lim.recover(time.Now())
	if err := lim.lanes[lane].Wait(ctx); err != nil {
		return fmt.Errorf("waiting for the turn to call %s: %w", op, err)
	}
	return nil
}

// learn slows an operation down when KMS throttled it.
func (l *limits) learn(op operation, class Class) {
	if class == Throttled {
		l.of[op].slow(time.Now())
	}
}

const (
	slowest      = 1.0 / 32         // of the share, however often KMS throttles
	slowAtMost   = time.Second      // calls throttled together halve the rate once
	recoverEvery = 10 * time.Second // without throttling, by recoverBy of the share
	recoverBy    = 0.1
)

// limit is the limit of one operation. KMS throttles all lanes alike, so they slow down and recover together.
type limit struct {
	base  [lanes]float64
	lanes [lanes]*rate.Limiter

	mu      sync.Mutex
	factor  float64   // of base, from slowest to 1
	changed time.Time // when factor last changed
}

func (l *limit) slow(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.changed) < slowAtMost && l.factor < 1 {
		return
	}
	l.set(max(l.factor/2, slowest), now)
}

func (l *limit) recover(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.factor == 1 {
		return
	}
	if steps := int(now.Sub(l.changed) / recoverEvery); steps > 0 {
		l.set(min(1, l.factor+recoverBy*float64(steps)), now)
	}
}

func (l *limit) set(factor float64, now time.Time) {
	l.factor, l.changed = factor, now
	for lane, limiter := range l.lanes {
		limiter.SetLimitAt(now, rate.Limit(l.base[lane]*factor))
	}
}
