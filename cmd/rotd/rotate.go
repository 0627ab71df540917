package main

import (
	"context"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

// rotateOptions are the flags of rotate.
type rotateOptions struct {
	acting
	request   admin.RotateRequest
	automatic string
}

func newRotateCommand(c *cli) *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "rotate KEY --reason TEXT",
		Short: "Give a key new material now, or with --automatic a schedule",
		Long: prose("Give a key new material now, or with --automatic a schedule. KEY is an id, ARN, alias or alias ARN.",
			"The plan is shown first: what is done, what it breaks, what it costs, which guardrails stop it. Nothing is "+
				"re-encrypted and nobody is cut off: old ciphertext stays decryptable. The command waits until KMS shows the "+
				"rotation, at most --wait; then it ends with 3 and the daemon goes on with the action."),
		Example: "  rotd rotate alias/payments --reason 'key may have leaked' --ticket INC-42 --emergency\n" +
			"  rotd rotate alias/payments --automatic 90d --reason 'PCI DSS 3.7.4'\n" +
			"  rotd rotate alias/payments --dry-run",
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.request.Key = args[0]
			if err := c.checkRotate(cmd, &o); err != nil {
				return err
			}
			o.key, o.dryRun = args[0], o.request.DryRun
			o.ask = func(ctx context.Context, client *admin.Client, dryRun bool) (*admin.Planned, error) {
				asked := o.request
				asked.DryRun = dryRun
				return client.Rotate(ctx, asked)
			}
			o.show = func(plan *admin.Planned) { c.printPlan(plan, &o.request) }
			o.byHand = func() { c.byHand(&o.request) }
			return c.act(cmd, o.request.Reason, &o.acting)
		},
	}
	o.flags(cmd, &o.request.Reason, &o.request.Ticket, &o.request.Incident, &o.request.Emergency,
		&o.request.BreakGlass, &o.request.DryRun)
	f := cmd.Flags()
	f.StringVar(&o.automatic, "automatic", "", "set KMS's own schedule to this instead, such as 90d")
	return cmd
}

// checkRotate refuses what cannot be meant, before anybody is asked.
func (c *cli) checkRotate(cmd *cobra.Command, o *rotateOptions) error {
	if o.automatic != "" {
		days, err := parseDays(o.automatic)
		if err != nil {
			return wrongUse(cmd, "--automatic: %v", err)
		}
		if err := admin.CheckPeriod(days); err != nil {
			return wrongUse(cmd, "--automatic %s: %v", o.automatic, err)
		}
		o.request.AutomaticDays = days
	}
	return nil
}
