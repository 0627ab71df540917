package report

import (
	"bufio"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// textWriter writes the summary alone, for a terminal.
type textWriter struct{ out *bufio.Writer }

func (w *textWriter) begin(h *Head) error {
	w.linef("Key rotation report of %s, shard %s, by rotd %s.", stamp(h.Generated), h.Shard, h.Version)
	if s := scope(h); s != "" {
		w.linef("%s", s)
	}
	return nil
}

// linef writes a line; an error stays in out and is returned when it is flushed.
func (w *textWriter) linef(format string, args ...any) {
	_, _ = w.out.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// scope says what the report is about when it is not everything.
func scope(h *Head) string {
	var of []string
	if h.Policy != "" {
		of = append(of, "policy "+h.Policy)
	}
	if h.Account != "" {
		of = append(of, "account "+h.Account)
	}
	if len(of) == 0 {
		return ""
	}
	return "Only keys of " + strings.Join(of, " in ") + "."
}

func (w *textWriter) summary(b *body) error {
	w.heading("Could not be verified")
	for _, line := range b.Unverified {
		w.linef("  %s", oneLine(line))
	}
	if len(b.Unverified) == 0 {
		w.linef("  Nothing is left open: every configured account and Region was read whole and lately.")
	}
	w.heading("Coverage")
	for i := range b.Places {
		p := &b.Places[i]
		w.linef("  %-28s %11s, %d unread, %d in part denied, whole at %s", p.name(), keys(p.Keys), p.Unread, p.Denied,
			stampOr(p.LastComplete))
	}
	if b.Framework != nil {
		w.heading(b.Framework.Name + " " + b.Framework.Version)
		for i := range b.Controls {
			a := &b.Controls[i]
			w.linef("  %-10s %-20s %s", a.ID, a.Answer.Words(), a.Title)
			w.linef("  %-10s %s", "", a.Why)
			w.failing(a)
		}
	}
	for _, g := range []struct {
		title string
		of    []Group
		none  string
	}{
		{"By policy", b.Summary.ByPolicy, "(no policy)"},
		{"By account", b.Summary.ByAccount, "(none)"},
		{"By owner", b.Summary.ByOwner, "(no owner)"},
	} {
		w.groups(g.title, g.of, g.none, b.Summary)
	}
	c := &b.Summary.Cost
	w.heading("Cost a month")
	w.linef("  %s %s: keys %s, rotations %s. Free: %s.", c.Total, c.Currency, c.Keys, c.Rotations, keys(c.Free))
	if c.AtLeast > 0 {
		w.linef("  At least: the rotations of %s are not known.", keys(c.AtLeast))
	}
	return nil
}

// failing names the first keys that make the answer what it is.
func (w *textWriter) failing(a *Answered) {
	const most = 3
	of := []Outcome{Excepted}
	switch a.Answer {
	case NotMet:
		of = []Outcome{Drift, NoPolicy}
	case NotVerifiable:
		of = []Outcome{Unverifiable}
	case Met, MetWithExceptions, NotApplicable:
	}
	named, more := 0, 0
	for i := range a.Failing {
		f := &a.Failing[i]
		switch {
		case !slices.Contains(of, f.Outcome):
			continue
		case named == most:
			more++
			continue
		}
		named++
		w.linef("  %-10s   %s: %s", "", oneLine(cmp.Or(f.Alias, f.ARN)), oneLine(f.Reason))
	}
	switch {
	case a.More > 0:
		w.linef("  %-10s   and more: see --format html or csv", "")
	case more > 0:
		w.linef("  %-10s   and %s more: see --format html or csv", "", keys(more))
	}
}

func (w *textWriter) heading(text string) { w.linef("\n%s", text) }

func (w *textWriter) groups(title string, groups []Group, none string, s *Summary) {
	total := &s.Total
	const row = "  %-24s %8v %8v %8v %8v %9v %8v %8v %10v"
	w.linef("\n"+row, title, "keys", "in order", "not", "excepted", "unverif.", "no pol.", "n/judged", "cost")
	for i := range groups {
		g := &groups[i]
		name := oneLine(g.Title(none))
		if r := []rune(name); len(r) > 24 {
			name = string(r[:23]) + "…"
		}
		w.linef(row, name, g.Keys, g.InOrder, g.Drift, g.Excepted, g.Unverifiable, g.NoPolicy, g.NotJudged, g.Cost)
	}
	if len(groups) != 1 {
		w.linef(row, "total", total.Keys, total.InOrder, total.Drift, total.Excepted, total.Unverifiable, total.NoPolicy,
			total.NotJudged, s.Cost.Total)
	}
}

// Title is what a group is called.
func (g Group) Title(none string) string {
	switch {
	case g.Rest:
		return "others"
	case g.AWS:
		return "(managed by AWS)"
	case g.Name == "":
		return none
	}
	return g.Name
}

func (w *textWriter) row(*Row) error { return nil }

func (w *textWriter) end(*ending) error { return nil }
