package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

// approveOptions are the flags of actions approve.
type approveOptions struct {
	plan, reason string
	identity     bool
	yes          bool
	wait         time.Duration
}

func newActionsApproveCommand(c *cli) *cobra.Command {
	var o approveOptions
	cmd := &cobra.Command{
		Use:   "approve ID --reason TEXT",
		Short: "Approve what somebody else, or rotd itself, asks for",
		Long: prose("Approve an action that awaits approval. Its plan is shown first; what is approved is exactly that "+
			"plan, by its hash. Then it is planned again and judged again, by all guardrails and by what KMS shows now.",
			"You cannot approve what you asked for yourself. Root and users that several people use approve nothing; with "+
				"--aws-identity you approve as the person that AWS STS says you are. The command waits until KMS shows the "+
				"effect, at most --wait; then it ends with 3 and the daemon goes on with the action."),
		Example: "  rotd actions approve act_01JPK00000000000000000AAAA --reason 'talked to kim, INC-42'\n" +
			"  AWS_PROFILE=me rotd actions approve act_01JPK00000000000000000AAAA --aws-identity --reason INC-42",
		Args: exactly("an action's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case strings.TrimSpace(o.reason) == "":
				return wrongUse(cmd, "--reason is required: it goes into the audit log and the alerts")
			case c.output == "csv":
				return c.noCSV()
			case !o.yes && !c.terminal.in:
				return wrongUse(cmd, "there is no terminal to ask on; --yes says that nobody needs to be asked")
			case o.wait < 0:
				return wrongUse(cmd, "--wait %v is negative", o.wait)
			}
			return c.approve(cmd.Context(), args[0], &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", "why it is right (required)")
	f.StringVar(&o.plan, "plan", "", "approve only the plan of this hash, as an alert has it")
	f.BoolVar(&o.identity, "aws-identity", false, awsIdentityFlag)
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.DurationVar(&o.wait, "wait", 2*time.Minute, "wait at most so long until it is verified")
	return cmd
}

// approve shows what is to be approved, asks, approves and waits.
func (c *cli) approve(ctx context.Context, id string, o *approveOptions) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	a, err := client.Action(ctx, id, 0)
	if err != nil {
		return err
	}
	if a.State != remediation.AwaitingApproval || a.Approval == nil {
		return exit(admin.ExitRefused, "%s is %s and awaits no approval", a.ID, a.State)
	}
	if o.plan != "" && o.plan != a.Approval.Plan {
		return exit(admin.ExitRefused, "%s has another plan by now, %s: look at it again", a.ID, a.Approval.Plan)
	}
	if c.output == "table" {
		c.printAction(a)
	}
	if !o.yes {
		if err := c.confirm(ctx, "Approve this?"); err != nil {
			return err
		}
	}
	by := client
	if o.identity {
		if by, err = c.as(ctx, client, a.Approval.Plan); err != nil {
			return err
		}
	}
	if a, err = by.Approve(ctx, id, a.Approval.Plan, o.reason); err != nil {
		return err
	}
	return c.follow(ctx, client, a, o.wait, nil)
}

func newActionsCancelCommand(c *cli) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:     "cancel ID --reason TEXT",
		Short:   "Cancel an action that has not begun",
		Example: "  rotd actions cancel act_01JPK00000000000000000AAAA --reason 'not before the release'",
		Args:    exactly("an action's ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case strings.TrimSpace(reason) == "":
				return wrongUse(cmd, "--reason is required: it goes into the audit log and the alerts")
			case c.output == "csv":
				return c.noCSV()
			}
			client, err := c.client()
			if err != nil {
				return err
			}
			defer client.Close()
			a, err := client.Cancel(cmd.Context(), args[0], reason)
			if err != nil {
				return err
			}
			if c.output != "table" {
				return one(c, actionListing(c.now()), *a)
			}
			c.paragraph("", a.Outcome)
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why (required)")
	return cmd
}

// awaits says what an action that awaits approval needs.
func (c *cli) awaits(a *remediation.Action) error {
	return exit(admin.ExitApproval, "%s awaits approval until %s; somebody else runs\n"+
		"  rotd actions approve %s --plan %s --reason …", a.ID, both(c.now(), a.Approval.Expires), a.ID, a.Approval.Plan)
}

// approvalText is how an action's approval stands.
func approvalText(now time.Time, a *remediation.Approval) string {
	switch {
	case a == nil:
		return ""
	case a.By == nil:
		return "nobody's yet, until " + both(now, a.Expires)
	}
	return fmt.Sprintf("by %s %s: %s", a.By.Name, both(now, a.At), a.Reason)
}
