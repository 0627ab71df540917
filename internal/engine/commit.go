package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"go.uber.org/zap"

	"rotd/internal/state"
)

// maxGather bounds how many events one transaction takes; what waits beyond it is the next one's.
const maxGather = 4000

// errStopped is the end of work that was handed in too late to be committed.
var errStopped = errors.New("rotd is stopping")

// runCommits gathers the work of all pollers and commits it, one transaction for everything in hand. It ends when ctx
// does and what was submitted by then is committed.
func (e *Engine) runCommits(ctx context.Context) error {
	defer close(e.stopped)
	for {
		select {
		case w := <-e.commits:
			e.commitGathered(e.gather(w))
		case <-ctx.Done():
			for {
				select {
				case w := <-e.commits:
					e.commitGathered(e.gather(w))
				default:
					return nil
				}
			}
		}
	}
}

// submit hands work to the committer, which calls its done. What is handed in while rotd stops may get no answer: its
// messages come back.
func (e *Engine) submit(ctx context.Context, w *work) {
	select {
	case e.commits <- w:
	case <-e.stopped:
		w.done(errStopped)
	case <-ctx.Done():
		w.done(ctx.Err())
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

// commitGathered commits everything in hand together. Where judging it fails, each message is committed by itself, so
// that only the one at fault is set aside. Where the state cannot be written at all, receiving stops until it can.
func (e *Engine) commitGathered(works []*work) {
	start := time.Now()
	tally, err := e.tryCommit(works, nil)
	if own := ownError(err); own != nil {
		e.logOwn(own)
		e.commitApart(works)
		return
	}
	if err != nil {
		e.stateFault(err)
	} else {
		e.metrics.commitSeconds.Observe(time.Since(start).Seconds())
		e.committed(tally)
	}
	for _, w := range works {
		w.done(err)
	}
}

// tryCommit judges and commits in one transaction. A *judgeError is the fault of what was judged; any other error is
// the state's. With instead, that is returned in place of committing, and nothing is kept.
func (e *Engine) tryCommit(works []*work, instead error) (t *tally, err error) {
	defer func() {
		if v := recover(); v != nil {
			t, err = nil, &judgeError{reason: "panic", err: fmt.Errorf("panic: %v", v), stack: debug.Stack()}
		}
	}()
	now := time.Now().UTC()
	err = e.db.Update(func(tx *state.Tx) error {
		j := e.newJudging(tx, now)
		t = j.tally
		if err := j.works(works); err != nil {
			return &judgeError{reason: "unstorable", err: err}
		}
		return instead
	})
	if err != nil {
		return nil, fmt.Errorf("commit: %w", err)
	}
	return t, nil
}

// judgeError says that what was judged is at fault, and not the state: judging it panicked, or what it means cannot be
// stored.
type judgeError struct {
	reason string
	err    error
	stack  []byte // of a panic
}

func (e *judgeError) Error() string { return e.err.Error() }
func (e *judgeError) Unwrap() error { return e.err }

func ownError(err error) *judgeError {
	if own, ok := errors.AsType[*judgeError](err); ok {
		return own
	}
	return nil
}

// logOwn never hides a contained fault.
func (e *Engine) logOwn(own *judgeError) {
	if own.stack != nil {
		e.logPanic("commit", own.err, own.stack)
		return
	}
	e.log.Error("what arrived cannot be stored; the message at fault is set aside", zap.Error(own.err))
}

// committed makes known what a commit did: only now are counters moved and workers woken.
func (e *Engine) committed(t *tally) {
	e.metrics.count(t)
	if t.newest.After(e.newest.last()) {
		e.newest.set(t.newest)
	}
	if t.processed+t.duplicates > 0 {
		e.arrived.set(time.Now())
	}
	e.overflow.Add(int64(t.dropped))
	if t.alerts > 0 || t.grown {
		nudge(e.wakeOutbox)
	}
	if t.rereads > 0 {
		nudge(e.wakeRereads)
	}
	if t.factsDue {
		e.factsDue.send()
	}
	if t.wantsFolding() {
		nudge(e.wakeUsage)
	}
	if t.actions > 0 {
		nudge(e.wakeActions)
		e.changed.send()
	}
}

// stateFault stops receiving until the state can be written again.
func (e *Engine) stateFault(err error) {
	if e.intake.close(e.queues, "the state cannot be written: "+err.Error(), func() error {
		return e.db.Update(func(tx *state.Tx) error { return tx.PutRun("probe", state.Run{Started: time.Now().UTC()}) })
	}) {
		e.log.Error("cannot write the state; receiving stops until it can be written", zap.Error(err))
	}
}
