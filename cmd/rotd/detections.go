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
	ID             string            `json:"id"`
	Kind           string            `json:"kind"` // rule, check, self, user
	Staged         bool              `json:"staged,omitempty"`
	Title          string            `json:"title"`
	Severity       finding.Severity  `json:"severity"` // the default
	Mitre          []string          `json:"mitre"`
	Remedies       []string          `json:"remedies"` // responses a policy may attach
	Events         []string          `json:"events,omitempty"`
	Meaning        string            `json:"meaning"`
	Condition      string            `json:"condition"`
	Tuning         string            `json:"tuning"`
	Params         []detection.Param `json:"params,omitempty"` // what detections.tuning may change
	FalsePositives string            `json:"false_positives"`
	Response       string            `json:"response"`
}

// catalogue is everything rotd can find, in the order of the documentation, and the rules of a configuration.
func catalogue(users []config.UserRule) []rule {
	var all []rule
	for _, e := range detection.Catalogue() {
		all = append(all, shownRule(&e))
	}
	for i := range users {
		e := users[i].Rule.Describe()
		r := shownRule(&e)
		r.Staged = users[i].Rule.Users.Staged
		all = append(all, r)
	}
	return all
}

func shownRule(e *detection.Entry) rule {
	return rule{
		ID: e.ID, Kind: e.Kind, Title: e.Title, Severity: e.Severity, Mitre: e.Mitre, Remedies: e.Remedies,
		Events: e.Events, Params: e.Params,
		Meaning: e.Doc.Meaning, Condition: e.Doc.Condition, Tuning: e.Doc.Tuning,
		FalsePositives: e.Doc.FalsePositives, Response: e.Doc.Response,
	}
}

// kind is the rule's kind for people.
func (r *rule) kind() string {
	if r.Staged {
		return r.Kind + ", staged"
	}
	return r.Kind
}

// usersRules are those of -c's rotd.yaml; without -c there are none.
func (c *cli) usersRules() ([]config.UserRule, error) {
	if c.config == "" {
		return nil, nil
	}
	cfg, err := config.Load(c.config, knownIDs())
	if err != nil {
		return nil, err
	}
	return cfg.Detections.Users, nil
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
			{title: "KIND", name: "kind", value: func(r rule) string { return r.kind() }},
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
		Use:   "list [-c rotd.yaml]",
		Short: "List the rules and checks of this version, and with -c your own",
		Args:  exactly(),
		RunE: func(*cobra.Command, []string) error {
			users, err := c.usersRules()
			if err != nil {
				return err
			}
			all := catalogue(users)
			if c.output == "jsonl" || c.output == "csv" {
				return newRowWriter(c, ruleListing()).rows(all)
			}
			return printPage(c, ruleListing(), admin.Page[rule]{Schema: ruleListing().schema, Items: all})
		},
	}
	show := &cobra.Command{
		Use:   "show [-c rotd.yaml] ID",
		Short: "Show what a rule or check means, when it fires, and what to do",
		Args:  exactly("the ID of a rule or check"),
		RunE: func(_ *cobra.Command, args []string) error {
			users, err := c.usersRules()
			if err != nil {
				return err
			}
			for _, r := range catalogue(users) {
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
	return group("detections", "The rules and checks of this version, and your own", list, show,
		newDetectionsTestCommand(c), newDetectionsImportCommand(c), newEventPatternCommand(c))
}

// tuning is what may be tuned, each parameter on a line of its own.
func tuning(r *rule) string {
	parts := []string{r.Tuning}
	for _, p := range r.Params {
		parts = append(parts, p.Line(r.ID))
	}
	return strings.Join(parts, "\n")
}

func (c *cli) printRule(r *rule) {
	fmt.Fprintf(c.out, "%s  %s, %s\n\n", c.styled(bold, r.ID), r.kind(),
		c.styled(severityStyle(r.Severity), r.Severity.String()))
	c.paragraph("  ", strings.TrimSuffix(r.Title, ".")+".")
	for _, part := range []struct{ title, text string }{
		{"What it means", r.Meaning},
		{"When it fires", r.Condition},
		{"Events", strings.Join(r.Events, "\n")},
		{"Tuning", tuning(r)},
		{"False positives", r.FalsePositives},
		{"What to do", r.Response},
		{"Responses a policy may attach", strings.Join(r.Remedies, ", ")},
		{"MITRE ATT&CK", strings.Join(r.Mitre, ", ")},
	} {
		if part.text != "" {
			c.heading(part.title)
			for line := range strings.Lines(part.text) {
				c.paragraph("  ", line)
			}
		}
	}
}
