package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// runOf is a run of 100,000 messages.
func runOf(perSecond, cpuPer100k float64, anon int64) run {
	return run{
		Messages: 100_000, CPU: time.Duration(cpuPer100k * float64(time.Second)), Memory: memory{Anon: anon},
		Took: Took{Most: time.Duration(90_000 / perSecond * float64(time.Second))},
	}
}

func TestVerdicts(t *testing.T) {
	// Medians: raw 2.5 and CPU 1.25 of the bare loop's, though one round is far off.
	rounds := []round{
		{Raw: runOf(50_000, 1, 0), Bare: runOf(20_000, 4, 0), Rotd: runOf(18_000, 5, 50<<20)},
		{Raw: runOf(10_000, 1, 0), Bare: runOf(20_000, 4, 0), Rotd: runOf(2_000, 40, 60<<20)},
		{Raw: runOf(60_000, 1, 0), Bare: runOf(24_000, 4, 0), Rotd: runOf(24_000, 4, 40<<20)},
	}
	slow := runOf(30_000, 1, 0)
	for _, test := range []struct {
		name   string
		change func(*report)
		want   string
	}{
		{"all targets met", func(*report) {}, ""},
		{
			"rotd takes too much CPU time",
			func(r *report) { r.Rounds[0].Rotd.CPU *= 2 },
			"missed: intake: rotd's CPU time, of the bare loop's: 2.50 ×, wanted at most 1.50 ×",
		},
		{
			"a simulator that is too slow makes the run invalid",
			func(r *report) { r.Rounds[0].Raw, r.Rounds[2].Raw = slow, slow },
			"the run is invalid: the simulator is fast enough: raw client's msg/s, of the bare loop's: 1.25 ×, " +
				"wanted at least 2.00 ×",
		},
		{
			"a low rate is reported and no failure",
			func(r *report) { r.Rounds[0].Rotd.Took.Most *= 5 },
			"",
		},
		{
			"too much memory in one round, and while idle",
			func(r *report) { r.Rounds[1].Rotd.Memory.Anon, r.Idle.Anon = 100<<20, 40<<20 },
			"missed: memory: rotd's peak of RssAnon in the intake: 100 MiB, wanted under 100 MiB\n" +
				"missed: memory: rotd's RssAnon while idle: 40 MiB, wanted under 40 MiB",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &report{Rounds: append([]round(nil), rounds...), Idle: memory{Anon: 20 << 20}}
			test.change(r)
			r.judge()
			got := ""
			if err := r.verdict(); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got)\n%s", diff)
			}
		})
	}
}

func TestPercentilesAreOfWhatWasMeasured(t *testing.T) {
	r := &report{}
	for i := range 200 {
		r.Alerts = append(r.Alerts, time.Duration(i+1)*time.Millisecond)
	}
	for p, want := range map[int]time.Duration{
		50: 100 * time.Millisecond, 99: 198 * time.Millisecond, 100: 200 * time.Millisecond,
	} {
		if got := r.Percentile(p); got != want {
			t.Errorf("p%d is %v, want %v", p, got, want)
		}
	}
	r.Alerts = r.Alerts[:1]
	if got := r.Percentile(50); got != time.Millisecond {
		t.Errorf("p50 of one is %v", got)
	}
}
