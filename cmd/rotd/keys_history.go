package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/history"
)

// historyFlags are those of `keys show` that look back.
type historyFlags struct {
	listFlags
	history            bool
	since, until, asOf string
}

func (f *historyFlags) add(cmd *cobra.Command) {
	f.listFlags.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.history, "history", false, "the key's timeline instead, newest first: changes with who made them, "+
		"rotations, alias moves")
	flags.StringVar(&f.since, "since", "", "with --history: since this time, or so long ago (24h, 90d)")
	flags.StringVar(&f.until, "until", "", "with --history: until this time, or so long ago")
	flags.StringVar(&f.asOf, "as-of", "", "the key as rotd knew it at this time (2026-03-14: its first moment, UTC), "+
		"or so long ago")
}

// check refuses flags that do not go together.
func (f *historyFlags) check() error {
	if f.history && f.asOf != "" {
		return wrongUse(f.cmd, "--history and --as-of: choose one")
	}
	if f.history {
		return nil
	}
	for _, name := range []string{"since", "until", "limit", "after"} {
		if f.cmd.Flags().Changed(name) {
			return wrongUse(f.cmd, "--%s is for --history", name)
		}
	}
	return nil
}

// instant reads the time that a flag gives.
func (f *historyFlags) instant(now time.Time, flag, value string) (time.Time, error) {
	at, err := parseSince(now, value)
	if err != nil {
		return at, wrongUse(f.cmd, "--%s: %v", flag, err)
	}
	return at, nil
}

// showHistory prints a key's timeline.
func (c *cli) showHistory(ctx context.Context, client *admin.Client, key string, f *historyFlags) (err error) {
	q := admin.HistoryQuery{Key: key}
	if q.Since, err = f.instant(c.now(), "since", f.since); err != nil {
		return err
	}
	if q.Until, err = f.instant(c.now(), "until", f.until); err != nil {
		return err
	}
	l := historyListing()
	begun := false
	l.print = func(lines []history.Line) { // page by page
		if !begun {
			fmt.Fprintf(c.out, "%s\nHistory, newest first, in UTC\n", c.styled(bold, clean(key)))
		}
		begun = true
		c.printTimeline(lines)
	}
	return list(c, l, f.listFlags, func(r admin.Range) (*admin.Page[history.Line], error) {
		q.Range = r
		return client.History(ctx, q)
	})
}

// historyListing is how timelines are written for programs.
func historyListing() listing[history.Line] {
	type line = history.Line
	timeOf := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	of := func(field func(*history.Evidence) string) func(line) string {
		return func(l line) string {
			var all []string
			for i := range l.Evidence {
				all = append(all, field(&l.Evidence[i]))
			}
			return strings.Join(all, " ")
		}
	}
	return listing[line]{
		schema: admin.SchemaHistory, kind: "history", none: "Nothing in that time.",
		columns: []column[line]{
			{name: "at", value: func(l line) string { return timeOf(l.At) }},
			{name: "kind", value: func(l line) string { return string(l.Kind) }},
			{name: "source", value: func(l line) string { return l.Source }},
			{name: "text", value: func(l line) string { return l.Text }},
			{name: "not_before", value: func(l line) string { return timeOf(l.NotBefore) }},
			{name: "seen_at", value: func(l line) string { return timeOf(l.SeenAt) }},
			{name: "before", value: func(l line) string { return string(l.Before) }},
			{name: "after", value: func(l line) string { return string(l.After) }},
			{name: "operations", value: of(func(e *history.Evidence) string { return e.Operation })},
			{name: "principals", value: of(func(e *history.Evidence) string { return e.Principal })},
			{name: "event_ids", value: of(func(e *history.Evidence) string { return e.EventID })},
			{name: "action_ids", value: of(func(e *history.Evidence) string { return e.ActionID })},
		},
	}
}

// printTimeline prints what happened; what happened in one moment by the same call is told together.
func (c *cli) printTimeline(lines []history.Line) {
	for i := range lines {
		l := &lines[i]
		when := ""
		if i == 0 || !l.At.Equal(lines[i-1].At) {
			when = stamp(l.At)
		}
		again := when == "" && slices.Equal(l.Evidence, lines[i-1].Evidence)
		if !again {
			fmt.Fprintln(c.out)
		}
		c.entry(when, lineStyle(l), l.Text)
		for _, diff := range l.Difference {
			text := cut(clean(diff), c.columns()-len(undated))
			fmt.Fprintln(c.out, strings.TrimRight(undated+c.styled(diffStyle(diff), text), " "))
		}
		if i+1 < len(lines) && lines[i+1].At.Equal(l.At) && slices.Equal(l.Evidence, lines[i+1].Evidence) {
			continue
		}
		for _, text := range explained(l) {
			c.entry("", dim, text)
		}
	}
}

// undated is as wide as a time and the space after it.
var undated = strings.Repeat(" ", len("2006-01-02 15:04:05Z")+2)

// entry prints text behind a time, wrapped under itself.
func (c *cli) entry(when string, s style, text string) {
	for i, part := range wrap(text, c.columns()-len(undated)) {
		if i > 0 {
			when = ""
		}
		fmt.Fprintf(c.out, "%-*s%s\n", len(undated), when, c.styled(s, part))
	}
}

func lineStyle(l *history.Line) style {
	switch l.Source {
	case history.FromEvent:
		return yellow
	case history.FromRotd:
		return dim
	}
	return plain
}

func diffStyle(line string) style {
	switch {
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "-"):
		return red
	}
	return dim
}

// explained says who did it, as far as is known.
func explained(l *history.Line) (texts []string) {
	if l.Source == history.FromReading && len(l.Evidence) == 0 {
		return []string{"between " + stamp(l.NotBefore) + " and " + stamp(l.SeenAt) + "; no event told of it"}
	}
	for i := range l.Evidence {
		texts = append(texts, evidenceTexts(&l.Evidence[i])...)
	}
	return texts
}

func evidenceTexts(e *history.Evidence) []string {
	by, from := e.Principal, e.SourceIP
	switch {
	case e.Own:
		by, from = "rotd itself", ""
	case by == "service:AWS Internal" || by == "":
		by, from = "KMS itself", ""
	}
	text := e.Operation + " by " + by
	if e.Session != "" && !e.Own {
		text += ", session " + fmt.Sprintf("%q", clean(e.Session))
	}
	if from != "" {
		text += ", from " + from
	}
	if e.Count > 1 {
		text += fmt.Sprintf(", %d times until %s", e.Count, stamp(e.LastAt))
	}
	texts := []string{text}
	if e.EventID != "" {
		texts = append(texts, "event "+e.EventID)
	}
	if e.ActionID != "" {
		texts = append(texts, "action "+e.ActionID)
	}
	return texts
}
