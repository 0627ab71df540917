package main

import (
	"fmt"
	"strings"

	"rotd/internal/admin"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/usage"
)

// printPlan shows what a rotation would do, as whoever has to decide on it at 3 a.m. needs it.
func (c *cli) printPlan(p *admin.Planned, r *admin.RotateRequest) {
	now, k := c.now(), &p.Key
	what := "new key material now, by RotateKeyOnDemand"
	if p.Material != "" {
		what = "new key material now, by ImportKeyMaterial and RotateKeyOnDemand"
	}
	if r.AutomaticDays > 0 {
		what = fmt.Sprintf("automatic rotation every %d days, by EnableKeyRotation", r.AutomaticDays)
	}
	for _, line := range wrap(fmt.Sprintf("Rotate %s: %s", k.Name(), what), c.columns()) {
		fmt.Fprintln(c.out, c.styled(bold, line))
	}
	fmt.Fprintln(c.out)
	c.field("key", k.ARN)
	c.field("is", keyState(admin.Key{Key: *k})+", "+keyKind(k))
	able := p.Eligible.OnDemand
	if r.AutomaticDays > 0 {
		able = p.Eligible.Automatic
	}
	c.field("can rotate", eligibleText(p, able))
	if k.Rotation != nil {
		c.field("schedule", scheduleText(now, k.Rotation))
	}
	c.field("last rotated", lastRotatedText(now, k))
	c.field("last use", lastUseText(now, p.LastUse))
	c.field("used by", usedByText(p.Used))
	if !able {
		return
	}
	c.field("material", p.Material)
	c.field("what breaks", p.Breaks)
	c.field("costs", p.Cost)
	if r.AutomaticDays == 0 {
		c.field("budget", fmt.Sprintf("%d of %d rotations on demand left in the key's life, %d of them in reserve", p.Left,
			inventory.OnDemandLimit, p.Reserve))
	}
	c.field("guardrails", standing(p.Action, &p.Decision, p.NoAction))
	for _, w := range p.Warnings {
		c.field("WARNING", w)
	}
	c.field("reason", r.Reason)
	c.field("ticket", r.Ticket)
	c.field("incident", r.Incident)
}

// usedByText is who used the key lately; nothing when that is not known.
func usedByText(used *usage.Brief) string {
	switch {
	case used == nil:
		return ""
	case used.Calls == 0:
		return "nobody in the last 30 days, as far as events tell"
	}
	names := make([]string, len(used.Most))
	for i, arn := range used.Most {
		names[i] = principalText(usage.Principal{ARN: arn})
	}
	most := ""
	if len(names) < used.Principals {
		most = "most "
	}
	return fmt.Sprintf("%s in the last 30 days, %sby %s", plural(used.Principals, "principal", "principals"), most,
		strings.Join(names, ", "))
}

func eligibleText(p *admin.Planned, able bool) string {
	answer := "NO. "
	if able {
		answer = "yes. "
	}
	return answer + strings.TrimSpace(p.Eligible.Reason+" "+p.Eligible.Instead)
}

// standing says how a plan stands with the guardrails.
func standing(a *remediation.Action, d *remediation.Decision, noAction string) string {
	switch {
	case d.Verdict == remediation.Refuse && noAction != "":
		return "CANNOT: " + noAction
	case a == nil:
		return "not asked: it is so already"
	case d.Verdict == remediation.Refuse:
		return fmt.Sprintf("REFUSED (%s): %s", d.Guardrail, d.Reason)
	case d.Verdict == remediation.Wait:
		return fmt.Sprintf("waits (%s): %s", d.Guardrail, d.Reason)
	case d.Verdict == remediation.NeedsApproval:
		return fmt.Sprintf("needs approval (%s): %s", d.Guardrail, d.Reason)
	case len(d.Overridden) > 0:
		return "--emergency passes " + strings.Join(d.Overridden, ", ") + "; this is audited and alerted"
	}
	return "nothing stands in the way"
}

// byHand prints what to do when there is no daemon to do it.
func (c *cli) byHand(r *admin.RotateRequest) {
	key, region := r.Key, regionOption(r.Key)
	what := "The same with the AWS CLI, unguarded and unaudited by rotd"
	if r.DryRun {
		what = "What a plan is made from, read with the AWS CLI"
	}
	hint(c.err, "No daemon answers. %s:\n", what)
	if strings.Contains(key, "alias/") {
		// Neither RotateKeyOnDemand nor EnableKeyRotation takes an alias.
		hint(c.err, "  KEY=$(aws kms describe-key --key-id %s%s \\\n    --query KeyMetadata.KeyId --output text)",
			argument(key), region)
		key = `"$KEY"`
	} else {
		key = argument(key)
	}
	if r.DryRun {
		hint(c.err, "  aws kms describe-key --key-id %s%s", key, region)
		hint(c.err, "  aws kms get-key-rotation-status --key-id %s%s", key, region)
		hint(c.err, "  aws kms list-key-rotations --key-id %s%s\n", key, region)
		return
	}
	if r.AutomaticDays > 0 {
		hint(c.err, "  aws kms enable-key-rotation --key-id %s%s \\\n    --rotation-period-in-days %d", key, region,
			r.AutomaticDays)
		hint(c.err, "  aws kms get-key-rotation-status --key-id %s%s\n", key, region)
		return
	}
	hint(c.err, "  aws kms rotate-key-on-demand --key-id %s%s", key, region)
	hint(c.err, "  aws kms list-key-rotations --key-id %s%s\n", key, region)
}

// regionOption is the AWS CLI's option for the Region that an ARN names, "" when the name is none.
func regionOption(name string) string {
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return " --region " + argument(parts[3])
	}
	return ""
}
