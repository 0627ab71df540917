// Package replay runs the rules over CloudTrail's log files from disk: no AWS, no daemon, no state. The archive's own
// time is the clock, so nothing in it is late; what is known of keys is what the archive itself told up to then. It
// acts on nothing, and sweeps and checks have no part in it: an archive shows events, not how keys stand.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"rotd/internal/detection"
	"rotd/internal/events/trail"
	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/suppression"
)

// Options say what to replay, and with which rules.
type Options struct {
	Paths    []string // files and folders
	Judge    *detection.Judge
	Policies policy.Set
	Trusted  []string // accounts that are no outsiders, besides those the archive is of
	Regions  []string // that are looked after; none: that is not known
	// Since and Until bound, by eventTime, what is told of: what is not within teaches what is usual and what is known of
	// keys. Zero: everything is.
	Since, Until time.Time
	Limits       trail.Limits
	// Suppressions hide what they match; nil: nothing. An archive's own time says whether one has expired.
	Suppressions *suppression.Set
	// Progress is told after each file; nil: nobody is.
	Progress func(path string, soFar Summary)
}

// Summary counts. Records = KMSRecords + OtherRecords + Ignored + Malformed; Duplicates, which were judged once, are
// counted within the first two.
type Summary struct {
	Files        int     `json:"files"`
	Records      int     `json:"records"`
	KMSRecords   int     `json:"kms_records"`
	OtherRecords int     `json:"other_records"` // other services' records that some rule wants
	Duplicates   int     `json:"duplicates"`
	Ignored      int     `json:"ignored"` // wanted by no rule
	Malformed    int     `json:"malformed"`
	Outside      int     `json:"outside,omitempty"` // before Since or not before Until, counted within those above
	Findings     int     `json:"findings"`
	Suppressed   int     `json:"suppressed,omitempty"` // occurrences of findings that a suppression hid
	Bytes        int64   `json:"bytes"`                // unzipped
	Seconds      float64 `json:"seconds"`
	// First and Last are the eventTimes of the first and last event that was judged and told of; zero when nothing was.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Problem is a file or a record that was not judged.
type Problem struct {
	Path   string
	Record int // position in the file from 1; 0: the file as a whole
	What   string
}

func (p Problem) String() string {
	if p.Record == 0 {
		return p.Path + ": " + p.What
	}
	return fmt.Sprintf("%s: record %d: %s", p.Path, p.Record, p.What)
}

// Bounds of what is kept in memory. A fingerprint of an event already seen takes about 40 bytes.
const (
	maxProblems = 100
	maxFindings = 100_000
)

// Result is what an archive showed.
type Result struct {
	Findings []finding.Finding // by first seen; without identity, status and episode, which only a daemon gives
	Summary  Summary
	Skipped  int       // files of digests, Insights and such, which hold no calls
	Problems []Problem // the first of them
	// Failed counts all problems; 0: everything was read and judged.
	Failed int
}

// Run reads everything under the paths. The error is ctx's; what is wrong with files and records is in the result.
func Run(ctx context.Context, o Options) (*Result, error) {
	began := time.Now()
	r := &run{
		o: o, found: make(map[string]*finding.Finding),
		stream: NewStream(o.Judge, &Known{Policies: o.Policies, Trusted: o.Trusted, Regions: o.Regions}),
	}
	for file, err := range trail.Files(o.Paths...) {
		switch {
		case err != nil:
			r.problem(Problem{Path: file.Path, What: wordsOf(err)})
		case file.Skipped != "":
			r.result.Skipped++
		default:
			r.file(ctx, file.Path)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if r.result.Summary.Files == 0 && r.result.Failed == 0 {
		r.problem(Problem{Path: strings.Join(o.Paths, ", "), What: "no log files there (.json, .jsonl, .gz)"})
	}
	r.finish()
	r.result.Summary.Seconds = time.Since(began).Seconds()
	return &r.result, nil
}

// run is one replay under way.
type run struct {
	o      Options
	stream *Stream
	found  map[string]*finding.Finding
	result Result
}

// file judges one log file's records.
func (r *run) file(ctx context.Context, path string) {
	s := &r.result.Summary
	number := 0
	stats, err := trail.ReadFile(ctx, path, r.o.Limits, func(raw []byte) error {
		number++
		r.record(path, number, raw)
		return nil
	})
	if stats.Digest {
		r.result.Skipped++
		return
	}
	s.Files++
	s.Bytes += stats.Bytes
	if err != nil && ctx.Err() == nil {
		r.problem(Problem{Path: path, What: wordsOf(err)})
	}
	if r.o.Progress != nil {
		r.o.Progress(path, *s)
	}
}

// record judges one record and counts it.
func (r *run) record(path string, number int, raw []byte) {
	s := &r.result.Summary
	s.Records++
	judged, err := r.stream.Judge(raw, false)
	switch judged.Kind {
	case Malformed:
		s.Malformed++
		r.problem(Problem{Path: path, Record: number, What: err.Error()})
	case Ignored:
		s.Ignored++
	case KMS:
		s.KMSRecords++
	case Other:
		s.OtherRecords++
	}
	if judged.Duplicate {
		s.Duplicates++
	}
	for _, p := range judged.Panics {
		r.problem(Problem{Path: path, Record: number, What: p.Error()})
	}
	if judged.Kind != KMS && judged.Kind != Other || !r.within(judged.Event.EventTime) {
		return
	}
	for i := range judged.Found {
		f := &judged.Found[i]
		if r.o.Suppressions.Match(f, judged.Event.EventTime) != nil {
			s.Suppressed++
			continue
		}
		prev := r.found[f.Fingerprint]
		if prev == nil && len(r.found) == maxFindings {
			r.problem(Problem{
				Path: path, Record: number,
				What: fmt.Sprintf("%s was found, and left out: there are %d findings", f.RuleID, maxFindings),
			})
			continue
		}
		next, _ := finding.Observe(prev, *f)
		r.found[f.Fingerprint] = &next
	}
}

// within counts an event's time, and reports whether it is told of.
func (r *run) within(at time.Time) bool {
	s := &r.result.Summary
	if at.Before(r.o.Since) || !r.o.Until.IsZero() && !at.Before(r.o.Until) {
		s.Outside++
		return false
	}
	if s.First.IsZero() || at.Before(s.First) {
		s.First = at
	}
	if at.After(s.Last) {
		s.Last = at
	}
	return true
}

func (r *run) problem(p Problem) {
	r.result.Failed++
	if len(r.result.Problems) < maxProblems {
		r.result.Problems = append(r.result.Problems, p)
	}
}

// finish puts the findings in order.
func (r *run) finish() {
	all := make([]finding.Finding, 0, len(r.found))
	for _, f := range r.found {
		f.Status, f.Episode = "", 0
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b finding.Finding) int {
		if c := a.FirstSeen.Compare(b.FirstSeen); c != 0 {
			return c
		}
		if c := strings.Compare(a.EventID, b.EventID); c != 0 {
			return c
		}
		return strings.Compare(a.Fingerprint, b.Fingerprint)
	})
	r.result.Findings = all
	r.result.Summary.Findings = len(all)
}

// wordsOf says what is wrong with a file whose path is said beside it.
func wordsOf(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return "cannot be read: " + at.Err.Error()
	}
	return err.Error()
}
