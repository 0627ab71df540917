// Package scheduler runs named jobs when their cron spec says so, and on demand. A job never overlaps itself, a panic
// is its run's error, and a run missed while the process was down is caught up once. It knows nothing of what the jobs
// do, and decides nothing about what follows from a failed run.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
	"go.uber.org/zap"
)

// Why a run took place.
const (
	TriggerSchedule = "schedule"
	TriggerStart    = "start"    // Job.AtStart
	TriggerCatchUp  = "catch-up" // it was due while the process was down
	TriggerDemand   = "demand"
)

var (
	// ErrUnknownJob is Trigger's answer to a name that no job has.
	ErrUnknownJob = errors.New("unknown job")
	// ErrStopped is Trigger's answer when the scheduler does not run, and a run's when it was never begun.
	ErrStopped = errors.New("the scheduler is not running")
)

// Job is something to do again and again.
type Job struct {
	Name    string
	Spec    string        // see ParseSpec
	Jitter  time.Duration // scheduled runs begin up to this later
	Timeout time.Duration // ends the run's context; none when zero
	AtStart bool          // run once when the scheduler starts
	CatchUp bool          // run at the start when a run was missed; @every counts on from the last run
	Run     func(ctx context.Context) error
}

// Run is one run of a job as it is remembered.
type Run struct {
	Started  time.Time
	Finished time.Time
	Err      string // empty when it succeeded
	Trigger  string
}

// Store remembers each job's last run.
type Store interface {
	// LastRun returns the zero Run for a job that has none.
	LastRun(name string) (Run, error)
	RecordRun(name string, r Run) error
}

// Options are a Scheduler's settings. The zero value of each field is its default.
type Options struct {
	StopTimeout time.Duration // for runs to end when their context has; default 10 s
	// OnRun is told of each run that ended, with its error. Default: none.
	OnRun func(job string, r Run, err error)
	// OnPanic is told of a panic, which OnRun then gets as a *PanicError. Default: none.
	OnPanic func(job string, value any, stack []byte)
	// OnStoreError is told when a last run could not be read or kept; the job runs nevertheless. Default: none.
	OnStoreError func(job string, err error)
	// Jitter picks a time between nothing and limit. Default: evenly.
	Jitter func(limit time.Duration) time.Duration
	Logger *zap.Logger // default: none
}

func (o Options) withDefaults() Options {
	if o.StopTimeout == 0 {
		o.StopTimeout = 10 * time.Second
	}
	if o.OnRun == nil {
		o.OnRun = func(string, Run, error) {}
	}
	if o.OnPanic == nil {
		o.OnPanic = func(string, any, []byte) {}
	}
	if o.OnStoreError == nil {
		o.OnStoreError = func(string, error) {}
	}
	if o.Jitter == nil {
		o.Jitter = func(limit time.Duration) time.Duration { return rand.N(limit + 1) } //nolint:gosec // no secret
	}
	if o.Logger == nil {
		o.Logger = zap.NewNop()
	}
	return o
}

// Scheduler runs jobs.
type Scheduler struct {
	store Store
	opts  Options

	mu      sync.Mutex
	workers map[string]*worker
	retired map[string]*worker // the last of each name that was taken away: it may still run
	ctx     context.Context    // of the runs; nil before Run, done after it
	running sync.WaitGroup     // workers
}

// New returns a scheduler of jobs, or an error that names every job that cannot be and why.
func New(jobs []Job, store Store, opts Options) (*Scheduler, error) {
	s := &Scheduler{
		store: store, opts: opts.withDefaults(), workers: map[string]*worker{},
		retired: map[string]*worker{},
	}
	if err := s.Reload(jobs); err != nil {
		return nil, err
	}
	return s, nil
}

// Run runs the jobs until ctx ends. The context of runs under way ends with it, and Run returns when they have: nil, or
// after the stop timeout an error that names those that have not.
func (s *Scheduler) Run(ctx context.Context) error {
	s.mu.Lock()
	if s.ctx != nil {
		s.mu.Unlock()
		return errors.New("scheduler: Run was called before")
	}
	s.ctx = ctx
	for _, w := range s.workers {
		s.start(w)
	}
	s.mu.Unlock()

	<-ctx.Done()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.running.Wait()
	}()
	timer := time.NewTimer(s.opts.StopTimeout)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
	}
	var names []string
	for _, job := range s.Status() {
		if !job.RunningSince.IsZero() {
			names = append(names, job.Name)
		}
	}
	return fmt.Errorf("scheduler: still running %v after its context ended: %s",
		s.opts.StopTimeout, strings.Join(names, ", "))
}

// start begins the worker's loop. The caller holds s.mu.
func (s *Scheduler) start(w *worker) {
	ctx := s.ctx
	s.running.Go(func() { w.loop(ctx) })
}

// Reload replaces the jobs. Runs under way end as they are, jobs that stay keep their time, and when any job cannot be,
// nothing changes and the error names every such job.
func (s *Scheduler) Reload(jobs []Job) error {
	schedules := make(map[string]cron.Schedule, len(jobs))
	var errs []error
	for _, job := range jobs {
		schedule, err := ParseSpec(job.Spec)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("job %s: schedule %q: %w", job.Name, job.Spec, err))
		case schedules[job.Name] != nil:
			errs = append(errs, fmt.Errorf("job %s: is named twice", job.Name))
		default:
			schedules[job.Name] = schedule
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx != nil && s.ctx.Err() != nil {
		return ErrStopped
	}
	for name, w := range s.workers {
		if schedules[name] == nil {
			s.retire(w)
			delete(s.workers, name)
		}
	}
	for _, job := range jobs {
		if w := s.workers[job.Name]; w != nil {
			w.change(job, schedules[job.Name])
			continue
		}
		var after <-chan struct{}
		if old := s.retired[job.Name]; old != nil {
			after = old.ended
			delete(s.retired, job.Name)
		}
		w := newWorker(job, schedules[job.Name], s.store, s.opts, after)
		s.workers[job.Name] = w
		if s.ctx != nil {
			s.start(w)
		}
	}
	return nil
}

// retire ends a worker. A later one of its name waits for it; before Run there is nothing to wait for.
func (s *Scheduler) retire(w *worker) {
	w.retire()
	if s.ctx != nil {
		s.retired[w.name] = w
	}
}

// Trigger has the job run now, or joins the run under way. The channel gets the run's error, once; the run does not
// depend on anybody reading it.
func (s *Scheduler) Trigger(name string) (<-chan error, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.workers[name]
	if w == nil {
		return nil, fmt.Errorf("%w %q", ErrUnknownJob, name)
	}
	if s.ctx == nil || s.ctx.Err() != nil {
		return nil, ErrStopped
	}
	return w.demand(), nil
}

// JobStatus is what the scheduler knows of a job.
type JobStatus struct {
	Name         string
	Spec         string
	Next         time.Time // zero when it does not run
	Last         Run       // zero when it never ran
	RunningSince time.Time // zero when it is not under way
}

// Status returns all jobs by name.
func (s *Scheduler) Status() []JobStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]JobStatus, 0, len(s.workers))
	for _, w := range s.workers {
		all = append(all, w.status())
	}
	slices.SortFunc(all, func(a, b JobStatus) int { return strings.Compare(a.Name, b.Name) })
	return all
}
