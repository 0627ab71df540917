package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

func newKeysExplainCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "explain KEY",
		Short: "Say what can be done to a key, what not and why, and by whom",
		Long: prose(
			"Say what can be done to a key: rotate, replace, contain, re-encrypt; what the key allows and why, what to do "+
				"instead, and what the guardrails say at present of an automatic action, of a person's, and of one with "+
				"--emergency. KEY is an id, ARN, alias or alias ARN. It is judged by what rotd knows of the key; KMS is not asked.",
			"Which policy counts, and why: rotd config explain KEY.",
		),
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := c.noCSV(); err != nil {
				return err
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			all, err := client.Abilities(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, listing[*remediation.Abilities]{schema: admin.SchemaAbilities, kind: "abilities"}, all)
			}
			c.printAbilities(all)
			return nil
		},
	}
}

func (c *cli) printAbilities(all *remediation.Abilities) {
	fmt.Fprintf(c.out, "%s  %s\n\n", c.styled(bold, clean(all.Name)), clean(all.State))
	c.field("ARN", all.KeyARN)
	c.field("kind", string(all.Eligible.Kind))
	c.field("known", both(c.now(), all.KnownAt)+"; KMS was not asked now")
	c.field("policy", orElse(all.Policy, "none matches this key"))
	c.field("asks", all.Asks)
	c.heading("What the key allows")
	for i := range all.Verbs {
		a := &all.Verbs[i]
		answer := "no. "
		if a.Possible {
			answer = "yes. "
		}
		c.labelled(widest(all.Verbs, abilityName), abilityName(*a), answer+a.Reason)
	}
	var possible []remediation.Ability
	for i := range all.Verbs {
		if all.Verbs[i].Possible {
			possible = append(possible, all.Verbs[i])
		}
	}
	if len(possible) == 0 {
		return
	}
	c.heading("Who may have it done at present")
	printTable(c, c.out, []column[remediation.Ability]{
		{title: "VERB", value: abilityName},
		{title: "AUTOMATIC", value: func(a remediation.Ability) string { return decisionText(&a.Automatic, "never") }},
		{title: "A PERSON", value: func(a remediation.Ability) string { return decisionText(&a.Person, "refused") }},
		{title: "--EMERGENCY", value: func(a remediation.Ability) string { return decisionText(&a.Emergency, "refused") }},
	}, possible)
	c.printObstacles(possible)
}

// printObstacles says once what each guardrail has against it.
func (c *cli) printObstacles(possible []remediation.Ability) {
	told := make(map[string]bool)
	for i := range possible {
		a := &possible[i]
		for _, d := range []remediation.Decision{a.Automatic, a.Person, a.Emergency} {
			switch {
			case d.Guardrail == "" || told[d.Guardrail]:
				continue
			case len(told) == 0:
				c.heading("Guardrails")
			}
			told[d.Guardrail] = true
			c.labelled(widest(possible, abilityName), d.Guardrail, d.Reason)
		}
	}
}

// abilityName is how a person asks for it.
func abilityName(a remediation.Ability) string {
	if a.Method == remediation.EnableAutomatic {
		return string(a.Verb) + " --automatic"
	}
	if a.Method == remediation.Restore {
		return "cancel deletion"
	}
	if a.Method == remediation.OfObjects {
		return string(a.Verb) + " --s3"
	}
	return string(a.Verb)
}

// decisionText is what the guardrails say to somebody in a few words; refused is their no.
func decisionText(d *remediation.Decision, refused string) string {
	switch d.Verdict {
	case remediation.Wait:
		return "waits: " + d.Guardrail
	case remediation.NeedsApproval:
		return "approval: " + d.Guardrail
	case remediation.Refuse:
		return refused + ": " + d.Guardrail
	case remediation.Allow:
	}
	if len(d.Overridden) > 0 {
		return "passes " + strings.Join(d.Overridden, ", ")
	}
	return "yes"
}
