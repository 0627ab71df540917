package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

func newContainCommand(c *cli) *cobra.Command {
	var (
		r admin.ContainRequest
		o acting
	)
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
			r.Key = args[0]
			if err := checkContain(cmd, &r); err != nil {
				return err
			}
			if r.Undo == "" && !r.Measures() {
				return c.preview(cmd, &r)
			}
			o.key, o.dryRun, o.kind = args[0], r.DryRun, containmentListing()
			o.ask = func(ctx context.Context, client *admin.Client, dryRun bool) (*admin.Planned, error) {
				asked := r
				asked.DryRun = dryRun
				plan, err := client.Contain(ctx, asked)
				if err == nil && dryRun {
					r.Identity = plan.Identity // what is done is what was shown
				}
				return plan, err
			}
			o.show = func(plan *admin.Planned) { c.printContainPlan(plan, &r) }
			o.byHand = func() { c.containByHand(&r) }
			return c.act(cmd, r.Reason, &o)
		},
	}
	o.flags(cmd, &r.Reason, &r.Ticket, &r.Incident, &r.Emergency, &r.BreakGlass, &r.DryRun)
	f := cmd.Flags()
	f.BoolVar(&r.CancelDeletion, "cancel-deletion", false, "cancel the scheduled deletion, and enable the key")
	f.StringArrayVar(&r.RetireAliases, "retire-alias", nil, "delete this alias; may be given several times")
	f.StringArrayVar(&r.RevokeGrants, "revoke", nil, "revoke the grant with this id, for good; may be given several times")
	f.BoolVar(&r.RevokeAll, "revoke-all", false, "revoke every grant, for good")
	f.BoolVar(&r.Disable, "disable", false, "disable the key")
	f.StringVar(&r.Undo, "undo", "", "take back what the containment with this action ID did")
	return cmd
}

// checkContain refuses what cannot be meant, before anybody is asked.
func checkContain(cmd *cobra.Command, r *admin.ContainRequest) error {
	notAlias := func(name string) bool { return !strings.HasPrefix(name, "alias/") }
	switch i := slices.IndexFunc(r.RetireAliases, notAlias); {
	case i >= 0:
		return wrongUse(cmd, "--retire-alias %s: an alias begins with alias/", r.RetireAliases[i])
	case r.Undo != "" && r.Measures():
		return wrongUse(cmd, "--undo takes back what an action did, and goes with no measure")
	}
	return nil
}

// preview says what each measure would break, none being chosen. Only a dry run was asked for no more than that.
func (c *cli) preview(cmd *cobra.Command, r *admin.ContainRequest) error {
	if err := c.noCSV(); err != nil {
		return err
	}
	client, err := c.client()
	if err != nil {
		return err
	}
	defer client.Close()
	trial := *r
	trial.DryRun = true
	plan, err := client.Contain(cmd.Context(), trial)
	if err != nil {
		if errors.Is(err, admin.ErrNoDaemon) {
			c.containByHand(r)
		}
		return err
	}
	if c.output == "table" {
		c.printImpact(plan.Impact)
		fmt.Fprintln(c.out)
	} else if err := one(c, containmentListing(), plan); err != nil {
		return err
	}
	if r.DryRun {
		return nil
	}
	return wrongUse(cmd, "no measure was chosen, and nothing was done; there are --cancel-deletion, "+
		"--retire-alias ALIAS, --revoke GRANT, --revoke-all and --disable")
}

func containmentListing() listing[*admin.Planned] {
	return listing[*admin.Planned]{schema: admin.SchemaContainment, kind: "containment"}
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
		if a.BreakGlass {
			emergency += " --break-glass"
		}
		fmt.Fprintf(c.out, "    rotd contain %s --undo %s%s --reason TEXT\n", argument(a.KeyARN), a.ID, emergency)
	}
}
