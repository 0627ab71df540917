package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

// containOptions are the flags of contain.
type containOptions struct {
	request admin.ContainRequest
	yes     bool
	wait    time.Duration
}

func newContainCommand(c *cli) *cobra.Command {
	var o containOptions
	cmd := &cobra.Command{
		Use:   "contain KEY [measures] --reason TEXT",
		Short: "Revoke grants, disable the key or cancel its deletion",
		Long: prose("Hold a key that an intruder uses or destroys. KEY is an id, ARN, alias or alias ARN. Without a measure "+
			"the command says who uses the key and what each measure would break.",
			"Measures: --cancel-deletion (and enable the key), --retire-alias, --revoke or --revoke-all, --disable. They are "+
				"taken in this order, the least destructive first. Revoking a grant cannot be undone; --undo takes back the "+
				"others. No key is deleted, and no key policy changed.",
			"What it breaks is shown first, then asked. The command waits until KMS shows each measure, at most --wait; then "+
				"it ends with 3 and the daemon goes on. Of a disabled key rotd reminds before its data is lost for good."),
		Example: "  rotd contain alias/payments\n" +
			"  rotd contain alias/payments --revoke-all --disable --reason 'stolen role' --emergency\n" +
			"  rotd contain alias/payments --cancel-deletion --reason 'nobody meant to delete it'\n" +
			"  rotd contain alias/payments --undo act_01JPK… --reason 'all clear'",
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.request.Key = args[0]
			if err := c.checkContain(cmd, &o); err != nil {
				return err
			}
			return c.contain(cmd, &o)
		},
	}
	f, r := cmd.Flags(), &o.request
	f.BoolVar(&r.CancelDeletion, "cancel-deletion", false, "cancel the scheduled deletion, and enable the key")
	f.StringArrayVar(&r.RetireAliases, "retire-alias", nil, "delete this alias; may be given several times")
	f.StringArrayVar(&r.RevokeGrants, "revoke", nil, "revoke the grant with this id, for good; may be given several times")
	f.BoolVar(&r.RevokeAll, "revoke-all", false, "revoke every grant, for good")
	f.BoolVar(&r.Disable, "disable", false, "disable the key")
	f.StringVar(&r.Undo, "undo", "", "take back what the containment with this action ID did")
	f.StringVar(&r.Reason, "reason", "", "why, for the audit log and whoever is told (required)")
	f.StringVar(&r.Ticket, "ticket", "", "a ticket's number")
	f.StringVar(&r.Incident, "incident", "", "the incident it is for, by its ID")
	f.BoolVar(&r.Emergency, "emergency", false, "pass the guardrails that a person may pass; audited and alerted")
	f.BoolVar(&r.DryRun, "dry-run", false, "show the plan only")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.DurationVar(&o.wait, "wait", 2*time.Minute, "wait at most so long until it is verified")
	return cmd
}

// checkContain refuses what cannot be meant, before anybody is asked.
func (c *cli) checkContain(cmd *cobra.Command, o *containOptions) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	r := &o.request
	notAlias := func(name string) bool { return !strings.HasPrefix(name, "alias/") }
	switch i := slices.IndexFunc(r.RetireAliases, notAlias); {
	case i >= 0:
		return wrongUse(cmd, "--retire-alias %s: an alias begins with alias/", r.RetireAliases[i])
	case r.Undo != "" && r.Measures():
		return wrongUse(cmd, "--undo takes back what an action did, and goes with no measure")
	case r.DryRun || r.Undo == "" && !r.Measures(): // nothing is done
	case strings.TrimSpace(r.Reason) == "":
		return wrongUse(cmd, "--reason is required: it goes into the audit log and the alerts")
	case !o.yes && !c.terminal.in:
		return wrongUse(cmd, "there is no terminal to ask on; --yes says that nobody needs to be asked")
	case o.wait < 0:
		return wrongUse(cmd, "--wait %v is negative", o.wait)
	}
	return nil
}

// contain shows what the measures break, asks, begins and waits.
func (c *cli) contain(cmd *cobra.Command, o *containOptions) error {
	ctx := cmd.Context()
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	trial := o.request
	trial.DryRun = true
	plan, err := client.Contain(ctx, trial)
	if err != nil {
		if errors.Is(err, admin.ErrNoDaemon) {
			c.containByHand(&o.request)
		}
		return err
	}
	if o.request.Undo == "" && !o.request.Measures() {
		return c.preview(cmd, plan, o.request.DryRun)
	}
	if ends, err := c.plannedToContain(plan, o); ends || err != nil {
		return err
	}
	if !o.yes {
		if err := c.confirm(ctx, "Go on?"); err != nil {
			return err
		}
	}
	o.request.Identity = plan.Identity
	begun, err := client.Contain(ctx, o.request)
	if err != nil {
		return notBegun(err, o.request.Key)
	}
	return c.follow(ctx, client, begun.Action, o.wait, nil)
}

// preview says what each measure would break, none being chosen. Only a dry run was asked for no more than that.
func (c *cli) preview(cmd *cobra.Command, plan *admin.ContainPlan, asked bool) error {
	if c.output == "table" {
		c.printImpact(plan.Impact)
		fmt.Fprintln(c.out)
	} else if err := one(c, containmentListing(), plan); err != nil {
		return err
	}
	if asked {
		return nil
	}
	return wrongUse(cmd, "no measure was chosen, and nothing was done; there are --cancel-deletion, "+
		"--retire-alias ALIAS, --revoke GRANT, --revoke-all and --disable")
}

// plannedToContain shows a plan. ends says that it is all there is to do.
func (c *cli) plannedToContain(plan *admin.ContainPlan, o *containOptions) (ends bool, err error) {
	why, refused := plan.Refused()
	if refused {
		err = exit(admin.ExitRefused, "refused (%s): %s", plan.Decision.Guardrail, why)
	}
	switch {
	case c.output == "table":
		c.printContainPlan(plan, &o.request)
		if refused { // the plan has said why
			err = exit(admin.ExitRefused, "refused (%s); nothing was done", plan.Decision.Guardrail)
		}
	case o.request.DryRun:
		err = errors.Join(one(c, containmentListing(), plan), err)
	}
	return o.request.DryRun || err != nil, err
}

func containmentListing() listing[*admin.ContainPlan] {
	return listing[*admin.ContainPlan]{schema: admin.SchemaContainment, kind: "containment"}
}

// undoing prints how what an action did is undone, call by call.
func (c *cli) undoing(a *remediation.Action) {
	for i := range a.Calls {
		call := &a.Calls[i]
		if call.Operation == remediation.DisableKey && call.Done != nil && call.Skipped == "" {
			c.labelled(labelWidth, "deadline", "kept: rotd reminds after 1, 3, 5 and 6 days, before what is under the key is "+
				"lost for good. When and what, now:")
			fmt.Fprintf(c.out, "    rotd findings list --key %s\n", argument(a.KeyARN))
		}
		switch {
		case a.Verb != remediation.Contain || call.Done == nil || call.Skipped != "":
		case call.Undo == "":
			c.labelled(labelWidth, "for good", clean(call.Words()))
		default:
			c.labelled(labelWidth, "undo", call.Words()+":")
			fmt.Fprintln(c.out, "    "+clean(call.Undo))
		}
	}
	if a.Undoable() {
		c.labelled(labelWidth, "undo all", "what can be undone, by rotd:")
		emergency := ""
		if a.Emergency { // what had to be passed then is passed by nobody's plain word now
			emergency = " --emergency"
		}
		fmt.Fprintf(c.out, "    rotd contain %s --undo %s%s --reason TEXT\n", argument(a.KeyARN), a.ID, emergency)
	}
}
