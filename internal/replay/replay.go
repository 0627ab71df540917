// Package replay runs the rules over CloudTrail's log files from disk or S3: no daemon, no state. The archive's own
// time is the clock, so nothing in it is late; what is known of keys is what the archive itself told up to then. It
// acts on nothing, and sweeps and checks have no part in it: an archive shows events, not how keys stand.
package replay

import (
	"context"
	"fmt"
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
	Paths    []string    // files, folders and s3://bucket/prefix
	Store    trail.Store // for paths in S3; nil: there are none
	Judge    *detection.Judge
	Policies policy.Set
	Trusted  []string // accounts that are no outsiders, besides those the archive is of
	Regions  []string // that are looked after; none: that is not known
	// Since and Until bound, by eventTime, what is told of: what is not within teaches what is usual and what is known of
	// keys. Zero: everything is.
	Since, Until time.Time
	// Now is when lessons are read: nothing is learnt of what is said to happen later. Zero: that is not known.
	Now time.Time
	// Lead is for how long before Since what was delivered is read, to teach; negative: everything is.
	Lead time.Duration
	// Validation is given the digests and the hashes of the log files; nil: nothing is validated.
	Validation *trail.Validation
	Limits     trail.Limits
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
	Stored       int64   `json:"-"`                    // bytes as stored, of files read or given up
	Seconds      float64 `json:"seconds"`
	Staged       []Count `json:"staged,omitempty"` // what staged rules would have found, the noisiest first
	// First and Last are the eventTimes of the first and last event that was judged and told of; zero when nothing was.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
}

// Problem is a file or a record that was not judged.
type Problem struct {
	Path   string
	Record int // position in the file from 1; 0: the file as a whole
	More   int // files after it of which the same is true
	What   string
}

func (p Problem) String() string {
	switch {
	case p.More > 0:
		return fmt.Sprintf("%s and %d more: %s", p.Path, p.More, p.What)
	case p.Record == 0:
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
	Read
	Findings []finding.Finding // by first seen; without identity, status and episode, which only a daemon gives
}

// Run reads everything under the paths. The error is ctx's; what is wrong with files and records is in the result.
func Run(ctx context.Context, o Options) (*Result, error) {
	began := time.Now()
	r := &run{
		reading: reading{o: &o, archive: o.Archive()},
		found:   make(map[string]*finding.Finding), staged: make(map[string]*finding.Finding),
		stream: NewStream(o.Judge, &Known{Policies: o.Policies, Trusted: o.Trusted, Regions: o.Regions}),
	}
	r.record = r.judge
	if err := r.all(ctx); err != nil {
		return nil, err
	}
	result := &Result{Read: r.read, Findings: r.findings()}
	result.Summary.Findings = len(result.Findings)
	if len(r.staged) > 0 {
		var staged []finding.Finding
		for _, f := range r.staged {
			staged = append(staged, *f)
		}
		result.Summary.Staged = counts(staged, func(f *finding.Finding) string { return f.RuleID })
	}
	result.Summary.Seconds = time.Since(began).Seconds()
	return result, nil
}

// run is one replay under way.
type run struct {
	reading
	stream *Stream
	found  map[string]*finding.Finding
	staged map[string]*finding.Finding // what staged rules would have found
}

// judge judges one record and counts it.
func (r *run) judge(path string, number int, raw []byte) {
	s := &r.read.Summary
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
	r.observe(r.found, judged.Found, judged.Event.EventTime, path, number)
	r.observe(r.staged, judged.Staged, judged.Event.EventTime, path, number)
}

// observe adds what was found in a record of that time, but for what a suppression hides.
func (r *run) observe(all map[string]*finding.Finding, found []finding.Finding, at time.Time, path string, number int) {
	for i := range found {
		f := &found[i]
		if r.o.Suppressions.Match(f, at) != nil {
			r.read.Summary.Suppressed++
			continue
		}
		prev := all[f.Fingerprint]
		if prev == nil && len(all) == maxFindings {
			r.problem(Problem{
				Path: path, Record: number,
				What: fmt.Sprintf("%s was found, and left out: there are %d findings", f.RuleID, maxFindings),
			})
			continue
		}
		next, _ := finding.Observe(prev, *f)
		all[f.Fingerprint] = &next
	}
}

// within counts an event's time, and reports whether it is told of.
func (r *run) within(at time.Time) bool {
	s := &r.read.Summary
	if r.o.outside(at) {
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

// findings are those found, in order.
func (r *run) findings() []finding.Finding {
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
	return all
}
