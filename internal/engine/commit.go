package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"rotd/internal/state"
)

// maxGather bounds how many events one transaction takes; what waits beyond it is the next one's.
const maxGather = 4000

// runCommits gathers the work of all pollers and commits it, one transaction for everything in hand. It ends when ctx
// does and what was submitted by then is committed.
func (e *Engine) runCommits(ctx context.Context) error {
	for {
		select {
		case w := <-e.commits:
			e.commitGathered(ctx, e.gather(w))
		case <-ctx.Done():
			for {
				select {
				case w := <-e.commits:
					e.commitGathered(ctx, e.gather(w))
				default:
					return nil
				}
			}
		}
	}
}

// gather takes what is there without waiting for more: under load the commit before it is the wait.
func (e *Engine) gather(first *work) []*work {
	works, n := []*work{first}, first.size()
	for n < maxGather {
		select {
		case w := <-e.commits:
			works = append(works, w)
			n += w.size()
		default:
			return works
		}
	}
	return works
}

func (w *work) size() int {
	n := len(w.units)
	for i := range w.units {
		n += len(w.units[i].content.Events)
	}
	return n
}

// commitGathered commits everything in hand together. Where that panics, each message is committed by itself, so that
// only the one at fault is set aside. Where the state cannot be written at all, receiving stops until it can.
func (e *Engine) commitGathered(ctx context.Context, works []*work) {
	start := time.Now()
	tally, err, panicked := e.tryCommit(works)
	if panicked != nil {
		e.logPanic("commit", panicked.value, panicked.stack)
		e.commitApart(ctx, works)
		return
	}
	if err != nil {
		e.stateFault(ctx, err)
	} else {
		e.committed(tally, time.Since(start))
	}
	for _, w := range works {
		w.done(err)
	}
}

// commitApart commits unit by unit after a panic, and quarantines the unit that panics again.
func (e *Engine) commitApart(ctx context.Context, works []*work) {
	for _, w := range works {
		var failed error
		for i := range w.units {
			single := &work{units: w.units[i : i+1]}
			tally, err, panicked := e.tryCommit([]*work{single})
			if panicked != nil {
				w.units[i].failure = &failure{reason: "panic", detail: fmt.Sprint(panicked.value)}
				tally, err, panicked = e.tryCommit([]*work{single})
			}
			switch {
			case panicked != nil:
				e.logPanic("commit", panicked.value, panicked.stack)
				failed = fmt.Errorf("commit panicked twice: %v", panicked.value)
			case err != nil:
				failed = err
			default:
				e.committed(tally, 0)
			}
		}
		if failed != nil {
			e.stateFault(ctx, failed)
		}
		w.done(failed)
	}
}

type panicValue struct {
	value any
	stack []byte
}

// tryCommit judges and commits in one transaction.
func (e *Engine) tryCommit(works []*work) (t *tally, err error, panicked *panicValue) { //nolint:revive // both are answers
	defer func() {
		if v := recover(); v != nil {
			panicked = &panicValue{value: v, stack: debug.Stack()}
		}
	}()
	now := time.Now().UTC()
	err = e.db.Update(func(tx *state.Tx) error {
		j := e.newJudging(tx, now)
		t = j.tally
		for _, w := range works {
			for i := range w.units {
				if err := j.unit(&w.units[i]); err != nil {
					return err
				}
			}
		}
		return j.finish()
	})
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err), nil
	}
	return t, nil, nil
}

// committed makes known what a commit did: only now are counters moved and workers woken.
func (e *Engine) committed(t *tally, took time.Duration) {
	e.metrics.count(t)
	if took > 0 {
		e.metrics.commitSeconds.Observe(took.Seconds())
	}
	if t.newest.After(e.seen.last()) {
		e.seen.set(t.newest)
	}
	if t.alerts > 0 {
		nudge(e.wakeOutbox)
	}
	if t.rereads > 0 {
		nudge(e.wakeRereads)
	}
	if t.actions > 0 {
		nudge(e.wakeActions)
		e.changed.send()
	}
}

// stateFault stops receiving until the state can be written again.
func (e *Engine) stateFault(ctx context.Context, err error) {
	e.log.Error("cannot write the state; receiving stops until it can be written", zap.Error(err))
	e.intake.close(ctx, e.queues, "the state cannot be written: "+err.Error(), func() error {
		return e.db.Update(func(tx *state.Tx) error { return tx.PutRun("probe", state.Run{Started: time.Now().UTC()}) })
	})
}
