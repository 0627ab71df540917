package main

import (
	"fmt"
	"strings"

	"rotd/internal/admin"
)

// printReplacePlan shows what a replacement would do.
func (c *cli) printReplacePlan(p *admin.Planned, r *admin.ReplaceRequest) {
	c.printSteps(p, "Replace "+p.Key.Name()+": a new key, and the aliases moved to it", r.Reason, r.Ticket, r.Incident)
	if p.Action == nil {
		return
	}
	c.field("code", "Terraform or CloudFormation that manages the key or its aliases moves the aliases back when it next "+
		"runs: change it at once. The lines come at the end.")
	if r.DryRun {
		c.printIaC(p.Action)
	}
}

// printUndoPlan shows what moving aliases back would do.
func (c *cli) printUndoPlan(p *admin.Planned, r *admin.UndoAliasRequest) {
	c.printSteps(p, "Move the aliases back to "+p.Key.ARN, r.Reason, r.Ticket, r.Incident)
}

// printSteps shows a plan of several calls.
func (c *cli) printSteps(p *admin.Planned, title, reason, ticket, incident string) {
	k := &p.Key
	for _, line := range wrap(title, c.columns()) {
		fmt.Fprintln(c.out, c.styled(bold, line))
	}
	fmt.Fprintln(c.out)
	c.field("key", k.ARN)
	c.field("is", keyState(admin.Key{Key: *k})+", "+keyKind(k))
	c.field("last use", lastUseText(c.now(), p.LastUse))
	c.field("used by", usedByText(p.Used))
	if p.Action != nil {
		for i := range p.Action.Calls {
			label := ""
			if i == 0 {
				label = "does"
			}
			c.field(label, fmt.Sprintf("%d. %s", i+1, p.Action.Calls[i].Words()))
		}
		c.field("what breaks", p.Breaks)
		c.field("costs", p.Cost)
	}
	c.field("guardrails", standing(p.Action, &p.Decision, p.NoAction))
	for _, w := range p.Warnings {
		c.field("WARNING", w)
	}
	c.field("reason", reason)
	c.field("ticket", ticket)
	c.field("incident", incident)
}

// replaceByHand prints what to do when there is no daemon to do it.
func (c *cli) replaceByHand(r *admin.ReplaceRequest) {
	key, alias := argument(r.Key), "alias/NAME"
	if i := strings.Index(r.Key, "alias/"); i >= 0 {
		alias = argument(r.Key[i:])
	}
	region := regionOption(r.Key)
	hint(c.err, "No daemon answers. The same with the AWS CLI, unguarded and unaudited by rotd. See what the key is:\n")
	hint(c.err, "  aws kms describe-key --key-id %s%s", key, region)
	if r.DryRun {
		hint(c.err, "")
		return
	}
	hint(c.err, "  OLD=$(aws kms describe-key --key-id %s%s \\\n    --query KeyMetadata.Arn --output text)", key, region)
	hint(c.err, "  aws kms get-key-policy --key-id \"$OLD\"%s \\\n    --query Policy --output text > policy.json", region)
	hint(c.err, "\nMake one like it (spec and usage as shown above), then move each alias; keep the old key enabled:\n")
	hint(c.err, "  NEW=$(aws kms create-key%s --key-spec %s --key-usage USAGE \\\n    --policy file://policy.json "+
		"--tags TagKey=rotd:replaces,TagValue=\"$OLD\" \\\n    --query KeyMetadata.Arn --output text)", region,
		argument(orElse(r.Spec, "SPEC")))
	hint(c.err, "  aws kms list-aliases --key-id \"$OLD\"%s", region)
	hint(c.err, "  aws kms update-alias --alias-name %s --target-key-id \"$NEW\"%s", alias, region)
	hint(c.err, "  aws kms list-aliases --key-id \"$NEW\"%s\n", region)
}

// undoByHand prints what to do when there is no daemon to do it.
func (c *cli) undoByHand() {
	hint(c.err, "No daemon answers. The same with the AWS CLI, unguarded and unaudited by rotd, for each alias:\n")
	hint(c.err, "  aws kms update-alias --alias-name alias/NAME --target-key-id OLD-KEY-ID")
	hint(c.err, "  aws kms list-aliases --key-id OLD-KEY-ID\n")
}
