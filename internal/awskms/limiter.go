package awskms

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits keeps rotd under its share of AWS's quotas in one place, by operation and lane.
type limits struct {
	of map[operation]*limit
}

// newLimits makes the limits of a Region. most, unless 0, bounds re-encryptions a second.
func newLimits(region string, share, most float64) *limits {
	l := &limits{of: make(map[operation]*limit, len(quotas))}
	for op := range quotas {
		rotds := quota(op, region) * share
		if op == reEncrypt && most > 0 {
			rotds = min(rotds, most)
		}
		lim := &limit{factor: 1}
		for lane := range lanes {
			base := rotds * lane.part(op)
			lim.base[lane] = base
			lim.lanes[lane] = rate.NewLimiter(rate.Limit(base), max(1, int(base*lane.burst(op).Seconds())))
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
	if lane != Sweep {
		lim.lanes[Sweep].Reserve() // sweeps have the whole share but for what the others take of it
	}
	return nil
}

// learn slows an operation down when KMS throttled it.
func (l *limits) learn(op operation, class Class) {
	switch class {
	case Throttled:
		l.of[op].slow(time.Now())
	case OK:
		l.of[op].passed()
	default: // says nothing about the rate
	}
}

// bearable reports whether KMS has let the operation through not too long ago, for a sweep to wait until it does again.
func (l *limits) bearable(op operation) bool { return l.of[op].bearable(time.Now()) }

const (
	bearFor      = 30 * time.Minute // of throttling without one success
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
	refused time.Time // when KMS began to throttle every call; zero: the last one passed
}

func (l *limit) passed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = time.Time{}
}

func (l *limit) bearable(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.refused) < bearFor || l.refused.IsZero()
}

func (l *limit) slow(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused.IsZero() {
		l.refused = now
	}
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
