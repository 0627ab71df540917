// Package report tells auditors and owners how the keys stand: what the report covers and what could not be verified
// first, then compliance by policy, account and owner, then each key with its evidence, then exceptions and method. It
// writes HTML, CSV, JSON, a text for the terminal, and findings in ASFF and OCSF.
//
// It is pure: rows come one by one from whoever knows the keys and go out as they come; only small sums are kept. What
// needs the sums first has the keys go by twice. Nothing is called in order of which the facts are denied, unread or
// old.
package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/suggest"
)

// Schema of the JSON.
const Schema = "rotd.report/1"

// Formats are the words that `--format` takes.
func Formats() []string { return []string{"html", "csv", "json", "ocsf", "asff", "text"} }

// Extension is what files of a format are called.
func Extension(format string) string {
	switch format {
	case "ocsf":
		return "ocsf.jsonl"
	case "asff":
		return "asff.json"
	case "text":
		return "txt"
	}
	return format
}

// MediaType is a format's for HTTP.
func MediaType(format string) string {
	switch format {
	case "html":
		return "text/html; charset=utf-8"
	case "csv":
		return "text/csv; charset=utf-8"
	case "json", "asff":
		return "application/json"
	case "ocsf":
		return "application/jsonl"
	}
	return "text/plain; charset=utf-8"
}

// DefaultFresh is how old facts may be that are called in order.
const DefaultFresh = 48 * time.Hour

// Query says which report is wanted.
type Query struct {
	Format    string
	Framework string // "": none
	Policy    string // only its keys; "": all
	Account   string
	Fresh     time.Duration // 0: DefaultFresh
}

// Check says what is wrong with a query's words.
func (q *Query) Check() error {
	if !slices.Contains(Formats(), q.Format) {
		return fmt.Errorf("format: %q is none of %s%s", q.Format, strings.Join(Formats(), ", "),
			suggest.DidYouMean(q.Format, Formats()))
	}
	if q.Framework != "" && FrameworkNamed(q.Framework) == nil {
		return fmt.Errorf("framework: %q is none of %s%s", q.Framework, strings.Join(FrameworkIDs(), ", "),
			suggest.DidYouMean(q.Framework, FrameworkIDs()))
	}
	if q.Fresh < 0 {
		return fmt.Errorf("fresh: %s is negative", q.Fresh)
	}
	return nil
}

// Head is what a report is about. Its JSON is `report`.
type Head struct {
	Generated time.Time `json:"generated"`
	Version   string    `json:"rotd_version"`
	Shard     string    `json:"shard"`
	Framework string    `json:"framework,omitempty"`
	Policy    string    `json:"policy,omitempty"` // the report is about its keys only
	Account   string    `json:"account,omitempty"`
	Fresh     string    `json:"facts_fresh_for"`
	// Audit is where the audit log ended, so that whoever keeps the report sees whether its end was cut off later.
	Audit audit.Head `json:"audit"`
}

// Source is what a report is made from.
type Source struct {
	Version    string
	Shard      string
	Audit      audit.Head
	Places     []Place
	Exceptions []Exception // of the configuration
	Judging    Judging
	// Each hands over every key, page by page; whole also asks for open findings and events. It is called at most twice,
	// and calls fn for keys that are gone too.
	Each func(whole bool, fn func(*Facts) error) error
}

// writer is one format. Each of its methods is called in this order, row for every key.
type writer interface {
	begin(h *Head) error
	summary(b *body) error
	row(r *Row) error
	end(e *ending) error
}

// body is what is known when all keys have gone by once.
type body struct {
	Head       *Head
	Framework  *Framework
	Unverified []string
	Places     []Place
	Summary    *Summary
	Controls   []Answered
}

// ending closes a report.
type ending struct {
	Keys    int // rows written
	Counted int // keys that the summary counted; -1: there is none
}

// Write writes a report. The beginning goes out before the first key is read.
func Write(to io.Writer, q Query, s Source) error {
	if err := q.Check(); err != nil {
		return err
	}
	if q.Fresh == 0 {
		q.Fresh = DefaultFresh
	}
	s.Judging.Fresh = q.Fresh
	out := bufio.NewWriterSize(to, 32<<10)
	r := &run{q: q, s: &s, framework: FrameworkNamed(q.Framework)}
	r.head = Head{
		Generated: s.Judging.Now.UTC().Truncate(time.Second), Version: s.Version, Shard: s.Shard, Framework: q.Framework,
		Policy: q.Policy, Account: q.Account, Fresh: span(q.Fresh), Audit: s.Audit,
	}
	r.places()
	w := r.writer(out)
	err := w.begin(&r.head)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = r.all(w)
	}
	return errors.Join(err, out.Flush())
}

// run is one report being written.
type run struct {
	q         Query
	s         *Source
	framework *Framework
	head      Head
	open      int // places with a gap
}

func (r *run) writer(out *bufio.Writer) writer {
	switch r.q.Format {
	case "html":
		return newHTML(out, r.framework)
	case "csv":
		return newCSV(out, r.framework)
	case "ocsf":
		return newOCSF(out, r)
	case "asff":
		return newASFF(out, r)
	case "text":
		return &textWriter{out: out}
	}
	return newJSON(out)
}

// places keeps those the report is about.
func (r *run) places() {
	r.s.Places = slices.DeleteFunc(slices.Clone(r.s.Places), func(p Place) bool {
		return r.q.Account != "" && p.Account != r.q.Account
	})
	r.open = gaps(r.s.Places, r.s.Judging.Now, r.q.Fresh)
	if len(r.s.Places) == 0 {
		r.open++
	}
}

func (r *run) all(w writer) error {
	end := ending{Counted: -1}
	if r.sums() {
		b, err := r.count()
		if err != nil {
			return err
		}
		end.Counted = b.Summary.Total.Keys
		if err := w.summary(b); err != nil {
			return err
		}
	}
	if r.q.Format != "text" {
		err := r.each(true, func(row *Row) error {
			end.Keys++
			return w.row(row)
		}, nil)
		if err != nil {
			return err
		}
	}
	return w.end(&end)
}

// sums reports whether the format has a summary.
func (r *run) sums() bool { return slices.Contains([]string{"html", "json", "text"}, r.q.Format) }

// count lets the keys go by for the summary.
func (r *run) count() (*body, error) {
	t := newTally(&r.s.Judging, r.framework)
	gone := 0
	err := r.each(false, func(row *Row) error {
		t.add(row)
		return nil
	}, func() { gone++ })
	if err != nil {
		return nil, err
	}
	b := &body{Head: &r.head, Framework: r.framework, Places: r.s.Places, Summary: t.done(gone, r.s.Exceptions)}
	b.Unverified = unverified(r.s.Places, b.Summary)
	for _, a := range t.controls {
		b.Controls = append(b.Controls, a.done(r.open))
	}
	return b, nil
}

// each judges every key that the report is about.
func (r *run) each(whole bool, fn func(*Row) error, gone func()) error {
	return r.s.Each(whole, func(f *Facts) error {
		switch {
		case r.q.Account != "" && f.Context.Key.Account != r.q.Account:
			return nil
		case f.Context.Key.GoneAt != nil:
			if gone != nil {
				gone()
			}
			return nil
		}
		if p := f.Context.Policy; r.q.Policy != "" && (p == nil || p.Name != r.q.Policy) {
			return nil
		}
		row := r.s.Judging.row(f)
		return fn(&row)
	})
}
