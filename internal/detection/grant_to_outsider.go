package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func grantToOutsider() Rule {
	return Rule{
		ID: "grant-to-outsider", Title: "A grant lets an outsider use a key",
		Severity: finding.High, Mitre: []string{"T1098"}, Wants: wants("CreateGrant"),
		Excused: Own, Judge: judgeGrantToOutsider, Over: outsidersGrantGone,
		Ends:    "no grant to the same grantee any more, of all the key has",
		Inverse: []string{"RevokeGrant", "RetireGrant"},
		Doc: Doc{
			Meaning: "Somebody granted the use of a key to an untrusted account or to a person. A grant works beside the " +
				"key policy and IAM and is seen in neither; grants are made for services and roles, and an attacker's " +
				"way to keep a key.",
			Condition: "CreateGrant that succeeded, to a principal of an account that is neither the key's nor trusted, to a " +
				"user, a federated user or an Identity Center role of any account, or to a principal whose account the " +
				"record does not tell. Roles and accounts that are trusted, AWS services and their linked roles do not " +
				"count. One finding for each key and grantee.",
			Tuning: "`trusted_accounts` in rotd.yaml.",
			FalsePositives: "A partner's account that is not listed as trusted yet; an Auto Scaling group of another " +
				"account that starts instances from a shared image.",
			Response: "If you do not know the grantee, revoke the grant; then see what was decrypted by it.",
		},
	}
}

func judgeGrantToOutsider(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	g, told := granteeOf(ev)
	if !told {
		return nil
	}
	var to string
	switch {
	case c.foreign(&g, ev):
		to = "the untrusted account " + shown(g.account)
	case g.kind == toPerson:
		to = "a person"
	case g.kind == toUnplaced:
		to = "somebody whose account it does not tell"
	default:
		return nil
	}
	t := c.target(ev)
	return one(Found{
		About: t, Title: "A grant lets " + to + " use a key", Discriminator: g.id(),
		Description: sentences(
			fmt.Sprintf("%s granted %s the use of %s (%s).", who(ev), shown(g.text), t.name(), operations(ev)),
			"A grant works beside the key policy and IAM, is seen in neither, and lasts until it is revoked."),
		Remedy: grantRemedy(&t, ev, "If you do not know who that is, revoke the grant:"),
	})
}

func outsidersGrantGone(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	if !grantGone("grant-to-outsider", f, key, func(*inventory.Grant) bool { return true }) {
		return false, ""
	}
	return true, "KMS shows no grant to it any more"
}

// operations says what the grant allows.
func operations(ev *events.Event) string {
	if all := operationsOf(ev); len(all) > 0 {
		return listed(all)
	}
	return "operations that the record leaves out"
}
