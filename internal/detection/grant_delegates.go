package detection

import (
	"fmt"
	"slices"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func grantDelegates() Rule {
	return Rule{
		ID: "grant-delegates", Title: "A grant lets its grantee make grants",
		Severity: finding.High, Mitre: []string{"T1098"}, Wants: wants("CreateGrant"),
		Excused: Own, Judge: judgeGrantDelegates, Over: delegatingGrantGone,
		Ends:    "no grant to the same grantee that allows CreateGrant any more, of all the key has",
		Inverse: []string{"RevokeGrant", "RetireGrant"},
		Doc: Doc{
			Meaning: "Somebody made a grant whose grantee may hand on what it was granted, to whom it likes and without any " +
				"other permission. Revoking the first grant does not revoke those: who once held it can stay in for good.",
			Condition: "CreateGrant that succeeded with CreateGrant among its operations, and a grantee that is not an AWS " +
				"service: EBS, RDS and others delegate to themselves all day. A service's identity or linked role in an " +
				"account that is neither the key's nor trusted counts. One finding for each key and grantee.",
			Tuning:         "`detections.severity` sets another severity.",
			FalsePositives: "A role of your own that is granted what it hands on to services, such as a launcher of instances.",
			Response: "Revoke the grant, and then every grant that its grantee made: list-grants tells the issuing account, " +
				"CloudTrail who called.",
		},
	}
}

func judgeGrantDelegates(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	g, told := granteeOf(ev)
	if c.ofService(&g, ev) || !slices.Contains(operationsOf(ev), "CreateGrant") {
		return nil
	}
	t := c.target(ev)
	to := "a grantee that the record does not name"
	if told {
		to = shown(g.text)
	}
	return one(Found{
		About: t, Discriminator: g.id(),
		Description: sentences(
			fmt.Sprintf("%s granted %s the use of %s (%s), and to make grants of its own with CreateGrant.", who(ev), to,
				t.name(), operations(ev)),
			"Whom it lets in stays in when this grant is revoked."),
		Remedy: grantRemedy(&t, ev, "Unless this is meant, revoke the grant, and those that its grantee made:"),
	})
}

func delegatingGrantGone(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	delegates := func(g *inventory.Grant) bool { return slices.Contains(g.Operations, "CreateGrant") }
	if !grantGone("grant-delegates", f, key, delegates) {
		return false, ""
	}
	return true, "KMS shows no such grant any more"
}
