package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
)

func newConfigTestCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "test [FILE…]",
		Short: "Hold rotd.yaml's policies against cases: a key's facts, and what must be found",
		Long: prose(
			"Hold the policies, exceptions and checks of rotd.yaml against cases: a key's facts, the policy that must match "+
				"it and the findings there must be, at a given time. FILE is a file of cases, by default "+config.CasesName+
				" beside rotd.yaml, which is -c's, $ROTD_CONFIG's, "+defaultConfig+". Asks neither AWS nor a daemon, so that "+
				"it can run where rotd.yaml is reviewed; docs/policies.md has an example.",
			"Ends with 0 when every case comes out, with 1 when one does not, and with 2 when rotd.yaml or a FILE is wrong.",
		),
		Example: "  rotd config test -c rotd.yaml\n  rotd config test -c rotd.yaml -o jsonl | jq 'select(.passed | not)'",
		Args:    cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			path := c.configPath()
			if len(args) == 0 {
				args = []string{config.CasesBeside(path)}
			}
			return c.tryCases(path, args)
		},
	}
}

// tryCases runs every case and says what came of each.
func (c *cli) tryCases(path string, files []string) error {
	cfg, err := config.Load(path, knownIDs())
	if err != nil {
		return err
	}
	var trials []config.Trial
	for _, file := range files {
		cases, err := cfg.LoadCases(file, knownIDs())
		if err != nil {
			return err
		}
		for i := range cases {
			trials = append(trials, cfg.Try(&cases[i]))
		}
	}
	if err := c.printTrials(trials); err != nil {
		return err
	}
	for i := range trials {
		if !trials[i].Passed {
			return &exitError{status: admin.ExitFailed}
		}
	}
	return nil
}

func trialListing() listing[config.Trial] {
	type t = config.Trial
	return listing[t]{
		schema: "rotd.trials/1", kind: "trial", none: "No cases.",
		columns: []column[t]{
			{name: "case", value: func(x t) string { return x.Case }},
			{name: "file", value: func(x t) string { return x.File }},
			{name: "line", value: func(x t) string { return fmt.Sprint(x.Line) }},
			{name: "passed", value: func(x t) string { return fmt.Sprint(x.Passed) }},
			{name: "policy", value: func(x t) string { return x.Policy }},
			{name: "want_policy", value: func(x t) string { return x.WantPolicy }},
			{name: "missing", value: func(x t) string { return checksOf(x.Missing) }},
			{name: "unexpected", value: func(x t) string { return checksOf(x.Unexpected) }},
		},
	}
}

func checksOf(said []config.Said) string {
	var ids []string
	for _, s := range said {
		ids = append(ids, s.Check)
	}
	return strings.Join(ids, " ")
}

func (c *cli) printTrials(trials []config.Trial) error {
	l := trialListing()
	switch c.output {
	case "json":
		return printPage(c, l, admin.Page[config.Trial]{Schema: l.schema, Items: trials})
	case "jsonl", "csv":
		return newRowWriter(c, l).rows(trials)
	}
	failed := 0
	for i := range trials {
		t := &trials[i]
		if t.Passed {
			fmt.Fprintf(c.out, "%s  %s\n", c.styled(green, "ok  "), clean(t.Case))
			continue
		}
		failed++
		fmt.Fprintf(c.out, "%s  %s\n", c.styled(red, "FAIL"), clean(t.Case))
		fmt.Fprintf(c.out, "      %s\n", c.styled(dim, clean(fmt.Sprintf("%s:%d", t.File, t.Line))))
		for _, difference := range differences(t) {
			c.paragraph("      ", difference)
		}
	}
	fmt.Fprintf(c.out, "\n%s, %d failed.\n", plural(len(trials), "case", "cases"), failed)
	return nil
}

// differences say what came out otherwise than the case says.
func differences(t *config.Trial) []string {
	var all []string
	if t.Policy != t.WantPolicy {
		all = append(all, fmt.Sprintf("policy: want %s, got %s", orElse(t.WantPolicy, "none"), orElse(t.Policy, "none")))
		for _, tried := range t.Tried {
			all = append(all, fmt.Sprintf("policy %s %s", tried.Policy, triedText(&tried)))
		}
	}
	for _, s := range t.Missing {
		all = append(all, fmt.Sprintf("missing: %s; the check says: %s", s.Check, s.Reason))
	}
	for _, s := range t.Unexpected {
		all = append(all, fmt.Sprintf("not expected: %s: %s", s.Check, s.Reason))
	}
	return all
}
