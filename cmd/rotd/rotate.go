package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

// rotateOptions are the flags of rotate.
type rotateOptions struct {
	request   admin.RotateRequest
	automatic string
	identity  bool
	yes       bool
	wait      time.Duration
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
			return c.rotate(cmd.Context(), &o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.request.Reason, "reason", "", "why, for the audit log and whoever is told (required)")
	f.StringVar(&o.request.Ticket, "ticket", "", "a ticket's number")
	f.StringVar(&o.request.Incident, "incident", "", "the incident it is for, by its ID")
	f.StringVar(&o.automatic, "automatic", "", "set KMS's own schedule to this instead, such as 90d")
	f.BoolVar(&o.request.Emergency, "emergency", false, "pass the guardrails that a person may pass; audited and alerted")
	f.BoolVar(&o.request.BreakGlass, "break-glass", false,
		"with --emergency: without the approval that mode propose asks for; alerted as CRITICAL")
	f.BoolVar(&o.identity, "aws-identity", false, awsIdentityFlag)
	f.BoolVar(&o.request.DryRun, "dry-run", false, "show the plan only")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.DurationVar(&o.wait, "wait", 2*time.Minute, "wait at most so long until it is verified")
	return cmd
}

// checkRotate refuses what cannot be meant, before anybody is asked.
func (c *cli) checkRotate(cmd *cobra.Command, o *rotateOptions) error {
	if err := c.noCSV(); err != nil {
		return err
	}
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
	switch {
	case o.request.BreakGlass && !o.request.Emergency:
		return wrongUse(cmd, "--break-glass goes with --emergency only")
	case o.request.DryRun:
	case strings.TrimSpace(o.request.Reason) == "":
		return wrongUse(cmd, "--reason is required: it goes into the audit log and the alerts")
	case !o.yes && !c.terminal.in:
		return wrongUse(cmd, "there is no terminal to ask on; --yes says that nobody needs to be asked")
	case o.wait < 0:
		return wrongUse(cmd, "--wait %v is negative", o.wait)
	}
	return nil
}

// rotate shows the plan, asks, begins and waits.
func (c *cli) rotate(ctx context.Context, o *rotateOptions) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	trial := o.request
	trial.DryRun = true
	plan, err := client.Rotate(ctx, trial)
	if err != nil {
		if errors.Is(err, admin.ErrNoDaemon) {
			c.byHand(&o.request)
		}
		return err
	}
	if ends, err := c.planned(plan, o); ends || err != nil {
		return err
	}
	if !o.yes {
		if err := c.confirm(ctx, "Go on?"); err != nil {
			return err
		}
	}
	by := client
	if o.identity {
		if by, err = c.as(ctx, client, plan.Request); err != nil {
			return err
		}
	}
	begun, err := by.Rotate(ctx, o.request)
	switch {
	case err != nil:
		return notBegun(err, o.request.Key)
	case begun.Action == nil: // somebody else was faster
		return c.nothingToDo(begun)
	}
	return c.follow(ctx, client, begun.Action, o.wait)
}

// planned shows a plan. ends says that it is all there is to do.
func (c *cli) planned(plan *admin.RotatePlan, o *rotateOptions) (ends bool, err error) {
	table := c.output == "table"
	if o.request.DryRun && !table {
		return true, errors.Join(one(c, planListing(), plan), refusal(plan))
	}
	if table {
		c.printPlan(plan, &o.request)
	} else {
		for _, w := range plan.Warnings {
			hint(c.err, "rotd: warning: %s", clean(w))
		}
	}
	if err := refusal(plan); err != nil {
		if table { // the plan has said why
			err = exit(admin.ExitRefused, "refused (%s); nothing was done", orElse(plan.Decision.Guardrail, "nothing to do"))
		}
		return true, err
	}
	if plan.Action == nil {
		return true, c.nothingToDo(plan)
	}
	return o.request.DryRun, nil
}

// nothingToDo ends well: the key is as it was asked for.
func (c *cli) nothingToDo(plan *admin.RotatePlan) error {
	if c.output != "table" {
		return one(c, planListing(), plan)
	}
	fmt.Fprintln(c.out)
	c.paragraph("", c.styled(green, "Nothing to do.")+" "+plan.NoAction)
	return nil
}

// notBegun says of an action that was asked for whether it can have begun.
func notBegun(err error, key string) error {
	answer, answered := errors.AsType[*admin.Error](err)
	switch {
	case answered && answer.Code == admin.CodeRefused && answer.Plan != nil:
		return refusal(answer.Plan)
	case answered && answer.Definite(), errors.Is(err, admin.ErrNoDaemon), errors.Is(err, context.Canceled):
		return err
	}
	return exit(admin.ExitUnfinished, "%w\n(`rotd actions list --key %s` shows whether it began)", err, argument(key))
}

func planListing() listing[*admin.RotatePlan] {
	return listing[*admin.RotatePlan]{schema: "rotd.plans/1", kind: "plan"}
}

// refusal is the error of a plan that is not carried out.
func refusal(plan *admin.RotatePlan) error {
	why, refused := plan.Refused()
	if !refused {
		return nil
	}
	if plan.Decision.Guardrail != "" && plan.NoAction == "" {
		return exit(admin.ExitRefused, "refused (%s): %s", plan.Decision.Guardrail, why)
	}
	return exit(admin.ExitRefused, "refused: %s", why)
}

// confirm asks a person; anything but y or yes is a no.
func (c *cli) confirm(ctx context.Context, question string) error {
	fmt.Fprintf(c.err, "\n%s [y/N] ", question)
	answered := make(chan string, 1)
	go func() { // reading a terminal cannot be interrupted: an interruption leaves it behind, and the process ends
		line, _ := bufio.NewReader(c.in).ReadString('\n') // the end of the input is no yes either
		answered <- line
	}()
	select {
	case line := <-answered:
		if line == "" {
			fmt.Fprintln(c.err)
		}
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return errDeclined
	case <-ctx.Done():
		fmt.Fprintln(c.err)
		return ctx.Err()
	}
}

// How long one question for an action's state waits: short where a person watches.
const (
	watchEvery = 2 * time.Second
	askEvery   = 25 * time.Second
)

// follow waits until the action is final and prints how it ended.
func (c *cli) follow(ctx context.Context, client *admin.Client, a *remediation.Action, wait time.Duration) error {
	id, deadline := a.ID, time.Now().Add(wait)
	progress := newProgress(c)
	for !a.State.Final() && a.State != remediation.AwaitingApproval {
		progress.show(fmt.Sprintf("%s is %s%s", id, a.State, waitingText(a)))
		left := time.Until(deadline)
		if left < time.Second {
			break
		}
		every := askEvery
		if c.terminal.err {
			every = watchEvery
		}
		next, err := client.Action(ctx, id, min(left, every))
		if err != nil {
			progress.end()
			goesOn := "goes on"
			if errors.Is(err, admin.ErrNoAnswer) || errors.Is(err, admin.ErrNoDaemon) {
				goesOn = "goes on when rotd runs again"
			}
			return exit(admin.ExitUnfinished, "%w\n(%s is recorded and %s: `rotd actions show %s`)", err, id, goesOn, id)
		}
		a = next
	}
	progress.end()
	return c.ended(a)
}

func waitingText(a *remediation.Action) string {
	if a.Waiting == "" {
		return ""
	}
	return ": " + a.Waiting
}

// ended prints an action that is over, or as far as it is.
func (c *cli) ended(a *remediation.Action) error {
	var failed error
	switch {
	case a.State == remediation.Succeeded:
	case a.State == remediation.AwaitingApproval && a.Approval != nil:
		failed = c.awaits(a)
	case !a.State.Final():
		failed = exit(admin.ExitUnfinished,
			"%s is %s and not yet verified; the daemon goes on with it: `rotd actions show %s`", a.ID, a.State, a.ID)
	default:
		failed = exit(admin.ExitFailed, "%s %s: %s", a.ID, a.State, orElse(a.Outcome, "no reason was kept"))
	}
	if c.output != "table" {
		return errors.Join(one(c, actionListing(c.now()), *a), failed)
	}
	if failed == nil {
		fmt.Fprintln(c.out)
		c.paragraph("", c.styled(green, "Done.")+" "+strings.TrimPrefix(a.Outcome, "Done: "))
		c.paragraph("", fmt.Sprintf("(%s)", a.ID))
	}
	c.undoing(a)
	return failed
}

func orElse(text, instead string) string {
	if text == "" {
		return instead
	}
	return text
}
