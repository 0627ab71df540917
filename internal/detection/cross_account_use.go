package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func crossAccountUse() Rule {
	return Rule{
		ID: "cross-account-use", Title: "A key was used across accounts, and one of them is not trusted",
		Severity: finding.Medium, Mitre: []string{"T1078.004"}, Wants: wants(),
		Excused: OwnOrLet, Judge: judgeCrossAccountUse,
		Doc: Doc{
			Meaning: "A caller of one account used a key of another, and one of the two is neither rotd's own nor trusted. " +
				"An outsider who uses your key can read what it protects; a principal of yours who uses an outsider's key " +
				"may be sending data out, or locking you out of it.",
			Condition: "A KMS call that succeeded and uses or changes a key whose account is not the caller's, where one of " +
				"both is not trusted. Not: readings; services that call for themselves; use of an outsider's key through an " +
				"AWS service, such as reading what a partner shares (foreign-key-encryption tells of writing). One finding " +
				"for each key and outsider, in whichever account it was recorded.",
			Tuning: "`trusted_accounts` in rotd.yaml; `principals.allow` of the policy for single principals.",
			FalsePositives: "A partner's or vendor's account that is not listed as trusted yet. CloudTrail tells the key's " +
				"owner no more of an outsider than the account.",
			Response: "If you do not know the account, see what lets it in: key policy and grants. If you do, add it to " +
				"trusted_accounts.",
		},
	}
}

func judgeCrossAccountUse(c *Context, ev *events.Event) []Found {
	if ev.Failed() || isReading(ev.EventName) || serviceItself(ev) {
		return nil
	}
	caller := callerAccount(ev)
	if caller == "" {
		return nil
	}
	var found []Found
	for _, ref := range keysOf(ev) {
		owner := arnPart(ref.ARN, arnAccount)
		if owner == "" {
			owner = arnPart(ref.Name, arnAccount)
		}
		switch {
		case owner == "" || owner == caller:
		case !c.trusts(caller):
			found = append(found, usedByOutsider(c, ev, ref, caller))
		case !c.trusts(owner) && !byService(ev):
			found = append(found, usedOutside(c, ev, ref, owner))
		}
	}
	return found
}

// usedByOutsider is the use of a key by an account that is not trusted.
func usedByOutsider(c *Context, ev *events.Event, ref events.KeyRef, caller string) Found {
	t := c.targetOf(ev, ref)
	return Found{
		About: t, Discriminator: caller, Title: "A key was used by the untrusted account " + shown(caller),
		Description: fmt.Sprintf("%s, which belongs to account %s. The calling account, %s, is not trusted; whoever "+
			"controls it decides who uses the key there.", called(ev, &t), shown(t.account), shown(caller)),
		Remedy: []string{
			"If you know the account, add it to trusted_accounts in rotd.yaml. If not, see what lets it in:",
			t.cli("get-key-policy", "policy-name", "default"),
			t.cli("list-grants"),
			"See what it did with the key:",
			t.history(),
			"To cut it off, first see whom that breaks:",
			"rotd contain " + argument(t.id) + " --dry-run",
		},
	}
}

// usedOutside is the use of a key that belongs to an account that is not trusted.
func usedOutside(c *Context, ev *events.Event, ref events.KeyRef, owner string) Found {
	t := c.targetOf(ev, ref)
	return Found{
		About: t, Discriminator: owner, Title: "A key of the untrusted account " + shown(owner) + " was used",
		Description: fmt.Sprintf("%s, which belongs to account %s. That account is not trusted: what is encrypted with its "+
			"key can be read by it, and by you only as long as it lets you.", called(ev, &t), shown(owner)),
		Remedy: []string{
			"If you know the account, add it to trusted_accounts in rotd.yaml.",
			"If not, find out what was encrypted with its key, and whether you still have it otherwise.",
			lookupAccessKey(ev, ev.AWSRegion),
		},
	}
}
