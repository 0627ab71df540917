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

// acting is what a command asks for that changes keys.
type acting struct {
	key         string // as the person named it
	dryRun, yes bool
	identity    bool // prove an AWS identity
	// emergency and breakGlass are of the request.
	emergency, breakGlass *bool
	wait                  time.Duration
	ask                   func(ctx context.Context, client *admin.Client, dryRun bool) (*admin.Planned, error)
	show                  func(plan *admin.Planned)
	byHand                func()                      // prints the same for the AWS CLI
	after                 func(a *remediation.Action) // prints what is to be done after a success; nil: nothing is
	kind                  listing[*admin.Planned]     // how programs get the plan
}

// flags are those that every acting command has.
func (o *acting) flags(cmd *cobra.Command, reason, ticket, incident *string, emergency, breakGlass, dryRun *bool) {
	o.emergency, o.breakGlass, o.kind = emergency, breakGlass, planListing()
	f := cmd.Flags()
	f.StringVar(reason, "reason", "", "why, for the audit log and whoever is told (required)")
	f.StringVar(ticket, "ticket", "", "a ticket's number")
	incidentFlag(cmd, incident)
	f.BoolVar(emergency, "emergency", false, "pass the guardrails that a person may pass; audited and alerted")
	f.BoolVar(breakGlass, "break-glass", false,
		"with --emergency: without the approval that mode propose asks for; alerted as CRITICAL")
	f.BoolVar(dryRun, "dry-run", false, "show the plan only")
	f.BoolVar(&o.identity, "aws-identity", false, awsIdentityFlag)
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.DurationVar(&o.wait, "wait", 2*time.Minute, "wait at most so long until it is verified")
}

// incidentFlag says what a command is for, so that the incident's timeline tells of it.
func incidentFlag(cmd *cobra.Command, id *string) {
	cmd.Flags().StringVar(id, "incident", "", "the incident it is for, by its ID")
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
		return c.nothingToDo(begun, o.kind)
	}
	return c.follow(ctx, client, begun.Action, o.wait, o.after)
}

// planned shows a plan. ends says that it is all there is to do.
func (c *cli) planned(plan *admin.Planned, o *acting) (ends bool, err error) {
	table := c.output == "table"
	if o.dryRun && !table {
		return true, errors.Join(one(c, o.kind, plan), refusal(plan))
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
		return true, c.nothingToDo(plan, o.kind)
	}
	return o.dryRun, nil
}

// nothingToDo ends well: the key is as it was asked for.
func (c *cli) nothingToDo(plan *admin.Planned, kind listing[*admin.Planned]) error {
	if c.output != "table" {
		return one(c, kind, plan)
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

func planListing() listing[*admin.Planned] {
	return listing[*admin.Planned]{schema: "rotd.plans/1", kind: "plan"}
}

// refusal is the error of a plan that is not carried out.
func refusal(plan *admin.Planned) error {
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
