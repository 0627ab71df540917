package report

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rotd/internal/finding"
)

// item is what a key is told to a findings tool: its standing in one check, or under one control.
type item struct {
	id        string // the same in every report, so that a later one takes an earlier one's place
	check     string // or control
	standard  string // "" without a framework
	title     string
	text      string // in full
	reason    string
	outcome   Outcome
	severity  finding.Severity
	remedy    []string
	since     time.Time
	exception *Exception
}

// items are a row's, without what is not judged.
func items(r *Row, shard string, f *Framework) []item {
	var all []item
	if f != nil {
		for i := range f.Controls {
			if c := &f.Controls[i]; c.Never == "" {
				all = appendItem(all, underControl(r, shard, f, c))
			}
		}
		return all
	}
	for i := range r.Checks {
		v := &r.Checks[i]
		it := item{
			id: shard + "/" + r.ARN + "/" + v.Check, check: v.Check, title: v.title, reason: v.Reason, outcome: v.Outcome,
			text: v.description,
		}
		it.take(r, v)
		all = appendItem(all, it)
	}
	return all
}

func appendItem(all []item, it item) []item {
	if it.outcome == NotJudged {
		return all
	}
	if it.text == "" {
		it.text = it.reason
	}
	return append(all, it)
}

func underControl(r *Row, shard string, f *Framework, c *Control) item {
	o, why := c.of(r)
	it := item{
		id: shard + "/" + r.ARN + "/" + f.ID + "/" + c.ID, check: c.ID, standard: f.Name + " " + f.Version, title: c.Title,
		reason: why, outcome: o, text: c.Asks + " " + r.Name() + ": " + why + ".", severity: finding.Medium,
	}
	if o == InOrder {
		it.severity = finding.Informational
	}
	for _, id := range c.Checks {
		if v, ok := r.verdict(id); ok && v.Outcome == o {
			it.take(r, v)
			break
		}
	}
	return it
}

// take adds what the verdict behind an item tells.
func (it *item) take(r *Row, v *Verdict) {
	if v.Severity != nil {
		it.severity = *v.Severity
	}
	it.remedy = v.remedy
	for i := range r.Findings {
		if r.Findings[i].Rule == v.Check {
			it.since = r.Findings[i].Since
		}
	}
	for i := range r.Excepted {
		if slices.Contains(r.Excepted[i].Checks, v.Check) {
			it.exception = &r.Excepted[i]
		}
	}
}

// clip cuts s to at most limit bytes between two characters, on one line, and never to nothing.
func clip(s string, limit int) string {
	s = oneLine(s)
	if s == "" {
		return "-"
	}
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func (it *item) remedyText() string {
	if len(it.remedy) == 0 {
		return "See `rotd keys show` and the rotation policy in rotd.yaml."
	}
	return strings.Join(it.remedy, " ")
}
