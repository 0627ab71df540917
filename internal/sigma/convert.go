package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rotd/internal/detection"
	"rotd/internal/userrules"
)

// Outcome is what became of a Sigma rule: Draft is a rule of rotd's if there are no Problems and nothing counts it.
type Outcome struct {
	Rule     *Rule
	Draft    userrules.Draft
	Remarks  []string   // what to know about the draft
	Problems []Problem  // why there is no draft
	wholes   []*Outcome // the correlations that count what the rule matches, and are to stand for it
}

// Imported reports whether there is a draft.
func (o *Outcome) Imported() bool { return len(o.Problems) == 0 && len(o.wholes) == 0 }

// Counted are the titles of the imported correlations that stand for the rule.
func (o *Outcome) Counted() (titles []string) {
	for _, whole := range o.wholes {
		if len(o.Problems) == 0 && whole.Imported() {
			titles = append(titles, whole.Rule.Title)
		}
	}
	return titles
}

// Refused is why there is neither a draft nor a correlation that stands for the rule; empty when there is one.
func (o *Outcome) Refused() []Problem {
	if len(o.Problems) > 0 || len(o.wholes) == 0 || len(o.Counted()) > 0 {
		return o.Problems
	}
	return []Problem{{Message: fmt.Sprintf("it is there to be counted by %q, which is not imported",
		o.wholes[0].Rule.Title)}}
}

// Convert turns rules into users' rules, in their order. Rules that name no event source are asked about those of the
// given sources.
func Convert(rules []*Rule, sources []string) []Outcome {
	outcomes := make([]Outcome, len(rules))
	wholes := map[*Rule][]*Outcome{}
	for i, r := range rules {
		outcomes[i].Rule = r
		for _, part := range r.parts(rules) {
			wholes[part] = append(wholes[part], &outcomes[i])
		}
		if r.correlation != nil && len(r.Problems) == 0 {
			r.resolve(rules)
		}
	}
	ids := map[string]bool{}
	for i, r := range rules {
		o := &outcomes[i]
		o.Remarks, o.Problems, o.wholes = r.remarks, r.Problems, wholes[r]
		if o.Imported() {
			o.convert(sources)
		}
		if o.Imported() {
			o.Draft.ID = idOf(r, ids)
		}
	}
	return outcomes
}

// convert fills the draft.
func (o *Outcome) convert(sources []string) {
	r := o.Rule
	all := scopes(r.when)
	events, narrowed := wanted(all, sources)
	switch {
	case len(all) == 0:
		o.fail("it can never match: what it asks of eventSource and eventName excludes itself")
		return
	case !narrowed:
		o.fail("it names no eventSource, so that rotd would have to look at every event of AWS: with --source it is " +
			"asked about those of a source")
		return
	}
	if slices.ContainsFunc(all, func(s scope) bool { return s.sources == nil }) {
		o.remark("it names no eventSource: it is asked about %s alone", strings.Join(sources, ", "))
	}
	if far := undelivered(events); len(far) > 0 {
		o.remark("rotd hears of %s only if its queue or trail brings them", strings.Join(far, ", "))
	}
	if r.Status == "deprecated" || r.Status == "unsupported" {
		o.remark("its authors call it %s", r.Status)
	}
	o.Draft = userrules.Draft{
		Title: line(r.Title), Severity: r.Severity, Events: events, When: laid(r.when, looseOr, 0), Message: r.message(),
		PerPrincipal: true, Mitre: r.Mitre, Response: r.response(), Author: line(r.Author),
		FalsePositives: line(strings.Join(r.FalsePositives, "; ")),
	}
}

func (o *Outcome) fail(message string) { o.Problems = append(o.Problems, Problem{Message: message}) }

func (o *Outcome) remark(format string, args ...any) {
	o.Remarks = append(o.Remarks, fmt.Sprintf(format, args...))
}

// undelivered are the sources of events that an intake as docs/permissions.md has it does not bring.
func undelivered(events []detection.Wanted) []string {
	var far []string
	for _, w := range events {
		if w.Source != "kms.amazonaws.com" && w.Source != "cloudtrail.amazonaws.com" {
			far = append(far, w.Source)
		}
	}
	return far
}

// message is what happened, and what Sigma's authors say of it.
func (r *Rule) message() string {
	said := "{{principal}} called {{event.eventName}} of {{event.eventSource}}"
	if c := r.correlation; c != nil {
		what := "times"
		if c.value.path != "" {
			what = "different " + literal(clean(c.value.name()))
		}
		said += fmt.Sprintf(", {{%s}} %s within %s", c.counting(), what, c.window)
	}
	said += "."
	if r.Description != "" {
		said += " " + literal(clean(r.Description))
	}
	return cut(said, userrules.MaxText)
}

// literal is a text in which no expression of a message begins: nobody else's text is one. A brace may have several
// behind it, so once over is not enough.
func literal(text string) string {
	for strings.Contains(text, "{{") {
		text = strings.ReplaceAll(text, "{{", "{ {")
	}
	return text
}

// response are the references: what there is to read about it.
func (r *Rule) response() []string {
	var lines []string
	for _, reference := range r.References {
		lines = append(lines, line("Read "+reference))
	}
	return lines
}

// Bounds of other texts of users' rules, in bytes.
const (
	maxLine = 512
	maxID   = 64
)

// line is a text as a line of a rule.
func line(text string) string { return cut(clean(text), maxLine) }

// clean is a text in one line that shows as what it is.
func clean(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c <= ' ' || c >= 0x7f && c <= 0x9f }), " ")
}

// cut is a text of at most so many bytes.
func cut(text string, most int) string {
	const dots = "…"
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(dots)], "") + dots
}

var notInIDs = regexp.MustCompile(`[^a-z0-9]+`)

// idOf is the rule's id, which no other has: its title in small letters.
func idOf(r *Rule, taken map[string]bool) string {
	slug := strings.Trim(notInIDs.ReplaceAllString(strings.ToLower(r.Title), "-"), "-")
	id := shortened("sigma-"+slug, maxID)
	for n := 2; taken[id]; n++ {
		suffix := fmt.Sprintf("-%d", n)
		id = shortened("sigma-"+slug, maxID-len(suffix)) + suffix
	}
	taken[id] = true
	return id
}

// shortened ends at the end of a word.
func shortened(id string, most int) string {
	if len(id) <= most {
		return strings.TrimRight(id, "-")
	}
	if i := strings.LastIndexByte(id[:most+1], '-'); i > len("sigma") {
		return id[:i]
	}
	return strings.TrimRight(id[:most], "-")
}
