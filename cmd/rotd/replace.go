package main

import (
	"context"

	"github.com/spf13/cobra"

	"rotd/internal/admin"
)

func newReplaceCommand(c *cli) *cobra.Command {
	var (
		r admin.ReplaceRequest
		o acting
	)
	cmd := &cobra.Command{
		Use:   "replace KEY --reason TEXT",
		Short: "Make a new key like this one and move its aliases there",
		Long: prose("Make a new key like this one and move its aliases there: for keys that cannot rotate (asymmetric, "+
			"HMAC, custom key stores), or for another spec. KEY is an id, ARN, alias or alias ARN.",
			"The plan is shown first. The new key gets the old one's policy, tags, description, grants and replicas, and the "+
				"rotation that its policy asks for. The old key stays enabled: what it has encrypted or signed needs it, and "+
				"whoever names it by id or ARN goes on using it. rotd watches that and says when it is quiet. What a failed "+
				"replacement made is gone on with: no second key is made. `rotd undo-alias` moves the aliases back."),
		Example: "  rotd replace alias/signing --reason 'yearly, PCI DSS 3.7.4'\n" +
			"  rotd replace alias/signing --spec RSA_3072 --reason 'RSA_2048 ends in 2030'\n" +
			"  rotd replace alias/signing --dry-run",
		Args: exactly("a KEY (id, ARN, alias or alias ARN)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Key = args[0]
			o.key, o.dryRun = args[0], r.DryRun
			o.ask = func(ctx context.Context, client *admin.Client, dryRun bool) (*admin.Planned, error) {
				asked := r
				asked.DryRun = dryRun
				return client.Replace(ctx, asked)
			}
			o.show = func(plan *admin.Planned) { c.printReplacePlan(plan, &r) }
			o.byHand = func() { c.replaceByHand(&r) }
			o.after = c.printIaC
			return c.act(cmd, r.Reason, &o)
		},
	}
	o.flags(cmd, &r.Reason, &r.Ticket, &r.Incident, &r.Emergency, &r.BreakGlass, &r.DryRun)
	f := cmd.Flags()
	f.StringVar(&r.Spec, "spec", "", "the new key's spec, of the same type as the old one's, such as RSA_3072")
	f.BoolVar(&r.WithoutGrants, "without-grants", false, "leave grants to those who made them")
	return cmd
}

func newUndoAliasCommand(c *cli) *cobra.Command {
	var (
		r admin.UndoAliasRequest
		o acting
	)
	cmd := &cobra.Command{
		Use:   "undo-alias ACTION|KEY --reason TEXT",
		Short: "Move the aliases back that a replacement moved",
		Long: prose("Move the aliases back that a replacement moved. ACTION is its id; KEY the old key or the new one: an "+
			"id, ARN, alias or alias ARN.",
			"Both keys stay enabled: what was encrypted or signed meanwhile needs the new one. It works within "+
				"guardrails.undo_window of the replacement. Replacing again goes on with the new key."),
		Example: "  rotd undo-alias act_01JPK00000000000000000AAAA --reason 'callers cannot verify'\n" +
			"  rotd undo-alias alias/signing --dry-run",
		Args: exactly("the ACTION that replaced a key, or the KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name = args[0]
			o.key, o.dryRun = args[0], r.DryRun
			o.ask = func(ctx context.Context, client *admin.Client, dryRun bool) (*admin.Planned, error) {
				asked := r
				asked.DryRun = dryRun
				return client.UndoAlias(ctx, asked)
			}
			o.show = func(plan *admin.Planned) { c.printUndoPlan(plan, &r) }
			o.byHand = c.undoByHand
			return c.act(cmd, r.Reason, &o)
		},
	}
	o.flags(cmd, &r.Reason, &r.Ticket, &r.Incident, &r.Emergency, &r.BreakGlass, &r.DryRun)
	return cmd
}
