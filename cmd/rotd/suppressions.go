package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/finding"
	"rotd/internal/suppression"
)

func newSuppressionsCommand(c *cli) *cobra.Command {
	return group("suppressions", "What nobody is told of, and until when",
		newSuppressionsListCommand(c), newSuppressionsEndCommand(c), newSuppressionsDryRunCommand(c))
}

// suppressionListing is how suppressions are shown: a few lines each, since what one hides has to be read whole.
func (c *cli) suppressionListing() listing[suppression.Standing] {
	type s = suppression.Standing
	timeOf := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	l := listing[s]{
		schema: admin.SchemaSuppressions, kind: "suppression", none: "No suppressions.",
		columns: []column[s]{
			{name: "name", value: func(x s) string { return x.Name }},
			{name: "source", value: func(x s) string { return x.Source }},
			{name: "hides", value: hides},
			{name: "author", value: func(x s) string { return x.Author }},
			{name: "reason", value: func(x s) string { return x.Reason }},
			{name: "created", value: func(x s) string { return timeOf(x.Created) }},
			{name: "expires", value: func(x s) string { return timeOf(x.Expires) }},
			{name: "expired", value: func(x s) string { return strconv.FormatBool(x.Expired) }},
			{name: "hits", value: func(x s) string { return strconv.Itoa(x.Hits) }},
			{name: "last_hit", value: func(x s) string { return timeOf(lastHit(&x)) }},
		},
	}
	l.print = func(rows []s) {
		for i := range rows {
			c.printSuppression(&rows[i])
		}
	}
	return l
}

func lastHit(s *suppression.Standing) time.Time {
	if s.LastHit == nil {
		return time.Time{}
	}
	return *s.LastHit
}

func (c *cli) printSuppression(s *suppression.Standing) {
	now, look, ends := c.now(), bold, "ends"
	if s.Expired {
		look, ends = yellow, "expired"
	}
	fmt.Fprintf(c.out, "%s\n", c.styled(look, clean(s.Name)))
	c.field("hides", hides(*s))
	c.field(ends, both(now, s.Expires))
	c.field("hits", fmt.Sprintf("%d, last %s", s.Hits, ago(now, lastHit(s))))
	c.field("author", s.Author+" ("+s.Source+")")
	c.field("reason", s.Reason)
}

// hides says what a suppression hides, and of what it names that is not there.
func hides(s suppression.Standing) string {
	text := s.Scope()
	if len(s.Unresolved) > 0 {
		text += " (no known key: " + strings.Join(s.Unresolved, ", ") + ")"
	}
	return text
}

func newSuppressionsListCommand(c *cli) *cobra.Command {
	var flags listFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List suppressions: rotd.yaml's, then those that people made",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return list(c, c.suppressionListing(), flags,
				func(r admin.Range) (*admin.Page[suppression.Standing], error) {
					return client.Suppressions(cmd.Context(), r)
				})
		},
	}
	flags.add(cmd)
	return cmd
}

func newSuppressionsEndCommand(c *cli) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "end NAME --reason TEXT",
		Short: "End a suppression that a person made",
		Long: prose("End a suppression that a person made. What it hid is told when it happens again. rotd.yaml's are " +
			"ended there: remove them, and reload."),
		Example: "  rotd suppressions end sup_01JPK00000000000000000AAAA --reason 'the scan is over'",
		Args:    exactly("the suppression's NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.needsReason(cmd, reason); err != nil {
				return err
			}
			if err := c.noCSV(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			ended, err := client.EndSuppression(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, madeListing(), *ended)
			}
			c.paragraph("", fmt.Sprintf("%s hides nothing any more. It hid: %s.", ended.Name, ended.Scope()))
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why it ends (required)")
	return cmd
}

// madeListing is how a suppression that was just made or ended is written for programs.
func madeListing() listing[suppression.Suppression] {
	return listing[suppression.Suppression]{schema: admin.SchemaSuppressions, kind: "suppression"}
}

func newSuppressionsDryRunCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "dry-run FILE",
		Short: "Say what a file's suppressions would have hidden",
		Long: prose("Say which findings of the last 30 days the suppressions of a rotd.yaml would have hidden, had it been " +
			"in force: the daemon compares the findings it keeps, and changes nothing. It knows its own rules: one that only " +
			"FILE's detections.rules define has found nothing yet, and is told as left out, as is an alias of no known key."),
		Example: "  rotd suppressions dry-run new.yaml",
		Args:    exactly("the FILE: a rotd.yaml"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			cfg, err := config.Load(args[0], knownIDs())
			if err != nil {
				return err
			}
			if len(cfg.Suppressions) == 0 {
				fmt.Fprintf(c.err, "%s has no suppressions.\n", args[0])
				return nil
			}
			requests := make([]admin.SuppressRequest, len(cfg.Suppressions))
			for i := range cfg.Suppressions {
				requests[i] = admin.NewSuppressRequest(&cfg.Suppressions[i])
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			trial, err := client.TrySuppressions(cmd.Context(), requests...)
			if err != nil {
				return err
			}
			return c.printTrial(trial)
		},
	}
}

// printTrial says what suppressions would have hidden, and how far that can be known.
func (c *cli) printTrial(t *suppression.Trial) error {
	if c.output != "table" {
		return one(c, listing[*suppression.Trial]{schema: "rotd.suppression-trial/1", kind: "trial"}, t)
	}
	now := c.now()
	type w = suppression.Would
	columns := []column[w]{
		{
			title: "SEVERITY", value: func(x w) string { return x.Severity.String() },
			style: func(x w) style { return severityStyle(x.Severity) },
		},
		{title: "SEEN", value: func(x w) string { return ago(now, x.LastSeen) }},
		{title: "FINDING", flex: true, value: func(x w) string {
			return findingTitle(finding.Finding{Title: x.Title, Count: x.Count})
		}},
		{title: "WHO", below: true, value: func(x w) string {
			return whoText(&finding.Finding{PrincipalARN: x.Principal, SourceIP: x.Source})
		}},
		{title: "ABOUT", below: true, value: func(x w) string { return x.Subject }},
		{title: "ID", below: true, value: func(x w) string { return x.ID }},
		{title: "BY", below: true, value: func(x w) string { return x.By }},
	}
	if len(t.Rows) > 0 {
		printTable(c, c.out, columns, t.Rows)
		fmt.Fprintln(c.out)
	}
	text := fmt.Sprintf("Of %s seen since %s, %d would have been hidden",
		plural(t.Examined, "finding", "findings"), stamp(t.Since), t.Hidden)
	if t.Hidden > 0 {
		text += fmt.Sprintf(", at most %s in all", plural(t.Times, "time", "times"))
	}
	if more := t.Hidden - len(t.Rows); more > 0 {
		text += fmt.Sprintf("; %d of them are not shown", more)
	}
	c.paragraph("", text+".")
	if !t.Expires.IsZero() {
		c.paragraph("", fmt.Sprintf("It would hide until %s.", both(now, t.Expires)))
	}
	for _, left := range t.LeftOut {
		c.paragraph("", fmt.Sprintf("Left out of %s: %s.", clean(left.By), clean(left.Why)))
	}
	if t.Hidden > 0 {
		c.paragraph("", "rotd keeps one occurrence of each finding, the one that set its severity, and when it was first "+
			"and last seen: only that one was compared. Other occurrences of the same finding would still have been told, if "+
			"they were somebody else's or came from elsewhere.")
	}
	return nil
}

// suppressedText says what suppressions hid of a finding; "" for nothing.
func suppressedText(now time.Time, f *finding.Finding) string {
	s := f.Suppressed
	if s == nil {
		return ""
	}
	text := "by " + s.By
	if s.Count > 0 {
		text = fmt.Sprintf("%s, last %s, by %s", plural(s.Count, "time", "times"), both(now, s.Last), s.By)
	}
	if f.Hidden {
		text += "; nobody is told of this episode"
	}
	return text
}
