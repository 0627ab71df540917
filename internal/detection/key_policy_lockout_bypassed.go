package detection

import (
	"rotd/internal/events"
	"rotd/internal/finding"
)

func keyPolicyLockoutBypassed() Rule {
	return Rule{
		ID: "key-policy-lockout-bypassed", Title: "KMS was told not to check a key policy for a lock-out",
		Severity: finding.High, Mitre: []string{"T1098"}, Wants: wants("CreateKey", "PutKeyPolicy", "ReplicateKey"),
		Excused: OwnOrLet, Judge: judgeKeyPolicyLockoutBypassed, Over: policyLetsOwnerIn,
		Ends: "a key policy that lets the owner's account change it",
		Doc: Doc{
			Meaning: "KMS refuses a key policy that its caller could not change again, unless it is told not to look " +
				"(bypassPolicyLockoutSafetyCheck). Somebody told it so: such a key can end up without an " +
				"administrator, and only AWS Support brings it back.",
			Condition: "CreateKey, PutKeyPolicy or ReplicateKey that succeeded with bypassPolicyLockoutSafetyCheck " +
				"true, whatever the policy says. Whether it locks the owner out key-policy-owner-removed judges.",
			Tuning: "`principals.allow` of the policy makes a pipeline's calls on keys that rotd knows expected.",
			FalsePositives: "Infrastructure as code that creates keys for administrators other than itself and sets " +
				"the option always.",
			Response: "See whether the policy still lets an administrator of yours in, and why the check was switched off.",
		},
	}
}

func judgeKeyPolicyLockoutBypassed(c *Context, ev *events.Event) []Found {
	if ev.Failed() || !ev.BypassesPolicyLockoutCheck() {
		return nil
	}
	p := c.policyChange(ev)
	verdict := p.unread
	switch out, why := p.locksOut(); {
	case out:
		verdict = "And the policy does lock the owner out: " + why + "."
	case p.policy != nil:
		verdict = "By the policy as set, the account can still change it."
	case p.unread == "":
		verdict = "The call brought no policy: KMS's default lets the account in."
	}
	return one(Found{
		About: p.about,
		Description: sentences(p.set(ev), "It told KMS not to check whether the policy locks its caller out "+
			"(bypassPolicyLockoutSafetyCheck).", verdict),
		Remedy: p.remedy("See who may administer the key now:"),
	})
}
