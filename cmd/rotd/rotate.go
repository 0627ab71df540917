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
			o.ask = func(ctx context.Context, client *admin.Client, dryRun bool) (*admin.RotatePlan, error) {
				asked := o.request
				asked.DryRun = dryRun
				return client.Rotate(ctx, asked)
			}
			o.show = func(plan *admin.RotatePlan) { c.printPlan(plan, &o.request) }
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

// acting is what a command asks for that changes keys.
type acting struct {
	key         string // as the person named it
	dryRun, yes bool
	identity    bool // prove an AWS identity
	// emergency and breakGlass are of the request.
	emergency, breakGlass *bool
	wait                  time.Duration
	ask                   func(ctx context.Context, client *admin.Client, dryRun bool) (*admin.RotatePlan, error)
	show                  func(plan *admin.RotatePlan)
	byHand                func()                      // prints the same for the AWS CLI
	after                 func(a *remediation.Action) // prints what is to be done after a success; nil: nothing is
}

// flags are those that every acting command has.
func (o *acting) flags(cmd *cobra.Command, reason, ticket, incident *string, emergency, breakGlass, dryRun *bool) {
	o.emergency, o.breakGlass = emergency, breakGlass
	f := cmd.Flags()
	f.StringVar(reason, "reason", "", "why, for the audit log and whoever is told (required)")
	f.StringVar(ticket, "ticket", "", "a ticket's number")
	f.StringVar(incident, "incident", "", "the incident it is for, by its ID")
	f.BoolVar(emergency, "emergency", false, "pass the guardrails that a person may pass; audited and alerted")
	f.BoolVar(breakGlass, "break-glass", false,
		"with --emergency: without the approval that mode propose asks for; alerted as CRITICAL")
	f.BoolVar(dryRun, "dry-run", false, "show the plan only")
	f.BoolVar(&o.identity, "aws-identity", false, awsIdentityFlag)
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.DurationVar(&o.wait, "wait", 2*time.Minute, "wait at most so long until it is verified")
}

// check refuses what an acting command needs and lacks, before anybody is asked.
func (o *acting) check(c *cli, cmd *cobra.Command, reason string) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	switch {
	case *o.breakGlass && !*o.emergency:
		return wrongUse(cmd, "--break-glass goes with --emergency only")
	case o.dryRun:
	case strings.TrimSpace(reason) == "":
		return wrongUse(cmd, "--reason is required: it goes into the audit log and the alerts")
	case !o.yes && !c.terminal.in:
		return wrongUse(cmd, "there is no terminal to ask on; --yes says that nobody needs to be asked")
	case o.wait < 0:
		return wrongUse(cmd, "--wait %v is negative", o.wait)
	}
	return nil
}

// act shows the plan, asks, begins and waits.
func (c *cli) act(cmd *cobra.Command, reason string, o *acting) error {
	if err := o.check(c, cmd, reason); err != nil {
		return err
	}
	ctx := cmd.Context()
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	plan, err := o.ask(ctx, client, true)
	if err != nil {
		if errors.Is(err, admin.ErrNoDaemon) {
			o.byHand()
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
	begun, err := o.ask(ctx, by, false)
	switch {
	case err != nil:
		return notBegun(err, o.key)
	case begun.Action == nil: // somebody else was faster
		return c.nothingToDo(begun)
	}
	return c.follow(ctx, client, begun.Action, o.wait, o.after)
}

// planned shows a plan. ends says that it is all there is to do.
func (c *cli) planned(plan *admin.RotatePlan, o *acting) (ends bool, err error) {
	table := c.output == "table"
	if o.dryRun && !table {
		return true, errors.Join(one(c, planListing(), plan), refusal(plan))
	}
	if table {
		o.show(plan)
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
	return o.dryRun, nil
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

// follow waits until the action is final and prints how it ended. after, unless it is nil, prints what is to be done
// after a success.
func (c *cli) follow(ctx context.Context, client *admin.Client, a *remediation.Action, wait time.Duration,
	after func(a *remediation.Action),
) error {
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
	if err := c.ended(a); err != nil {
		return err
	}
	if after != nil && c.output == "table" {
		after(a)
	}
	return nil
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
		done, outcome := "Done.", a.Outcome
		if calls, ok := strings.CutPrefix(outcome, "Done: "); ok {
			done, outcome = "Done:", calls
		}
		c.paragraph("", c.styled(green, done)+" "+outcome)
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
