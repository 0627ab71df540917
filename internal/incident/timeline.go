package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/usage"
)

// Sources of lines.
const (
	FromFinding = "finding"
	FromAudit   = "audit" // what people asked for and rotd did
	FromHistory = "history"
	FromUsage   = "usage"
	FromPeople  = "people"
)

// Line is one line of an incident's timeline.
type Line struct {
	At     time.Time `json:"at"`
	Source string    `json:"source"`
	Key    string    `json:"key,omitempty"` // ARN
	Who    string    `json:"who,omitempty"`
	Text   string    `json:"text"`
	Ref    string    `json:"ref,omitempty"` // the finding, action, audit entry or event it is taken from
}

// Order sorts lines by time, the oldest first, and leaves out what is not of the incident's time.
func Order(i *Incident, now time.Time, lines []Line) []Line {
	until := i.Until(now)
	lines = slices.DeleteFunc(lines, func(l Line) bool { return l.At.Before(i.Since) || l.At.After(until) })
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Source, b.Source))
	})
	return lines
}

// People are the lines of what people said of the incident itself.
func People(i *Incident) []Line {
	lines := []Line{{At: i.Opened.At, Source: FromPeople, Who: i.Opened.By, Text: "opened the incident: " + i.Reason}}
	for _, n := range i.Notes {
		lines = append(lines, Line{At: n.At, Source: FromPeople, Who: n.By, Text: n.Text})
	}
	if c := i.Closed; c != nil {
		lines = append(lines, Line{At: c.At, Source: FromPeople, Who: c.By, Text: "closed the incident: " + c.Reason})
	}
	return lines
}

// Finding are the lines of a finding: when it began, who answered for it, when it ended.
func Finding(f *finding.Finding) []Line {
	began := Line{
		At: f.FirstSeen, Source: FromFinding, Key: f.KeyARN, Who: f.PrincipalARN, Ref: f.ID,
		Text: fmt.Sprintf("%s: %s", f.Severity, f.Title),
	}
	if f.Count > 1 {
		began.Text += fmt.Sprintf(" (%d times until %s)", f.Count, f.LastSeen.UTC().Format(time.RFC3339))
	}
	if f.Expected {
		began.Text += " (expected: " + f.Why + ")"
	}
	lines := []Line{began}
	if f.ResolvedAt != nil {
		lines = append(lines, Line{
			At: *f.ResolvedAt, Source: FromFinding, Key: f.KeyARN, Ref: f.ID,
			Text: fmt.Sprintf("over: %s: %s", f.Title, f.ResolvedBy),
		})
	}
	return lines
}

// Entry is the line of an audit entry. What people said of the incident itself stands in it already.
func Entry(e *audit.Entry) (line Line, ok bool) {
	if strings.HasPrefix(string(e.Event), "incident.") {
		return line, false
	}
	line = Line{
		At: e.Time, Source: FromAudit, Key: e.Key, Who: e.Actor, Text: string(e.Event),
		Ref: cmp.Or(e.Action, e.Finding, e.Detail["job"], fmt.Sprint(e.Seq)),
	}
	for _, name := range []string{
		"operation", "answer", "guardrail", "guardrails", "location", "reason", "because", "state", "outcome",
	} {
		if text := e.Detail[name]; text != "" {
			line.Text += ", " + text
		}
	}
	for _, counted := range []string{"moved", "failed", "bytes"} {
		if n := e.Detail[counted]; n != "" {
			line.Text += ", " + n + " " + counted
		}
	}
	return line, true
}

// Usage are the lines of who used a key for the first time in the incident's time, and what that came to.
func Usage(i *Incident, key string, u *usage.Usage) []Line {
	var lines []Line
	for _, p := range u.Principals {
		if p.FirstUse.Before(i.Since) && !slices.Contains(i.Principals, p.ARN) {
			continue
		}
		at, text := p.FirstUse, "used the key for the first time that rotd knows of"
		if at.Before(i.Since) {
			at, text = i.Since, "used the key, as before"
		}
		text += fmt.Sprintf(", until %s (calls: %d)", p.LastUse.UTC().Format(time.RFC3339), p.Calls)
		if len(p.Operations) > 0 {
			text += ": " + strings.Join(p.Operations, ", ")
		}
		if len(p.Networks) > 0 {
			text += " from " + strings.Join(p.Networks, ", ")
		}
		lines = append(lines, Line{At: at, Source: FromUsage, Key: key, Who: p.ARN, Text: text})
	}
	return lines
}
