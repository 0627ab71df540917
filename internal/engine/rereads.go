package engine

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

const (
	rereadsAtOnce   = 8
	rereadsInOneGo  = 500
	rereadEvery     = 5 * time.Second // how often one key is read again at most, however many events tell of changes
	rereadIdle      = time.Minute
	rereadAfterFail = time.Second
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
		due, next = tx.DueRereads(now, rereadsInOneGo)
		return nil
	})
	if err != nil {
		e.log.Error("cannot read which keys to read again", zap.Error(err))
		return rereadAfterFail
	}
	wait := rereadIdle
	if !next.IsZero() {
		wait = min(wait, max(next.Sub(now), 10*time.Millisecond))
	}
	byKey := make(map[string][]state.Reread) // one reading answers all that asked for it
	for _, r := range due {
		if at, ok := read[r.ARN]; ok {
			wait = min(wait, max(rereadEvery-now.Sub(at), 0))
			continue
		}
		byKey[r.ARN] = append(byKey[r.ARN], r)
	}
	var group errgroup.Group
	group.SetLimit(rereadsAtOnce)
	for arn, asked := range byKey {
		if ctx.Err() != nil {
			break
		}
		read[arn] = now
		group.Go(func() error {
			e.rereadOne(ctx, arn, asked)
			return nil
		})
	}
	_ = group.Wait() // they return none
	return wait
}

// rereadLater is when a changed key is tried again that could not be read, for a reason that may pass.
const rereadLater = 2 * time.Minute

// rereadOne reads one key and commits what it says. A key that cannot be read for a reason that may pass is tried again
// later, any other is left to the sweeps.
func (e *Engine) rereadOne(ctx context.Context, arn string, asked []state.Reread) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("reread", v, debug.Stack())
		}
	}()
	key, err := e.readWhole(ctx, arn)
	if err != nil {
		if ctx.Err() != nil {
			return // still due after the next start
		}
		e.log.Warn("cannot read a changed key again; it is tried later", zap.String("key", arn), zap.Error(err))
	}
	_, elsewhere := e.placeOf(arn)
	later := err != nil && elsewhere == nil && awskms.Classify(err).Passing()
	err = e.note(time.Now().UTC(), func(n *notebook) error {
		for _, r := range asked {
			if err := n.tx.DoneReread(r); err != nil {
				return err
			}
		}
		switch {
		case key != nil:
			return n.reading(key, true)
		case later: // sweeps would find its tags and policy young for hours
			return n.tx.PlanReread(arn, n.now.Add(rereadLater))
		}
		return nil
	})
	if err != nil {
		e.log.Error("cannot keep what was read of a key", zap.String("key", arn), zap.Error(err))
	}
}

// readWhole reads everything about a key, ahead of sweeps.
func (e *Engine) readWhole(ctx context.Context, arn string) (*inventory.Key, error) {
	return e.readWholeIn(ctx, arn, awskms.Reread)
}

// readWholeIn reads everything about a key, in a lane of the quota.
func (e *Engine) readWholeIn(ctx context.Context, arn string, lane awskms.Lane) (*inventory.Key, error) {
	place, err := e.placeOf(arn)
	if err != nil {
		return nil, err
	}
	kms, prev := place.KMS.In(lane), e.knownKey(arn)
	listedAt := time.Now().UTC()
	aliases, err := kms.AliasesOf(ctx, arn)
	refused := awskms.Classify(err) == awskms.AccessDenied
	switch class := awskms.Classify(err); {
	case class == awskms.OK:
	case class == awskms.NotFound:
		aliases = nil // reading the key says so
	case refused && prev != nil:
		aliases, listedAt = slices.Clone(prev.Aliases), prev.AliasesAt
	default:
		return nil, err
	}
	key, err := kms.ReadWhole(ctx, arn, aliases, prev)
	if err == nil {
		key.AliasesAt = listedAt
		key.SetDenied("ListAliases", refused)
	}
	return key, err
}
