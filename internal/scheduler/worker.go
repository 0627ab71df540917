package scheduler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"go.uber.org/zap"
)

// recheck bounds a sleep: timers do not see the wall clock being set nor the machine being suspended.
const recheck = time.Minute

// worker looks after one job. Its loop is the only one to run the job, so that runs cannot overlap.
type worker struct {
	name  string
	store Store
	opts  Options
	after <-chan struct{} // nil, or closed when the last worker of this name has ended
	ended chan struct{}   // closed when the loop has ended
	wake  chan struct{}   // demanded, changed or retired: look again

	mu       sync.Mutex
	job      Job
	schedule cron.Schedule
	base     time.Time // what the next run is counted from
	planned  time.Time // the next run, zero when it is to be counted anew
	retired  bool
	last     Run
	since    time.Time // of the run under way
	waiters  []chan error
}

func newWorker(job Job, schedule cron.Schedule, store Store, opts Options, after <-chan struct{}) *worker {
	return &worker{
		name: job.Name, job: job, schedule: schedule, store: store, opts: opts,
		after: after, ended: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

func (w *worker) loop(ctx context.Context) {
	defer close(w.ended)
	defer w.dismiss()
	if w.after != nil {
		<-w.after
	}
	if ctx.Err() != nil {
		return
	}
	if trigger := w.first(); trigger != "" {
		w.run(ctx, trigger)
	}
	for {
		trigger, wait, ok := w.next(time.Now())
		switch {
		case ctx.Err() != nil || !ok:
			return
		case trigger != "":
			w.run(ctx, trigger)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-w.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// first says why the job runs at the start, if it does, and sets what the next run is counted from.
func (w *worker) first() string {
	last, err := w.store.LastRun(w.name)
	if err != nil {
		w.storeFailed("reading the last run", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = last
	now := wall(time.Now())
	w.base = now
	if w.job.AtStart {
		return TriggerStart
	}
	if last := last.Started; w.job.CatchUp && !last.IsZero() && last.Before(now) {
		if !w.schedule.Next(last.UTC()).After(now) {
			return TriggerCatchUp
		}
		w.base = last.UTC()
	}
	return ""
}

// next says why the job runs now, or how long to sleep. Not ok means that the job is no more.
func (w *worker) next(now time.Time) (trigger string, wait time.Duration, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now = wall(now)
	if w.retired {
		return "", 0, false
	}
	if len(w.waiters) > 0 {
		return TriggerDemand, 0, true
	}
	if w.schedule.Next(now).Add(w.job.Jitter).Before(w.planned) { // the clock was set back
		w.base, w.planned = now, time.Time{}
	}
	if w.planned.IsZero() {
		due := w.schedule.Next(w.base)
		if due.Before(now) { // it came due during a run, and is not made up for
			due = w.schedule.Next(now)
		}
		w.base, w.planned = due, due
		if w.job.Jitter > 0 {
			w.planned = due.Add(w.opts.Jitter(w.job.Jitter))
		}
	}
	if wait = w.planned.Sub(now); wait > 0 {
		return "", min(wait, recheck), true
	}
	w.planned = time.Time{}
	return TriggerSchedule, 0, true
}

// wall drops the monotonic clock, which the wall clock may leave behind.
func wall(t time.Time) time.Time { return t.UTC().Round(0) }

func (w *worker) run(ctx context.Context, trigger string) {
	w.mu.Lock()
	job := w.job
	started := wall(time.Now())
	w.since = started
	w.mu.Unlock()

	err := w.call(ctx, job)
	r := Run{Started: started, Finished: wall(time.Now()), Trigger: trigger}
	if err != nil {
		r.Err = err.Error()
	}
	// A run that the stop cut short is not remembered, like one cut short by a crash: the next start catches it up.
	if err == nil || ctx.Err() == nil {
		if err := w.store.RecordRun(w.name, r); err != nil {
			w.storeFailed("keeping the last run", err)
		}
	}
	w.mu.Lock()
	waiters := w.waiters
	w.last, w.since, w.waiters = r, time.Time{}, nil
	if w.planned.Before(r.Finished) {
		w.planned = time.Time{}
	}
	w.mu.Unlock()
	w.opts.OnRun(w.name, r, err)
	for _, waiter := range waiters {
		waiter <- err
	}
}

// PanicError is the error of a run that panicked.
type PanicError struct {
	Value any
	Stack []byte
}

// Error gives the value without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// call runs the job and contains its panic.
func (w *worker) call(ctx context.Context, job Job) (err error) {
	if job.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, job.Timeout, fmt.Errorf("took longer than %v", job.Timeout))
		defer cancel()
	}
	defer func() {
		if value := recover(); value != nil {
			stack := debug.Stack()
			w.opts.Logger.Error("a job panicked", zap.String("job", job.Name), zap.Any("panic", value),
				zap.ByteString("stack", stack))
			w.opts.OnPanic(job.Name, value, stack)
			err = &PanicError{Value: value, Stack: stack}
		}
	}()
	if err := job.Run(ctx); err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
		return err
	}
	return nil
}

func (w *worker) storeFailed(doing string, err error) {
	w.opts.Logger.Error("a job's last run could not be remembered", zap.String("job", w.name),
		zap.String("doing", doing), zap.Error(err))
	w.opts.OnStoreError(w.name, fmt.Errorf("%s: %w", doing, err))
}

func (w *worker) demand() <-chan error {
	done := make(chan error, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.retired {
		done <- ErrStopped
		return done
	}
	w.waiters = append(w.waiters, done)
	w.signal()
	return done
}

// dismiss answers those who wait for a run that will not be.
func (w *worker) dismiss() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, waiter := range w.waiters {
		waiter <- ErrStopped
	}
	w.waiters, w.planned, w.retired = nil, time.Time{}, true
}

func (w *worker) change(job Job, schedule cron.Schedule) {
	w.mu.Lock()
	if job.Spec != w.job.Spec || job.Jitter != w.job.Jitter {
		w.base, w.planned = wall(time.Now()), time.Time{}
	}
	w.job, w.schedule = job, schedule
	w.mu.Unlock()
	w.signal()
}

func (w *worker) retire() {
	w.mu.Lock()
	w.retired = true
	w.mu.Unlock()
	w.signal()
}

func (w *worker) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *worker) status() JobStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return JobStatus{Name: w.job.Name, Spec: w.job.Spec, Next: w.planned, Last: w.last, RunningSince: w.since}
}
