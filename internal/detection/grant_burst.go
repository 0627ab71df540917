package detection

import (
	"fmt"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func grantBurst() Rule {
	return Rule{
		ID: "grant-burst", Title: "One principal makes grant after grant",
		Severity: finding.Medium, Mitre: []string{"T1098"}, Wants: wants("CreateGrant"), Remembers: true,
		Params: grantParams(), PerPrincipal: true, Judge: judgeGrantBurst,
		Doc: Doc{
			Meaning: "One principal made grants by the dozen. AWS services need many; a person or a pipeline does not, and " +
				"a single odd one is easily hidden among them.",
			Condition: fmt.Sprintf("%d CreateGrants or more within %s of event time by one principal, in whichever order the "+
				"events come. A grant counts once, however often it is told or asked for again. Not counted: refused calls, "+
				"rotd's own, grants to AWS services and their linked roles, and calls that a service made by itself for the "+
				"principal (EBS, RDS, Auto Scaling…) other than those that make any call they are told to (Step Functions, "+
				"Scheduler, Systems Manager…). One finding for each principal, account and Region. LOW from the fourth day "+
				"within four weeks on which the principal does so: it is its way.", grantParams()[first].Default,
				days(burstWindow)),
			Tuning:         "`detections.severity` sets another severity.",
			FalsePositives: "An application that makes a grant for each of its tenants or jobs.",
			Response:       "See to whom the grants are, and revoke those that nobody meant; ask the principal's owner why.",
		},
	}
}

func judgeGrantBurst(c *Context, ev *events.Event) []Found {
	if ev.Failed() || c.Own || madeByService(ev) {
		return nil
	}
	if g, _ := granteeOf(ev); c.ofService(&g, ev) {
		return nil
	}
	t := c.target(ev)
	grant := ev.ResponseElements.Get("grantId").Text()
	if grant == "" {
		grant = firstTold(ev)
	}
	by := ev.UserIdentity.PrincipalARN()
	if by == "" {
		by = "account:" + t.account // whoever it was: they are counted together
	}
	count := c.Memory.Count("grant-burst\x00"+by, grant, ev.EventTime, burstWindow)
	if count < c.param(first) {
		return nil
	}
	milder := finding.Informational
	if c.habit("grant-burst", by, ev.EventTime) {
		milder = finding.Low
	}
	return one(Found{
		Milder: milder, About: target{partition: t.partition, account: t.account, region: t.region},
		Description: sentences(
			fmt.Sprintf("%s made at least %d grants within %s; the latest is on %s.", who(ev), count, days(burstWindow),
				t.name()),
			"Grants are seen neither in key policies nor in IAM, and last until they are revoked."),
		Remedy: []string{
			"See to whom they are:",
			callsOf("CreateGrant", t.region),
			t.cli("list-grants"),
			"Revoke what nobody meant, grant by grant:",
			t.cli("revoke-grant", "grant-id", "GRANT-ID"),
		},
	})
}

// madeByService reports whether an AWS service made the call by itself, in its own name or for its user. A service
// that makes whatever call it is told to hides nobody.
func madeByService(ev *events.Event) bool {
	if ev.UserIdentity.Type == events.AWSService {
		return true
	}
	switch by := ev.UserIdentity.InvokedBy; by {
	case "", "states.amazonaws.com", "scheduler.amazonaws.com", "ssm.amazonaws.com", "events.amazonaws.com",
		"pipes.amazonaws.com":
		return false
	default:
		return by == "AWS Internal" || strings.HasSuffix(by, ".amazonaws.com")
	}
}
