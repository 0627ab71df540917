package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/incident"
)

func newIncidentCommand(c *cli) *cobra.Command {
	return group("incident", "Tie together what belongs to one incident",
		newIncidentOpenCommand(c), newIncidentListCommand(c), newIncidentTimelineCommand(c), newIncidentNoteCommand(c),
		newIncidentExportCommand(c), newIncidentCloseCommand(c))
}

// incidentListing is how incidents are shown.
func incidentListing(now time.Time) listing[incident.Incident] {
	type i = incident.Incident
	return listing[i]{
		schema: admin.SchemaIncidents, kind: "incident", none: "No incidents.",
		columns: []column[i]{
			{
				title: "SEVERITY", name: "severity", value: incidentSeverity,
				style: func(x i) style {
					if x.Automatic == nil {
						return plain
					}
					return severityStyle(x.Automatic.Severity)
				},
			},
			{
				title: "STATUS", name: "status", value: func(x i) string { return x.Status() },
				style: func(x i) style {
					if x.Closed == nil {
						return yellow
					}
					return plain
				},
			},
			{
				title: "OPENED", name: "opened", value: func(x i) string { return ago(now, x.Opened.At) },
				raw: func(x i) string { return x.Opened.At.UTC().Format(time.RFC3339) },
			},
			{title: "REASON", name: "reason", flex: true, value: func(x i) string { return x.Reason }},
			{title: "ID", name: "id", below: true, value: func(x i) string { return x.ID }},
			{title: "BY", name: "opened_by", below: true, value: func(x i) string { return x.Opened.By }},
			{name: "ticket", value: func(x i) string { return x.Ticket }},
			{name: "keys", value: func(x i) string { return strings.Join(x.Keys, " ") }},
			{name: "principals", value: func(x i) string { return strings.Join(x.Principals, " ") }},
			{name: "actions", value: func(x i) string { return strings.Join(x.Actions, " ") }},
			{name: "story", value: func(x i) string {
				if x.Automatic == nil {
					return ""
				}
				return x.Automatic.Story
			}},
		},
	}
}

// incidentSeverity is that of an incident that rotd opened; people's have none.
func incidentSeverity(i incident.Incident) string {
	if i.Automatic == nil {
		return ""
	}
	return i.Automatic.Severity.String()
}

func newIncidentOpenCommand(c *cli) *cobra.Command {
	var r admin.IncidentRequest
	var before string
	cmd := &cobra.Command{
		Use:   "open [KEY...] --reason TEXT",
		Short: "Open an incident about keys, or about principals",
		Long: prose(
			"Open an incident. What is begun with --incident ID joins it, and `rotd incident timeline ID` puts in order of " +
				"time what happened: what rotd found and did, what changed about its keys, who used them for the first time, " +
				"and what people wrote down.",
		),
		Example: "  rotd incident open alias/payments --reason 'a laptop was lost' --ticket INC-42",
		RunE: func(cmd *cobra.Command, keys []string) error {
			days, err := parseDays(before)
			switch {
			case err != nil:
				return wrongUse(cmd, "--before: %v", err)
			case len(keys)+len(r.Principals) == 0:
				return wrongUse(cmd, "a KEY (id, ARN or alias) or --principal is missing")
			}
			if err := c.needsReason(cmd, r.Reason); err != nil {
				return err
			}
			r.Keys, r.BeforeSeconds = keys, days*int(day/time.Second)
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			i, err := client.OpenIncident(cmd.Context(), r)
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, incidentListing(c.now()), *i)
			}
			fmt.Fprintf(c.out, "%s is open, about %s.\n", i.ID, plural(len(i.Keys), "key", "keys"))
			fmt.Fprintf(c.out, "    %s\n", c.styled(bold, "rotd incident timeline "+i.ID))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.Reason, "reason", "", "what it is about (required)")
	f.StringVar(&r.Ticket, "ticket", "", "a ticket's number")
	f.StringArrayVar(&r.Principals, "principal", nil, "somebody it is about, by his ARN; may be given several times")
	f.StringVar(&before, "before", "7d", "so many days of what happened before belong to it")
	return cmd
}

// needsReason refuses a request without a reason.
func (c *cli) needsReason(cmd *cobra.Command, reason string) error {
	if strings.TrimSpace(reason) == "" {
		return wrongUse(cmd, "--reason is required: it goes into the audit log")
	}
	return nil
}

func newIncidentListCommand(c *cli) *cobra.Command {
	var flags listFlags
	var q admin.IncidentQuery
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List incidents, newest first",
		Args:  exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			return list(c, incidentListing(c.now()), flags, func(r admin.Range) (*admin.Page[incident.Incident], error) {
				q.Range = r
				return client.Incidents(cmd.Context(), q)
			})
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&q.Status, "status", "", "open or closed")
	return cmd
}

func newIncidentNoteCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "note ID TEXT",
		Short: "Write something down about an open incident",
		Args:  exactly("the incident's ID", "the TEXT (in quotes)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.changeIncident(func(client *admin.Client) (*incident.Incident, error) {
				return client.NoteIncident(cmd.Context(), args[0], args[1])
			}, "It is written down.")
		},
	}
}

func newIncidentCloseCommand(c *cli) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "close ID --reason TEXT",
		Short: "Close an incident: nothing joins it any more",
		Args:  exactly("the incident's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.needsReason(cmd, reason); err != nil {
				return err
			}
			return c.changeIncident(func(client *admin.Client) (*incident.Incident, error) {
				return client.CloseIncident(cmd.Context(), args[0], reason)
			}, "The incident is closed. `rotd incident export` has what belongs to it.")
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "how it ended (required)")
	return cmd
}

// changeIncident asks for a change and says that it was made.
func (c *cli) changeIncident(ask func(*admin.Client) (*incident.Incident, error), done string) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	i, err := ask(client)
	if err != nil {
		return err
	}
	if c.output != "table" {
		return one(c, incidentListing(c.now()), *i)
	}
	fmt.Fprintln(c.out, done)
	return nil
}

func newIncidentExportCommand(c *cli) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "export ID",
		Short: "Write everything that is known of an incident into one file",
		Long: prose(
			"Write an incident as one JSON object that stands for itself: its timeline, the facts about its keys, findings, "+
				"actions, and the audit log's entries about it as they are kept. `rotd incident timeline` is for reading.",
			"At the end it is told what was written, with its SHA-256: note that where nobody can change it. With -f the file "+
				"is there when it is whole, and not before.",
		),
		Args: exactly("the incident's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if c.output != "table" && c.output != "json" {
				return wrongUse(cmd, "an export is one JSON object")
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			var holds string
			fill := func(to io.Writer) (err error) {
				holds, err = c.exportIncident(cmd.Context(), client, args[0], to)
				return err
			}
			if file == "" {
				err = fill(c.out)
			} else {
				err = c.wholeFile(file, "the incident", fill)
			}
			if err == nil {
				hint(c.err, "%s", holds)
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "write to FILE instead of the output")
	return cmd
}

// exportIncident writes an incident, and says what was written: so many entries and bytes, and their SHA-256.
func (c *cli) exportIncident(ctx context.Context, client *admin.Client, id string, to io.Writer) (string, error) {
	d, err := client.Incident(ctx, id)
	if err != nil {
		return "", err
	}
	if d.Partial {
		hint(c.err, "There are more findings or audit entries than an export has.")
	}
	raw, err := indented(d)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if err := write(io.MultiWriter(to, sum), raw); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s of the timeline, %s, %s, %s of the audit log; %d bytes, SHA-256 %x",
		plural(len(d.Timeline), "line", "lines"), plural(len(d.Findings), "finding", "findings"),
		plural(len(d.Actions), "action", "actions"), plural(len(d.Audit), "entry", "entries"), len(raw), sum.Sum(nil)), nil
}
