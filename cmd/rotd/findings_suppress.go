package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	spans "rotd/internal/span"
)

func newFindingsSuppressCommand(c *cli) *cobra.Command {
	var (
		r           admin.SuppressRequest
		lasts       string
		dryRun, yes bool
	)
	cmd := &cobra.Command{
		Use:   "suppress [ID] --for 7d --reason TEXT",
		Short: "Be told of something no more, until a day",
		Long: prose(
			"Be told of something no more: of the finding with that ID, through all its episodes, or of what --rule and the "+
				"other flags match together. It is judged and counted all the same (`rotd findings list --suppressed`), tells "+
				"nobody and starts nothing. What would have been hidden of the last 30 days is shown first, and with --dry-run "+
				"that is all.",
			"User agents and names of sessions are chosen by whoever calls: they are compared exactly, and only beside "+
				"--principal or --key. Findings about rotd itself, and of attacks on it, cannot be suppressed.",
		),
		Example: "  rotd findings suppress fnd_01JPK00000000000000000AAAA --for 7d --reason 'planned, CHG-7'\n" +
			"  rotd findings suppress --rule denied-burst --principal 'arn:aws:iam::111122223333:role/scan-*' " +
			"--network 203.0.113.0/24 --for 30d --reason 'the auditors, CHG-8' --dry-run",
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return wrongUse(cmd, "one ID at a time, or --rule and what narrows it")
			case len(args) == 0 && len(r.Rules) == 0:
				return wrongUse(cmd, "a finding's ID is missing, or --rule and what narrows it")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				r.Finding = args[0]
			}
			if err := c.noCSV(); err != nil {
				return err
			}
			if !dryRun {
				if err := c.needsReason(cmd, r.Reason); err != nil {
					return err
				}
				if !yes && !c.terminal.in {
					return wrongUse(cmd, "there is no terminal to ask on: say --yes, or look first with --dry-run")
				}
			}
			if !dryRun || cmd.Flags().Changed("for") {
				until, err := parseFor(lasts)
				if err != nil {
					return wrongUse(cmd, "--for: %v", err)
				}
				r.Expires = c.now().Add(until).UTC().Truncate(time.Second)
			}
			return c.suppress(cmd, r, dryRun, yes)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&r.Rules, "rule", nil, "of this rule or check; may be given several times, as all that follow")
	f.StringArrayVar(&r.Keys, "key", nil, "about this key: id, ARN or alias, which stands for the key it names now")
	f.StringArrayVar(&r.Principals, "principal", nil, "by this principal: its ARN, with * and ? as wildcards in the name")
	f.StringArrayVar(&r.Networks, "network", nil, "from this network (203.0.113.0/24) or VPC endpoint (vpce-…)")
	f.StringArrayVar(&r.Accounts, "account", nil, "in this account")
	f.StringArrayVar(&r.Regions, "region", nil, "in this Region")
	f.StringArrayVar(&r.UserAgents, "user-agent", nil, "with exactly this user agent")
	f.StringArrayVar(&r.SessionNames, "session", nil, "of exactly this session's name")
	f.StringVar(&lasts, "for", "", "for so long (7d, 36h), at most a year (required)")
	f.StringVar(&r.Reason, "reason", "", "why nobody needs to be told (required)")
	f.BoolVar(&dryRun, "dry-run", false, "only show what would have been hidden in the last 30 days")
	f.BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// parseFor reads how long something is to last.
func parseFor(s string) (time.Duration, error) {
	d, err := spans.Parse(s)
	if err == nil && d == 0 {
		err = fmt.Errorf("%s is no time at all", s)
	}
	return d, err
}

// suppress shows what would have been hidden, asks, and has it hidden.
func (c *cli) suppress(cmd *cobra.Command, r admin.SuppressRequest, dryRun, yes bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	if dryRun || c.output == "table" {
		trial, err := client.TrySuppressions(cmd.Context(), r)
		if err != nil {
			return err
		}
		trial.Expires = r.Expires
		if err := c.printTrial(trial); err != nil || dryRun {
			return err
		}
	}
	if !yes {
		if err := c.confirm(cmd.Context(), "Be told of this no more?"); err != nil {
			return err
		}
	}
	kept, err := client.Suppress(cmd.Context(), r)
	if err != nil {
		return err
	}
	if c.output != "table" {
		return one(c, madeListing(), *kept)
	}
	c.paragraph("", fmt.Sprintf("%s hides until %s: %s.", kept.Name, kept.Until(), kept.Scope()))
	fmt.Fprintf(c.out, "    %s\n", c.styled(bold, "rotd suppressions end "+kept.Name+" --reason TEXT"))
	return nil
}
