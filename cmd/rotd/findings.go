package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/finding"
)

func newFindingsCommand(c *cli) *cobra.Command {
	return group("findings", "What rotd found", newFindingsListCommand(c), newFindingsShowCommand(c),
		newFindingsAckCommand(c), newFindingsResolveCommand(c), newFindingsSuppressCommand(c))
}

// findingListing is how findings are shown.
func findingListing(now time.Time) listing[finding.Finding] {
	type f = finding.Finding
	timeOf := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return listing[f]{
		schema: admin.SchemaFindings, kind: "finding", none: "No findings.",
		columns: []column[f]{
			{
				title: "SEVERITY", name: "severity", value: func(x f) string { return x.Severity.String() },
				style: func(x f) style { return severityStyle(x.Severity) },
			},
			{
				title: "SEEN", name: "last_seen", value: func(x f) string { return ago(now, x.LastSeen) },
				raw: func(x f) string { return timeOf(&x.LastSeen) },
			},
			{title: "FINDING", name: "title", flex: true, value: findingTitle, raw: func(x f) string { return x.Title }},
			{title: "ID", name: "id", below: true, value: func(x f) string { return x.ID }},
			{
				title: "SUBJECT", name: "subject", below: true, value: subjectText,
				raw: func(x f) string { return x.Subject.ID },
			},
			{title: "REGION", name: "region", below: true, value: func(x f) string { return x.Region }},
			{name: "rule_id", value: func(x f) string { return x.RuleID }},
			{name: "status", value: func(x f) string { return string(x.Status) }},
			{name: "episode", value: func(x f) string { return strconv.Itoa(x.Episode) }},
			{name: "count", value: func(x f) string { return strconv.Itoa(x.Count) }},
			{name: "first_seen", value: func(x f) string { return timeOf(&x.FirstSeen) }},
			{name: "resolved_at", value: func(x f) string { return timeOf(x.ResolvedAt) }},
			{name: "account", value: func(x f) string { return x.Account }},
			{name: "key_arn", value: func(x f) string { return x.KeyARN }},
			{name: "alias", value: func(x f) string { return x.Alias }},
			{name: "principal_arn", value: func(x f) string { return x.PrincipalARN }},
			{name: "event_name", value: func(x f) string { return x.EventName }},
			{name: "event_id", value: func(x f) string { return x.EventID }},
			{name: "event_time", value: func(x f) string { return timeOf(x.EventTime) }},
			{name: "source_ip", value: func(x f) string { return x.SourceIP }},
			{name: "expected", value: func(x f) string { return strconv.FormatBool(x.Expected) }},
			{name: "acknowledged_by", value: func(x f) string {
				if x.Acknowledged == nil {
					return ""
				}
				return x.Acknowledged.By
			}},
			{name: "incident_id", value: func(x f) string { return x.IncidentID }},
			{name: "fingerprint", value: func(x f) string { return x.Fingerprint }},
			{name: "vpc_endpoint", value: func(x f) string { return x.VPCEndpoint }},
			{name: "hidden", value: func(x f) string { return strconv.FormatBool(x.Hidden) }},
		},
	}
}

// findingTitle is the title with what is out of the ordinary about the finding.
func findingTitle(f finding.Finding) string {
	title := f.Title
	if f.Hidden {
		title = "(suppressed) " + title
	}
	if f.Status == finding.Resolved {
		title = "(resolved) " + title
	} else if f.Acknowledged != nil {
		title = "(acknowledged) " + title
	}
	if f.Count > 1 {
		title += fmt.Sprintf(" ×%d", f.Count)
	}
	return title
}

// subjectText is what a finding is about, briefly.
func subjectText(f finding.Finding) string {
	name := f.Alias
	if name == "" {
		name = f.Subject.ID
		if i := strings.LastIndexAny(name, ":/"); strings.HasPrefix(name, "arn:") && i >= 0 {
			name = name[i+1:]
		}
	}
	return name
}

func newFindingsListCommand(c *cli) *cobra.Command {
	var (
		flags                   listFlags
		status, severity, since string
		q                       admin.FindingQuery
		statuses                = []string{string(finding.Open), string(finding.Resolved), admin.Any}
	)
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List findings, newest first; open ones unless told otherwise",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if q.Severity, err = finding.ParseSeverity(severity); err != nil {
				return wrongUse(cmd, "--severity: %v", err)
			}
			if q.Since, err = parseSince(c.now(), since); err != nil {
				return wrongUse(cmd, "--since: %v", err)
			}
			if q.Status, err = oneOf("--status", status, statuses); err != nil {
				return wrongUse(cmd, "%v", err)
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			l := findingListing(c.now())
			if q.Status == string(finding.Open) {
				l.none = "No open findings."
			}
			return list(c, l, flags, func(r admin.Range) (*admin.Page[finding.Finding], error) {
				q.Range = r
				return client.Findings(cmd.Context(), q)
			})
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&status, "status", string(finding.Open), "open, resolved or all")
	f.StringVar(&severity, "severity", finding.Informational.String(), "this severity or graver")
	f.StringVar(&since, "since", "", "seen since a time (2026-03-14T12:00:00Z) or for so long (24h, 7d)")
	f.StringVar(&q.Rule, "rule", "", "of this rule or check")
	f.StringVar(&q.Key, "key", "", "about this key: id, ARN or alias")
	f.StringVar(&q.Account, "account", "", "in this account")
	f.StringVar(&q.Region, "region", "", "in this Region")
	f.BoolVar(&q.Hidden, "suppressed", false, "also those that suppressions hide")
	return cmd
}

// oneOf checks a flag's word.
func oneOf(flag, word string, known []string) (string, error) {
	if slices.Contains(known, word) {
		return word, nil
	}
	return "", fmt.Errorf("%s: %q is none of %s", flag, word, strings.Join(known, ", "))
}

func newFindingsShowCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one finding whole, with what to do about it",
		Args:  exactly("a finding's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			f, err := client.Finding(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, findingListing(c.now()), *f)
			}
			c.printFinding(f)
			return nil
		},
	}
}

// printFinding prints a finding whole.
func (c *cli) printFinding(f *finding.Finding) {
	now := c.now()
	fmt.Fprintf(c.out, "%s  %s\n\n", c.styled(severityStyle(f.Severity), f.Severity.String()), clean(f.Title))
	c.paragraph("  ", f.Description)
	fmt.Fprintln(c.out)
	if f.Expected {
		c.field("expected", "yes: "+f.Why)
	} else {
		c.field("expected", strings.TrimSuffix("no: "+f.Why, ": "))
	}
	if f.Late {
		c.field("late", "the event's time cannot be trusted: it is over 15 days old, or in the future")
	}
	c.field("status", statusText(now, f))
	c.field("acknowledged", acknowledgedBy(now, f))
	c.field("suppressed", suppressedText(now, f))
	c.field("seen", seenText(now, f))
	c.field("about", f.About())
	c.field("incident", f.IncidentID)
	c.field("where", strings.Trim(f.Account+" "+f.Region, " "))
	c.field("who", whoText(f))
	c.field("user agent", quotedText(f.UserAgent))
	if f.EventID != "" {
		c.field("event", fmt.Sprintf("%s %s", f.EventName, f.EventID))
	}
	c.field("rule", f.RuleID)
	c.field("tells of", strings.Join(f.Points, ", "))
	c.field("told by", f.ToldBy)
	c.field("policy", f.Policy)
	c.field("MITRE ATT&CK", strings.Join(f.Mitre, ", "))
	c.field("actions", strings.Join(f.ActionIDs, ", "))
	c.field("id", f.ID)
	if len(f.Remedy) > 0 {
		c.heading("What to do")
		c.remedy(f.Remedy)
	}
}

func statusText(now time.Time, f *finding.Finding) string {
	switch {
	case f.Status == "":
		return ""
	case f.ResolvedAt != nil:
		return fmt.Sprintf("resolved %s: %s", both(now, *f.ResolvedAt), f.ResolvedBy)
	case f.Episode > 1:
		return fmt.Sprintf("%s, episode %d", f.Status, f.Episode)
	}
	return string(f.Status)
}

func seenText(now time.Time, f *finding.Finding) string {
	times := ""
	switch {
	case f.Count > 1:
		times = fmt.Sprintf("%d times, ", f.Count)
	case f.FirstSeen.Equal(f.LastSeen):
		return both(now, f.LastSeen)
	}
	return fmt.Sprintf("%sfirst %s, last %s", times, stamp(f.FirstSeen), both(now, f.LastSeen))
}

func whoText(f *finding.Finding) string {
	who := f.PrincipalARN
	if f.SessionName != "" {
		who += ", session " + quotedText(f.SessionName)
	}
	if f.SourceIP != "" {
		who += ", from " + f.SourceIP
	}
	if f.VPCEndpoint != "" {
		who += " through " + f.VPCEndpoint
	}
	return who
}

// quotedText is a value that somebody chose.
func quotedText(s string) string {
	if s == "" {
		return ""
	}
	return `"` + strings.ReplaceAll(clean(s), `"`, `'`) + `"`
}
