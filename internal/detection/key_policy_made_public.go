package detection

import (
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func keyPolicyMadePublic() Rule {
	return Rule{
		ID: "key-policy-made-public", Title: "A key policy lets every AWS account in",
		Severity: finding.Critical, Mitre: []string{"T1098"}, Wants: wants("CreateKey", "PutKeyPolicy", "ReplicateKey"),
		Judge: judgeKeyPolicyMadePublic, Over: policyNotPublic,
		Ends: "a key policy that is not public",
		Doc: Doc{
			Meaning: "A key was given a policy with a statement that lets anybody with an AWS account decrypt with " +
				"it or administer it. Whoever gets at the ciphertext can read it; whoever finds the key can lock " +
				"its owner out.",
			Condition: "CreateKey, PutKeyPolicy or ReplicateKey that succeeded and whose policy allows `*` a " +
				"decrypting or administering action, with no condition or Deny that surely narrows it to an " +
				"account, organization or network. Nothing excuses it. A policy that cannot be read is not called " +
				"public: key-policy-changed tells of it.",
			Tuning: "None.",
			FalsePositives: "A condition rotd does not know to narrow. Use aws:PrincipalOrgID, aws:PrincipalAccount, " +
				"kms:CallerAccount or aws:SourceAccount.",
			Response: "Put the former policy back at once, then look who used the key since (rotd keys usage, " +
				"CloudTrail). Rotating does not help: old ciphertext stays readable to whoever may use the key.",
		},
	}
}

func judgeKeyPolicyMadePublic(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	p := c.policyChange(ev)
	if p.policy == nil {
		return nil
	}
	exposures := p.policy.Public(p.owner())
	if len(exposures) == 0 {
		return nil
	}
	return one(Found{
		About:       p.about,
		Description: sentences(p.set(ev), "Anybody with an AWS account may now use or administer it.", whys(exposures)),
		Remedy: append(p.remedy("Take the statement out of the policy now:"),
			"Then see who used the key since:", p.about.history()),
	})
}

func policyNotPublic(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	known := knownPolicy(key)
	if known == nil || !readAfter(f, key, true) || key.WasDenied("GetKeyPolicy") ||
		len(known.Public(ownerOf(key))) > 0 {
		return false, ""
	}
	return true, "KMS shows a key policy that is not public"
}
