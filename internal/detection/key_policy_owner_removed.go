package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func keyPolicyOwnerRemoved() Rule {
	return Rule{
		ID: "key-policy-owner-removed", Title: "A key policy locks the key's own account out",
		Severity: finding.Critical, Mitre: []string{"T1098"}, Wants: wants("CreateKey", "PutKeyPolicy", "ReplicateKey"),
		Judge: judgeKeyPolicyOwnerRemoved, Over: policyLetsOwnerIn,
		Ends: "a key policy that lets the owner's account change it",
		Doc: Doc{
			Meaning: "A key was given a policy that lets neither its account's root nor anybody else of the account " +
				"change it. IAM cannot mend that, and whoever is left in the policy decides over everything the key " +
				"has encrypted.",
			Condition: "CreateKey, PutKeyPolicy or ReplicateKey that succeeded and whose policy allows " +
				"kms:PutKeyPolicy to no principal of the key's own account, or takes it back by a Deny. Nothing excuses " +
				"it. A policy that cannot be read is not judged: key-policy-changed tells of it.",
			Tuning: "None.",
			FalsePositives: "None known: a policy that names a single administrator role of the account lets the " +
				"account in.",
			Response: "Try to put the former policy back as the principal that set this one. Where KMS refuses, only " +
				"AWS Support can: open a case at once.",
		},
	}
}

func judgeKeyPolicyOwnerRemoved(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	p := c.policyChange(ev)
	out, why := p.locksOut()
	if !out {
		return nil
	}
	_, used := c.lastUse(&p.about)
	return one(Found{
		About: p.about,
		Description: sentences(p.set(ev), fmt.Sprintf("It locks the owner out: %s.", why),
			"IAM policies cannot mend that.", used),
		Remedy: append(p.remedy("Put the former policy back, as the principal that set this one or as the root user:"),
			"Where KMS refuses that, only AWS Support can let the account in again: open a case at once."),
	})
}

// locksOut reports whether the policy of a change lets nobody of the owner's account change it, and why.
func (p *policyChange) locksOut() (out bool, why string) {
	if p.policy == nil {
		return false, ""
	}
	out, why = p.policy.OwnerLockedOut(p.owner())
	return out, clip(why, maxDescription/2)
}

// policyLetsOwnerIn asks whether the key policy as read lets somebody of the owner's account change it.
func policyLetsOwnerIn(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	known := knownPolicy(key)
	if known == nil || !readAfter(f, key, true) || key.WasDenied("GetKeyPolicy") {
		return false, ""
	}
	if out, _ := known.OwnerLockedOut(ownerOf(key)); out {
		return false, ""
	}
	return true, "KMS shows a key policy that lets the owner's account change it"
}
