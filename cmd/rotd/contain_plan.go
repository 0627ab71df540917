package main

import (
	"fmt"
	"strings"

	"rotd/internal/admin"
	"rotd/internal/impact"
	"rotd/internal/remediation"
)

// manyCalls take about a minute.
const manyCalls = 60

// printContainPlan shows what a containment would do and break, as whoever has to decide on it needs it.
func (c *cli) printContainPlan(p *admin.Planned, r *admin.ContainRequest) {
	c.printWorth(p.Impact)
	chosen := *p.Impact
	if p.Action != nil {
		chosen.Measures = measuresOf(p)
	}
	if p.Action == nil || len(chosen.Measures) > 0 {
		c.printMeasures(&chosen)
	}
	if p.Action != nil {
		c.heading("What is done, in this order")
		for i := range p.Action.Calls {
			c.printStep(i+1, &p.Action.Calls[i])
		}
		if n := len(p.Action.Calls); n > manyCalls && r.Disable {
			c.paragraph("", fmt.Sprintf("The key is disabled last, after %d other calls that take about a second each. "+
				"--disable by itself stops its use at once; revoke the grants then.", n-1))
		}
	}
	fmt.Fprintln(c.out)
	c.field("guardrails", standing(p.Action, &p.Decision, p.NoAction))
	for _, w := range p.Warnings {
		c.field("WARNING", w)
	}
	c.field("reason", r.Reason)
	c.field("ticket", r.Ticket)
	c.field("incident", r.Incident)
}

// printStep prints one call of a containment that is planned: a grant to be revoked with its whole id.
func (c *cli) printStep(n int, call *remediation.Call) {
	text := call.Words()
	if g := call.Grant; g != nil {
		text = fmt.Sprintf("grant %s of %s revoked, which lets it %s", g.ID, g.Grantee, strings.Join(g.Operations, ", "))
	}
	c.labelled(4, fmt.Sprintf("%d.", n), clean(text)+" ("+string(call.Operation)+")")
	switch call.Operation {
	case remediation.RevokeGrant:
		c.indented("undo", "NEVER: a grant that is revoked cannot be brought back")
	case remediation.CancelKeyDeletion:
	default:
		c.indented("undo", call.Undo)
	}
}

// measuresOf are the measures of an assessment that a plan takes.
func measuresOf(p *admin.Planned) (taken []impact.Measure) {
	for i := range p.Impact.Measures {
		m := &p.Impact.Measures[i]
		for j := range p.Action.Calls {
			if takes(&p.Action.Calls[j], m) && m.Applies {
				taken = append(taken, *m)
			}
		}
	}
	return taken
}

// takes reports whether a call takes a measure.
func takes(c *remediation.Call, m *impact.Measure) bool {
	switch m.Kind {
	case impact.CancelDeletion:
		return c.Operation == remediation.CancelKeyDeletion
	case impact.Enable:
		return c.Operation == remediation.EnableKey
	case impact.RevokeGrant:
		return c.Operation == remediation.RevokeGrant && c.Grant.ID == m.Subject
	case impact.RetireAlias:
		return c.Operation == remediation.DeleteAlias && c.Alias == m.Subject
	case impact.Disable:
		return c.Operation == remediation.DisableKey
	case impact.RevokeGrants: // each is a measure of its own
	}
	return false
}

// containByHand prints what to do when there is no daemon to do it.
func (c *cli) containByHand(r *admin.ContainRequest) {
	key, region := r.Key, regionOption(r.Key)
	if r.DryRun || r.Undo == "" && !r.Measures() {
		hint(c.err, "No daemon answers. What a plan is made from, read with the AWS CLI:\n")
	} else {
		hint(c.err, "No daemon answers. The same with the AWS CLI, unguarded and unaudited by rotd:\n")
	}
	if strings.Contains(key, "alias/") { // few of these calls take an alias
		hint(c.err, "  KEY=$(aws kms describe-key --key-id %s%s \\\n    --query KeyMetadata.KeyId --output text)",
			argument(key), region)
		key = `"$KEY"`
	} else {
		key = argument(key)
	}
	run := func(command string) { hint(c.err, "  aws kms %s%s", command, region) }
	remark := func(command, remark string) { hint(c.err, "  aws kms %s%s  # %s", command, region, remark) }
	run("describe-key --key-id " + key)
	run("list-grants --key-id " + key)
	if r.DryRun {
		run("list-aliases --key-id " + key)
		hint(c.err, "")
		return
	}
	if r.CancelDeletion {
		run("cancel-key-deletion --key-id " + key)
		run("enable-key --key-id " + key)
	}
	for _, alias := range r.RetireAliases {
		run("delete-alias --alias-name " + argument(alias))
	}
	for _, id := range r.RevokeGrants {
		run("revoke-grant --key-id " + key + " --grant-id " + argument(id))
	}
	if r.RevokeAll {
		remark("revoke-grant --key-id "+key+" --grant-id GRANT", "each of those listed")
	}
	if r.Disable {
		run("disable-key --key-id " + key)
	}
	if r.Undo != "" {
		remark("enable-key --key-id "+key, "if it was disabled")
		remark("create-alias --alias-name ALIAS --target-key-id "+key, "each that was retired")
	}
	hint(c.err, "")
}
