package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/config"
	"rotd/internal/policy"
	"rotd/internal/replay"
	"rotd/internal/userrules"
)

func newDetectionsTestCommand(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "test [-c rotd.yaml | FILE…]",
		Short: "Run the tests beside your own rules",
		Long: prose(
			"Run the tests that stand beside rules of your own: those of the FILEs, else those that rotd.yaml names "+
				"(detections.rules), which is -c's, $ROTD_CONFIG's, "+defaultConfig+", and whose policies count for the keys "+
				"of the tests. Asks neither AWS nor a daemon; docs/users-rules.md has the format.",
			"Ends with 0 when every test comes out, with 1 when one does not, and with 2 when a file is wrong.",
		),
		Example: "  rotd detections test -c rotd.yaml\n  rotd detections test rules/*.yaml",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, files []string) error {
			rules, policies, err := c.rulesToTry(files)
			if err != nil {
				return err
			}
			return c.tryRules(cmd.Context(), rules, policies)
		},
	}
}

// rulesToTry are those of the files, else the configuration's, and its policies.
func (c *cli) rulesToTry(files []string) ([]config.UserRule, policy.Set, error) {
	if len(files) > 0 {
		rules, err := config.LoadRules(files...)
		return rules, nil, err
	}
	cfg, err := config.Load(c.configPath(), knownIDs())
	if err != nil {
		return nil, nil, err
	}
	return cfg.Detections.Users, cfg.Policies, nil
}

// tryRules runs every test and says what came of each.
func (c *cli) tryRules(ctx context.Context, rules []config.UserRule, policies policy.Set) error {
	var trials []userrules.Trial
	var untested []string
	failed := false
	for i := range rules {
		for j := range rules[i].Tests {
			trial, err := replay.Try(ctx, rules[i].Rule, &rules[i].Tests[j], policies)
			if err != nil {
				return err
			}
			failed = failed || !trial.Passed
			trials = append(trials, trial)
		}
		if len(rules[i].Tests) == 0 {
			untested = append(untested, rules[i].Rule.ID)
		}
	}
	if err := c.printRuleTrials(trials, untested); err != nil {
		return err
	}
	if failed {
		return &exitError{status: admin.ExitFailed}
	}
	return nil
}

func ruleTrialListing() listing[userrules.Trial] {
	type t = userrules.Trial
	return listing[t]{
		schema: "rotd.rule-trials/1", kind: "trial", none: "No tests.",
		columns: []column[t]{
			{name: "rule", value: func(x t) string { return x.Rule }},
			{name: "test", value: func(x t) string { return x.Test }},
			{name: "file", value: func(x t) string { return x.File }},
			{name: "line", value: func(x t) string { return fmt.Sprint(x.Line) }},
			{name: "passed", value: func(x t) string { return fmt.Sprint(x.Passed) }},
			{name: "matches", value: func(x t) string { return fmt.Sprint(x.Matches) }},
			{name: "problems", value: func(x t) string { return strings.Join(x.Problems, "; ") }},
		},
	}
}

func (c *cli) printRuleTrials(trials []userrules.Trial, untested []string) error {
	l := ruleTrialListing()
	switch c.output {
	case "json":
		return printPage(c, l, admin.Page[userrules.Trial]{Schema: l.schema, Items: trials})
	case "jsonl", "csv":
		return newRowWriter(c, l).rows(trials)
	}
	failed := 0
	for i := range trials {
		t := &trials[i]
		name := clean(t.Rule + ": " + t.Test)
		if t.Passed {
			fmt.Fprintf(c.out, "%s  %s\n", c.styled(green, "ok  "), name)
			continue
		}
		failed++
		fmt.Fprintf(c.out, "%s  %s\n", c.styled(red, "FAIL"), name)
		fmt.Fprintf(c.out, "      %s\n", c.styled(dim, clean(fmt.Sprintf("%s:%d", t.File, t.Line))))
		for _, problem := range t.Problems {
			c.paragraph("      ", clean(problem))
		}
	}
	fmt.Fprintf(c.out, "\n%s, %d failed.\n", plural(len(trials), "test", "tests"), failed)
	if len(untested) > 0 {
		c.paragraph("", "Without a test: "+strings.Join(untested, ", ")+".")
	}
	return nil
}
