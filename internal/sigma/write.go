package sigma

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Write writes the drafts of what was imported as a file of users' rules, all of them staged.
func Write(outcomes []Outcome) []byte {
	w := &writer{}
	w.line("# Sigma rules, imported by `rotd detections import sigma`. Each is its authors', who are to be named wherever")
	w.line("# it goes (SigmaHQ's rules: Detection Rule License 1.1). See docs/users-rules.md.")
	w.line("rules:")
	for i := range outcomes {
		if outcomes[i].Imported() {
			w.rule(&outcomes[i])
		}
	}
	return w.Bytes()
}

type writer struct{ bytes.Buffer }

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }

func (w *writer) rule(o *Outcome) {
	d, r := &o.Draft, o.Rule
	w.line("")
	w.origin("Sigma rule", r)
	for _, counted := range r.counted {
		w.origin("which counts what this matches: Sigma rule", counted)
	}
	for _, remark := range o.Remarks {
		w.comment(remark)
	}
	w.line("  - id: %s", d.ID)
	w.text("title", d.Title)
	w.line("    severity: %s", d.Severity)
	w.line("    status: staged")
	w.text("author", d.Author)
	w.line("    events:")
	for _, e := range d.Events {
		if len(e.Names) == 0 {
			w.line("      - {source: %s}", quoted(e.Source))
			continue
		}
		w.line("      - {source: %s, names: %s}", quoted(e.Source), flow(e.Names))
	}
	w.line("    when: |-")
	for part := range strings.SplitSeq(d.When, "\n") {
		w.line("      %s", part)
	}
	w.text("message", d.Message)
	w.line("    per_principal: true")
	if len(d.Mitre) > 0 {
		w.line("    mitre: [%s]", strings.Join(d.Mitre, ", "))
	}
	if len(d.Response) > 0 {
		w.line("    response:")
		for _, step := range d.Response {
			w.line("      - %s", quoted(step))
		}
	}
	w.text("false_positives", d.FalsePositives)
}

// origin says whose rule it is. The author stands here whole, however long the line.
func (w *writer) origin(said string, r *Rule) {
	for _, part := range []struct{ before, text string }{
		{" ", r.ID}, {" by ", r.Author}, {", ", r.Date}, {", ", r.Status}, {", license ", r.License},
	} {
		if part.text != "" {
			said += part.before + part.text
		}
	}
	w.comment(said)
}

func (w *writer) comment(text string) { w.line("  # %s", clean(text)) }

func (w *writer) text(key, text string) {
	if text != "" {
		w.line("    %s: %s", key, quoted(text))
	}
}

func flow(texts []string) string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = quoted(t)
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// quoted is a text as YAML, which escapes as Go does.
func quoted(text string) string { return strconv.Quote(text) }
