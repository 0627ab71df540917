package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/finding"
)

// rule is an entry of the catalogue as it is shown.
type rule struct {
	ID             string           `json:"id"`
	Kind           string           `json:"kind"` // rule, check, self
	Title          string           `json:"title"`
	Severity       finding.Severity `json:"severity"` // the default
	Mitre          []string         `json:"mitre"`
	Remedies       []string         `json:"remedies"` // responses a policy may attach
	Meaning        string           `json:"meaning"`
	Condition      string           `json:"condition"`
	Tuning         string           `json:"tuning"`
	FalsePositives string           `json:"false_positives"`
	Response       string           `json:"response"`
}

// catalogue is everything rotd can find, in the order of the documentation.
func catalogue() []rule {
	var all []rule
	for _, e := range detection.Catalogue() {
		all = append(all, rule{
			ID: e.ID, Kind: e.Kind, Title: e.Title, Severity: e.Severity, Mitre: e.Mitre, Remedies: e.Remedies,
			Meaning: e.Doc.Meaning, Condition: e.Doc.Condition, Tuning: e.Doc.Tuning,
			FalsePositives: e.Doc.FalsePositives, Response: e.Doc.Response,
		})
	}
	return all
}

// knownIDs are the ids that a configuration may name: what rotd finds about itself is not to be tuned.
func knownIDs() config.Known {
	return config.Known{Rules: detection.RuleIDs(), Checks: detection.CheckIDs(), Remedies: detection.Remedies()}
}

func ruleListing() listing[rule] {
	return listing[rule]{
		schema: "rotd.detections/1", kind: "detection", none: "No rules.",
		columns: []column[rule]{
			{title: "ID", name: "id", value: func(r rule) string { return r.ID }},
			{title: "KIND", name: "kind", value: func(r rule) string { return r.Kind }},
			{
				title: "SEVERITY", name: "severity", value: func(r rule) string { return r.Severity.String() },
				style: func(r rule) style { return severityStyle(r.Severity) },
			},
			{title: "WHAT", name: "title", flex: true, value: func(r rule) string { return r.Title }},
			{name: "mitre", value: func(r rule) string { return strings.Join(r.Mitre, " ") }},
		},
	}
}

func newDetectionsCommand(c *cli) *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "List the rules and checks of this version",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			if c.output == "jsonl" || c.output == "csv" {
				return newRowWriter(c, ruleListing()).rows(catalogue())
			}
			return printPage(c, ruleListing(), admin.Page[rule]{Schema: ruleListing().schema, Items: catalogue()})
		},
	}
	show := &cobra.Command{
		Use:   "show ID",
		Short: "Show what a rule or check means, when it fires, and what to do",
		Args:  exactly("the ID of a rule or check"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, r := range catalogue() {
				if r.ID != args[0] {
					continue
				}
				if c.output != "table" {
					return one(c, ruleListing(), r)
				}
				c.printRule(&r)
				return nil
			}
			return exit(admin.ExitFailed, "there is no rule or check %q; `rotd detections list` has them all", args[0])
		},
	}
	return group("detections", "The rules and checks of this version", list, show)
}

func (c *cli) printRule(r *rule) {
	fmt.Fprintf(c.out, "%s  %s, %s\n\n", c.styled(bold, r.ID), r.Kind,
		c.styled(severityStyle(r.Severity), r.Severity.String()))
	c.paragraph("  ", r.Title+".")
	for _, part := range []struct{ title, text string }{
		{"What it means", r.Meaning},
		{"When it fires", r.Condition},
		{"Tuning", r.Tuning},
		{"False positives", r.FalsePositives},
		{"What to do", r.Response},
		{"Responses a policy may attach", strings.Join(r.Remedies, ", ")},
		{"MITRE ATT&CK", strings.Join(r.Mitre, ", ")},
	} {
		if part.text != "" {
			c.heading(part.title)
			c.paragraph("  ", part.text)
		}
	}
}
