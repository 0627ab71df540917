package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func diff(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// memory is a Store that can fail.
type memory struct {
	mu   sync.Mutex
	runs map[string]Run
	err  error
}

func (m *memory) LastRun(name string) (Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[name], m.err
}

func (m *memory) RecordRun(name string, r Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.runs[name] = r
	}
	return m.err
}

// diary is a job that writes down when it ran, in time since the bubble's midnight, and why it did.
type diary struct {
	mu    sync.Mutex
	runs  []string
	takes time.Duration
	err   error
}

func (d *diary) run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d.takes):
		return d.err
	}
}

func (d *diary) note(_ string, r Run, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	line := fmt.Sprintf("%s %s", r.Started.Format("15:04:05"), r.Trigger)
	if err != nil {
		line += " " + err.Error()
	}
	d.runs = append(d.runs, line)
}

func (d *diary) lines() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.runs...)
}

// pass lets time go by until nothing more happens at its end.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// running starts a scheduler whose runs are written into d and stops it when the test ends.
func running(t *testing.T, d *diary, store *memory, opts Options, jobs ...Job) *Scheduler {
	t.Helper()
	if store == nil {
		store = &memory{runs: map[string]Run{}}
	}
	opts.OnRun = d.note
	s, err := New(jobs, store, opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
	return s
}

// The bubble begins at midnight UTC on 2000-01-01.
func TestJobsRunWhenTheyAreDue(t *testing.T) {
	midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name  string
		job   Job
		last  time.Time // of a run before the start
		takes time.Duration
		fails error
		opts  Options
		pass  time.Duration
		want  []string
	}{
		{
			name: "a cron spec in UTC", job: Job{Spec: "17 3 * * *"}, pass: 49 * time.Hour,
			want: []string{"03:17:00 schedule", "03:17:00 schedule"},
		},
		{
			name: "a cron spec in its own time zone", job: Job{Spec: "CRON_TZ=Asia/Tokyo 17 12 * * *"},
			pass: 24 * time.Hour,
			want: []string{"03:17:00 schedule"},
		},
		{
			name: "an interval is counted from begin to begin", job: Job{Spec: "@every 6h"},
			takes: time.Hour, pass: 13*time.Hour + 30*time.Minute,
			want: []string{"06:00:00 schedule", "12:00:00 schedule"},
		},
		{
			name: "a run that takes longer than the interval is not overlapped", job: Job{Spec: "*/15 * * * *"},
			takes: 20 * time.Minute, pass: 80 * time.Minute,
			want: []string{"00:15:00 schedule", "00:45:00 schedule"},
		},
		{
			name: "jitter delays, and does not add up", job: Job{Spec: "@hourly", Jitter: 10 * time.Minute},
			opts: Options{Jitter: func(limit time.Duration) time.Duration { return limit }}, pass: 150 * time.Minute,
			want: []string{"01:10:00 schedule", "02:10:00 schedule"},
		},
		{
			name: "a job for the start", job: Job{Spec: "@hourly", AtStart: true}, pass: 90 * time.Minute,
			want: []string{"00:00:00 start", "01:00:00 schedule"},
		},
		{
			name: "a missed run is caught up once", job: Job{Spec: "@hourly", CatchUp: true},
			last: midnight.Add(-72 * time.Hour), pass: 90 * time.Minute,
			want: []string{"00:00:00 catch-up", "01:00:00 schedule"},
		},
		{
			name: "a missed run is let go without CatchUp", job: Job{Spec: "@hourly"},
			last: midnight.Add(-72 * time.Hour), pass: 90 * time.Minute,
			want: []string{"01:00:00 schedule"},
		},
		{
			name: "an interval goes on over a restart", job: Job{Spec: "@every 6h", CatchUp: true},
			last: midnight.Add(-5 * time.Hour), pass: 8 * time.Hour,
			want: []string{"01:00:00 schedule", "07:00:00 schedule"},
		},
		{
			name: "a last run in the future is not believed", job: Job{Spec: "@every 1h", CatchUp: true},
			last: midnight.Add(9000 * time.Hour), pass: 90 * time.Minute,
			want: []string{"01:00:00 schedule"},
		},
		{
			name: "a run over its time is ended", job: Job{Spec: "@hourly", Timeout: time.Minute},
			takes: time.Hour, pass: 90 * time.Minute,
			want: []string{"01:00:00 schedule took longer than 1m0s: context deadline exceeded"},
		},
		{
			name: "a failed run waits for the next time", job: Job{Spec: "@hourly"},
			fails: errors.New("no network"), pass: 150 * time.Minute,
			want: []string{"01:00:00 schedule no network", "02:00:00 schedule no network"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &memory{runs: map[string]Run{}}
				if !tc.last.IsZero() {
					store.runs["j"] = Run{Started: tc.last}
				}
				d := &diary{takes: tc.takes, err: tc.fails}
				tc.job.Name, tc.job.Run = "j", d.run
				running(t, d, store, tc.opts, tc.job)
				pass(tc.pass)
				diff(t, "runs", d.lines(), tc.want)
			})
		})
	}
}

func TestPanicIsTheRunsErrorAndReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []any
		d := &diary{}
		store := &memory{runs: map[string]Run{}}
		opts := Options{OnPanic: func(job string, value any, stack []byte) {
			told = append(told, job, value, strings.Contains(string(stack), "scheduler_test.go"))
		}}
		explode := func(context.Context) error { panic("oops") }
		s := running(t, d, store, opts, Job{Name: "j", Spec: "@hourly", Run: explode})
		pass(150 * time.Minute)
		diff(t, "runs", d.lines(), []string{"01:00:00 schedule panic: oops", "02:00:00 schedule panic: oops"})
		diff(t, "told", told, []any{"j", "oops", true, "j", "oops", true})
		diff(t, "kept", store.runs["j"].Err, "panic: oops")
		diff(t, "status", s.Status()[0].Last.Err, "panic: oops")
	})
}

func TestTriggerRunsNowOrJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{takes: 10 * time.Minute}
		s := running(t, d, nil, Options{}, Job{Name: "j", Spec: "@hourly", Run: d.run})
		trigger := func() <-chan error {
			done, err := s.Trigger("j")
			if err != nil {
				t.Fatal(err)
			}
			return done
		}
		pass(30 * time.Minute)
		first, joined := trigger(), trigger()
		pass(5 * time.Minute)
		diff(t, "running since", s.Status()[0].RunningSince.Format("15:04"), "00:30")
		late := trigger()
		for _, done := range []<-chan error{first, joined, late} {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		diff(t, "ended at", time.Now().UTC().Format("15:04"), "00:40")
		pass(25 * time.Minute) // into the scheduled run
		<-trigger()
		pass(time.Minute)
		diff(t, "runs", d.lines(), []string{"00:30:00 demand", "01:00:00 schedule"})
		_, err := s.Trigger("nonsense")
		diff(t, "unknown", fmt.Sprint(errors.Is(err, ErrUnknownJob), " ", err), `true unknown job "nonsense"`)
	})
}

func TestScheduledTimeDuringADemandedRunIsNotMadeUpFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{takes: 20 * time.Minute}
		s := running(t, d, nil, Options{}, Job{Name: "j", Spec: "@hourly", Run: d.run})
		pass(50 * time.Minute)
		done, err := s.Trigger("j")
		if err != nil {
			t.Fatal(err)
		}
		<-done
		pass(100 * time.Minute)
		diff(t, "runs", d.lines(), []string{"00:50:00 demand", "02:00:00 schedule"})
	})
}

func TestStoreFailureIsReportedAndStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		d := &diary{}
		store := &memory{runs: map[string]Run{}, err: errors.New("disk full")}
		opts := Options{OnStoreError: func(job string, err error) { told = append(told, job+": "+err.Error()) }}
		running(t, d, store, opts, Job{Name: "j", Spec: "@hourly", CatchUp: true, Run: d.run})
		pass(90 * time.Minute)
		diff(t, "runs", d.lines(), []string{"01:00:00 schedule"})
		diff(t, "told", told, []string{"j: reading the last run: disk full", "j: keeping the last run: disk full"})
	})
}

func TestStopEndsRunsAndTheyAreCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &diary{takes: time.Hour}
		store := &memory{runs: map[string]Run{}}
		start := func() (*Scheduler, func() error) {
			s, err := New([]Job{{Name: "j", Spec: "@hourly", CatchUp: true, Run: d.run}}, store, Options{OnRun: d.note})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx) }()
			return s, func() error { cancel(); return <-ended }
		}
		_, stop := start()
		pass(150 * time.Minute) // a run from 01:00 to 02:00, the next cut short
		if err := stop(); err != nil {
			t.Error(err)
		}
		s, stop := start() // 02:30
		pass(45 * time.Minute)
		waiting, err := s.Trigger("j")
		if err != nil {
			t.Fatal(err)
		}
		if err := stop(); err != nil { // 03:15
			t.Error(err)
		}
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("the waiter got %v", err)
		}
		if _, err := s.Trigger("j"); !errors.Is(err, ErrStopped) {
			t.Errorf("Trigger after the stop: %v", err)
		}
		diff(t, "kept", store.runs["j"].Started.Format("15:04"), "01:00")
		_, stop = start()
		pass(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		diff(t, "runs", d.lines(), []string{
			"01:00:00 schedule", "02:00:00 schedule context canceled",
			"02:30:00 catch-up context canceled", "03:15:00 catch-up context canceled",
		})
	})
}

func TestStopIsBoundedWhenAJobDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := make(chan struct{})
		s, err := New([]Job{
			{Name: "deaf", Spec: "@hourly", Run: func(context.Context) error { <-deaf; return nil }},
			{Name: "idle", Spec: "@daily", Run: func(context.Context) error { return nil }},
		}, &memory{runs: map[string]Run{}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		start := time.Now()
		err = s.Run(ctx)
		diff(t, "error", err.Error(), "scheduler: still running 10s after its context ended: deaf")
		diff(t, "took", time.Since(start), 90*time.Minute+10*time.Second)
		close(deaf)
	})
}

func TestReloadChangesOnlyWhatChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, c := &diary{}, &diary{takes: 5 * time.Minute}, &diary{}
		job := func(name, spec string, d *diary) Job {
			return Job{Name: name, Spec: spec, Run: func(ctx context.Context) error {
				d.note(name, Run{Started: time.Now().UTC(), Trigger: "ran"}, nil)
				return d.run(ctx)
			}}
		}
		s := running(t, &diary{}, nil, Options{}, job("a", "@every 1h", a), job("b", "@every 1h", b))
		pass(62 * time.Minute)
		err := s.Reload([]Job{job("a", "@every 1h", a), job("b", "61 * * * *", b)})
		diff(t, "error", err.Error(),
			`job b: schedule "61 * * * *": end of range (61) above maximum (59): 61`)
		// b is taken away in the middle of its run and comes back; a stays; c is new.
		if err := s.Reload([]Job{job("a", "@every 1h", a), job("c", "@every 10m", c)}); err != nil {
			t.Fatal(err)
		}
		jobs := []Job{job("a", "@every 1h", a), job("b", "@every 1s", b), job("c", "30 * * * *", c)}
		if err := s.Reload(jobs); err != nil {
			t.Fatal(err)
		}
		pass(3*time.Minute + 500*time.Millisecond)
		diff(t, "b's runs do not overlap", b.lines(), []string{"01:00:00 ran"})
		pass(time.Second)
		diff(t, "b's runs", b.lines(), []string{"01:00:00 ran", "01:05:01 ran"})
		if err := s.Reload([]Job{job("a", "@every 1h", a), job("c", "30 * * * *", c)}); err != nil {
			t.Fatal(err)
		}
		pass(60 * time.Minute)
		diff(t, "a's runs", a.lines(), []string{"01:00:00 ran", "02:00:00 ran"})
		diff(t, "c's runs", c.lines(), []string{"01:30:00 ran"})
		names := []string{}
		for _, st := range s.Status() {
			names = append(names, st.Name+" "+st.Next.Format("15:04"))
		}
		diff(t, "status", names, []string{"a 03:00", "c 02:30"})
	})
}

func TestEveryJobThatCannotBeIsNamed(t *testing.T) {
	_, err := New([]Job{
		{Name: "inventory", Spec: "@every 6"},
		{Name: "drift", Spec: "* * *"},
		{Name: "drift", Spec: "@daily"},
		{Name: "retention", Spec: "@daily"},
		{Name: "retention", Spec: "@hourly"},
	}, &memory{}, Options{})
	diff(t, "error", err.Error(), strings.Join([]string{
		`job inventory: schedule "@every 6": @every needs a duration such as 6h or 15m: ` +
			`time: missing unit in duration "6"`,
		`job drift: schedule "* * *": expected exactly 5 fields, found 3: [* * *]`,
		`job retention: is named twice`,
	}, "\n"))
}

func TestTriggerBeforeRunIsRefused(t *testing.T) {
	s, err := New([]Job{{Name: "j", Spec: "@daily"}}, &memory{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Trigger("j"); !errors.Is(err, ErrStopped) {
		t.Errorf("error is %v", err)
	}
}
