package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/incident"
)

func newIncidentTimelineCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "timeline ID",
		Short: "Tell an incident in order of time",
		Args:  exactly("the incident's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			d, err := client.Incident(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if c.output != "table" {
				return printPage(c, timelineListing(), admin.Page[incident.Line]{
					Schema: timelineListing().schema, Items: d.Timeline, Partial: d.Partial,
				})
			}
			c.printIncident(d)
			return nil
		},
	}
}

// timelineListing is how an incident's timeline is shown to programs.
func timelineListing() listing[incident.Line] {
	type l = incident.Line
	return listing[l]{
		schema: "rotd.incident-timelines/1", kind: "line",
		columns: []column[l]{
			{name: "at", value: func(x l) string { return x.At.UTC().Format(time.RFC3339) }},
			{name: "source", value: func(x l) string { return x.Source }},
			{name: "key", value: func(x l) string { return x.Key }},
			{name: "who", value: func(x l) string { return x.Who }},
			{name: "text", value: func(x l) string { return x.Text }},
			{name: "ref", value: func(x l) string { return x.Ref }},
		},
	}
}

// printIncident prints an incident for people.
func (c *cli) printIncident(d *admin.Dossier) {
	i, now := &d.Incident, c.now()
	fmt.Fprintf(c.out, "%s  %s\n\n", c.styled(bold, i.ID), i.Status())
	c.field("reason", i.Reason)
	c.field("ticket", i.Ticket)
	if a := i.Automatic; a != nil {
		c.field("severity", a.Severity.String())
		for _, do := range a.Tells().Do {
			c.field("do", do)
		}
	}
	for _, arn := range i.Keys {
		c.field("key", arn)
	}
	for _, arn := range i.Principals {
		c.field("about", arn)
	}
	c.field("opened", both(now, i.Opened.At)+" by "+i.Opened.By)
	if i.Closed != nil {
		c.field("closed", both(now, i.Closed.At)+" by "+i.Closed.By)
	}
	c.field("holds", fmt.Sprintf("%s, %s, %s of the audit log", plural(len(d.Findings), "finding", "findings"),
		plural(len(d.Actions), "action", "actions"), plural(len(d.Audit), "entry", "entries")))
	for k, last := 0, ""; k < len(d.Timeline); k++ {
		l := &d.Timeline[k]
		if on := l.At.UTC().Format(time.DateOnly); on != last {
			c.heading(on)
			last = on
		}
		c.line(l, len(i.Keys) > 1)
	}
	if d.Partial {
		fmt.Fprintln(c.out)
		c.paragraph("", "There are more findings or audit entries than are shown.")
	}
}

// line prints one line of a timeline; many: of which key it is must be said.
func (c *cli) line(l *incident.Line, many bool) {
	text := l.Text
	if l.Who != "" {
		text = l.Who + ": " + text
	}
	if many && l.Key != "" {
		text += " [" + l.Key[strings.LastIndexByte(l.Key, '/')+1:] + "]"
	}
	c.labelled(len("15:04:05Z  history  "), l.At.UTC().Format("15:04:05Z")+"  "+l.Source, text)
}
