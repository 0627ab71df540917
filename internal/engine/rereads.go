package engine

import (
	"context"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

const (
	rereadsAtOnce = 50
	// rereadEvery is how often one key is read again at most, however many events tell of changes.
	rereadEvery = 5 * time.Second
	rereadIdle  = time.Minute
)

// runRereads reads keys again that events say were changed: drift is seen in seconds, and what an event says is
// believed only when KMS says it too.
func (e *Engine) runRereads(ctx context.Context) error {
	read := make(map[string]time.Time) // when a key was read by this worker, for as long as rereadEvery
	for {
		wait := e.rereadDue(ctx, read)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-e.wakeRereads:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// rereadDue reads what is due and returns when to look again.
func (e *Engine) rereadDue(ctx context.Context, read map[string]time.Time) time.Duration {
	now := time.Now().UTC()
	for arn, at := range read {
		if now.Sub(at) >= rereadEvery {
			delete(read, arn)
		}
	}
	var (
		due  []state.Reread
		next time.Time
	)
	err := e.db.View(func(tx *state.Tx) error {
		due, next = tx.DueRereads(now, rereadsAtOnce)
		return nil
	})
	if err != nil {
		e.log.Error("cannot read which keys to read again", zap.Error(err))
		return rereadIdle
	}
	wait := rereadIdle
	if !next.IsZero() {
		wait = min(wait, max(next.Sub(now), 10*time.Millisecond))
	}
	for _, r := range due {
		if ctx.Err() != nil {
			return wait
		}
		if at, ok := read[r.ARN]; ok && now.Sub(at) < rereadEvery {
			wait = min(wait, rereadEvery-now.Sub(at))
			continue
		}
		read[r.ARN] = now
		e.rereadOne(ctx, r)
	}
	return wait
}

// rereadOne reads one key and commits what it says. A key that cannot be read is left to the sweeps.
func (e *Engine) rereadOne(ctx context.Context, r state.Reread) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("reread", v, debug.Stack())
		}
	}()
	key, err := e.readWhole(ctx, r.ARN)
	if err != nil {
		if ctx.Err() != nil {
			return // still due after the next start
		}
		e.log.Warn("cannot read a changed key again; the next sweep will", zap.String("key", r.ARN), zap.Error(err))
	}
	err = e.note(e.Settings(), time.Now().UTC(), func(n *notebook) error {
		if key != nil {
			if err := n.reading(key, true); err != nil {
				return err
			}
		}
		return n.tx.DoneReread(r)
	})
	if err != nil {
		e.log.Error("cannot keep what was read of a key", zap.String("key", r.ARN), zap.Error(err))
		sleep(ctx, time.Second)
	}
}

// readWhole reads everything about a key, ahead of sweeps.
func (e *Engine) readWhole(ctx context.Context, arn string) (*inventory.Key, error) {
	place, err := e.placeOf(arn)
	if err != nil {
		return nil, err
	}
	kms, prev := place.KMS.In(awskms.Reread), e.knownKey(arn)
	aliases, err := kms.AliasesOf(ctx, arn)
	if awskms.Classify(err) == awskms.AccessDenied && prev != nil {
		aliases, err = prev.Aliases, nil
	}
	if err != nil {
		return nil, err
	}
	return kms.ReadWhole(ctx, arn, aliases, prev)
}
