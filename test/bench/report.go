package main

import (
	"bytes"
	_ "embed" // the report's text
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"text/template"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

//go:embed report.md.tmpl
var reportTemplate string

// report is everything that was measured.
type report struct {
	Options options         `json:"options"`
	Machine machine         `json:"machine"`
	Rounds  []round         `json:"rounds"`
	Idle    memory          `json:"idle"`
	Alerts  []time.Duration `json:"alerts"` // ascending
	Sweep   *sweeping       `json:"sweep,omitempty"`
	// Reencrypt is what moving a manifest took; nil: it was not asked for.
	Reencrypt *reencrypting `json:"reencrypt,omitempty"`
	// Life is what starts, stops and a restoration took; nil: it was not asked for.
	Life    *living  `json:"life,omitempty"`
	Targets []target `json:"targets"` // filled in by judge
}

// target is one thing that was wanted and what became of it.
type target struct {
	What     string `json:"what"`
	Measured string `json:"measured"`
	Wanted   string `json:"wanted"`
	Verdict  string `json:"verdict"` // PASS, FAIL, INVALID or reported
}

const (
	mostCPU      = 1.5 // times the bare loop's CPU time
	aimRate      = 0.7 // times the bare loop's rate; an aim, not a target
	leastRaw     = 2.0 // times the bare loop's rate, or the simulator is what is measured
	mostInIntake = 100 << 20
	mostIdle     = 40 << 20
	leastShare   = 0.9 // of the configured share of the quota that a sweep reaches
	mostInSweep  = 300 << 20
	mostAgain    = 0.1 // of the first sweep's calls that the second makes
	leastRate    = 0.9 // of the configured rate of re-encryptions
	mostInMove   = 100 << 20

	// fewKeysSwept are too few to say how near a sweep comes to its share: what it begins and ends with weighs too much.
	fewKeysSwept = 20_000
	fewBlobs     = 20_000 // likewise

	mostToReady     = 300 * time.Millisecond // on a new state
	mostToReadyFull = 3 * time.Second        // with a large one
	mostToStop      = 5 * time.Second
	mostToRestore   = time.Minute
)

// judge compares what was measured with what was wanted.
func (r *report) judge() {
	if r.Options.Only == "" {
		r.judgeIntake()
	}
	if r.Sweep != nil {
		r.judgeSweep()
	}
	if r.Reencrypt != nil {
		r.judgeReencrypt()
	}
	if r.Life != nil {
		r.judgeLife()
	}
}

// add adds a target; otherwise is its verdict when it is not met.
func (r *report) add(what, measured, wanted, otherwise string, met bool) {
	verdict := "PASS"
	if !met {
		verdict = otherwise
	}
	r.Targets = append(r.Targets, target{what, measured, wanted, verdict})
}

func (r *report) judgeSweep() {
	s, otherwise := r.Sweep, "FAIL"
	if s.Keys < fewKeysSwept {
		otherwise = "reported"
	}
	r.add("sweep: of the configured share of GetKeyRotationStatus, reached", percent(s.reached()),
		"at least "+percent(leastShare), otherwise, s.reached() >= leastShare)
	r.add("sweep: calls that AWS would have throttled", strconv.Itoa(s.Throttled), "none", "FAIL", s.Throttled == 0)
	r.add("sweep: rotd's peak of RssAnon", mib(s.Memory.Anon), "under "+mib(mostInSweep), "FAIL",
		s.Memory.Anon < mostInSweep)
	r.add("sweep: calls of a second one, 1 % of the keys changed, of the first one's", percent(s.again()),
		"at most "+percent(mostAgain), otherwise, s.again() <= mostAgain)
}

func (r *report) judgeReencrypt() {
	m, otherwise := r.Reencrypt, "FAIL"
	if m.Blobs < fewBlobs {
		otherwise = "reported"
	}
	r.add("reencrypt: of the configured rate, reached", percent(m.reached()), "at least "+percent(leastRate), otherwise,
		m.reached() >= leastRate)
	r.add("reencrypt: calls that AWS would have throttled", strconv.Itoa(m.Throttled), "none", "FAIL", m.Throttled == 0)
	r.add("reencrypt: the daemon's peak of RssAnon", mib(m.Daemon.Anon), "under "+mib(mostInMove), "FAIL",
		m.Daemon.Anon < mostInMove)
	r.add("reencrypt: the command's peak of RssAnon", mib(m.Command.Anon), "under "+mib(mostInMove), "FAIL",
		m.Command.Anon < mostInMove)
}

func (r *report) judgeLife() {
	l := r.Life
	for _, t := range []struct {
		what string
		took time.Duration
		most time.Duration
	}{
		{"start to ready on a new state", slowest(l.Empty), mostToReady},
		{fmt.Sprintf("start to ready with %d keys", l.Keys), slowest(l.Full), mostToReadyFull},
		{"SIGTERM to the end under load", slowest(l.Stops), mostToStop},
		{"restoring a state of " + mib(l.RestoreBytes), l.Restored, mostToRestore},
	} {
		r.add(t.what, ms(t.took), "under "+ms(t.most), "FAIL", t.took < t.most)
	}
	r.add("messages lost by stops under load", strconv.Itoa(l.Lost), "none", "FAIL", l.Lost == 0)
}

func (r *report) judgeIntake() {
	add := r.add
	raw, cpu := r.median(round.rawRatio), r.median(round.cpuRatio)
	rate := r.median(round.rateRatio)
	add("the simulator is fast enough: raw client's msg/s, of the bare loop's", times(raw),
		"at least "+times(leastRaw), "INVALID", raw >= leastRaw)
	add("intake: rotd's CPU time, of the bare loop's", times(cpu), "at most "+times(mostCPU), "FAIL", cpu <= mostCPU)
	add("intake: rotd's msg/s, of the bare loop's", times(rate), "aim "+times(aimRate), "reported", rate >= aimRate)
	peak := r.Peak().Anon
	add("memory: rotd's peak of RssAnon in the intake", mib(peak), "under "+mib(mostInIntake), "FAIL", peak < mostInIntake)
	add("memory: rotd's RssAnon while idle", mib(r.Idle.Anon), "under "+mib(mostIdle), "FAIL", r.Idle.Anon < mostIdle)
}

// verdict is nil when every target was met.
func (r *report) verdict() error {
	var errs []error
	for _, t := range r.Targets {
		switch t.Verdict {
		case "INVALID":
			errs = append(errs, fmt.Errorf("the run is invalid: %s: %s, wanted %s", t.What, t.Measured, t.Wanted))
		case "FAIL":
			errs = append(errs, fmt.Errorf("missed: %s: %s, wanted %s", t.What, t.Measured, t.Wanted))
		}
	}
	return errors.Join(errs...)
}

// median is the median over the rounds.
func (r *report) median(of func(round) float64) float64 {
	values := make([]float64, len(r.Rounds))
	for i := range values {
		values[i] = of(r.Rounds[i])
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// Peak is the most memory that rotd held in any round.
func (r *report) Peak() (m memory) {
	for i := range r.Rounds {
		m = m.most(r.Rounds[i].Rotd.Memory)
	}
	return m
}

// PerSecond is the rate of the first sweep, in keys.
func (s *sweeping) PerSecond() float64 { return s.perSecond() }

// OfPython is the sweep's rate, of the boto3 loop's.
func (s *sweeping) OfPython() float64 { return s.perSecond() / s.Python }

// StatePerKey is the size of the state for each key, in bytes.
func (s *sweeping) StatePerKey() int64 { return s.StateBytes / int64(s.Keys) }

// WrittenKiB is what a message that comes alone has written to the disk.
func (l *living) WrittenKiB() float64 { return float64(l.Written) / (1 << 10) }

// CPUms is the CPU time of a message that comes alone, in milliseconds.
func (l *living) CPUms() float64 { return float64(l.CPU) / float64(time.Millisecond) }

// Percentile is the time within which p % of the alerts came.
func (r *report) Percentile(p int) time.Duration {
	rank := (len(r.Alerts)*p + 99) / 100
	return r.Alerts[max(0, rank-1)]
}

func times(v float64) string   { return fmt.Sprintf("%.2f ×", v) }
func percent(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) }
func mib(n int64) string       { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

func ms(d time.Duration) string {
	if d >= time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// markdown renders the report for people.
func (r *report) markdown() ([]byte, error) {
	t, err := template.New("report").Funcs(template.FuncMap{
		"mib": mib,
		"inc": func(i int) int { return i + 1 },
		"ms":  ms,
		"all": func(all []time.Duration) string {
			return ms(all[0]) + " | " + ms(all[len(all)/2]) + " | " + ms(slowest(all))
		},
		"row": func(r run) string {
			return fmt.Sprintf("%.0f | %.2f | %.2f", r.perSecond(), r.Took.Most.Seconds(), r.cpuPer100k())
		},
		"percent": percent,
		"sorted":  func(calls map[string]int) []string { return slices.Sorted(maps.Keys(calls)) },
		"ratios": func(r round) string {
			return fmt.Sprintf("%.2f | %.2f | %.2f", r.rawRatio(), r.cpuRatio(), r.rateRatio())
		},
	}).Parse(reportTemplate)
	if err != nil {
		return nil, fmt.Errorf("the report's template: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, r); err != nil {
		return nil, fmt.Errorf("render the report: %w", err)
	}
	return out.Bytes(), nil
}

// json renders the report for programs. Durations are in nanoseconds, memory is in bytes.
func (r *report) json() ([]byte, error) {
	text, err := json.Marshal(r, jsontext.WithIndent("  "), jsonv1.FormatDurationAsNano(true))
	if err != nil {
		return nil, fmt.Errorf("render the report: %w", err)
	}
	return append(text, '\n'), nil
}
