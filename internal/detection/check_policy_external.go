package detection

import (
	"fmt"

	"rotd/internal/finding"
)

func keyPolicyExternalAccount() Check {
	return Check{
		ID: "key-policy-external-account", Title: "The key policy lets an untrusted account in",
		Severity: finding.High, Whole: true, Judge: judgeKeyPolicyExternalAccount,
		Doc: Doc{
			Meaning: "The key's policy, as KMS shows it, lets an account or organization in that is neither its " +
				"owner's nor among the trusted ones. Whoever controls that account decides who uses the key.",
			Condition: "An Allow of any action of KMS to an account, an organization or, short of what " +
				"key-policy-public finds, everybody, with no condition or Deny that surely holds it to the owner and " +
				"to who is trusted. Whoever is held to one network (VPC, endpoint, addresses) is no account. One " +
				"finding for each key; an outsider that comes to it is told again. Judged on " +
				"each customer managed key, replicas by themselves, when the key is read whole. A policy that is " +
				"denied or cannot be understood is key-unverifiable.",
			Tuning:         "`trusted_accounts` in rotd.yaml.",
			FalsePositives: "A partner's or vendor's account that is not listed as trusted yet.",
			Response: "If you do not know the account, take the statement out, and look in CloudTrail for what it " +
				"did. If you do, add it to trusted_accounts.",
		},
	}
}

func judgeKeyPolicyExternalAccount(c *KeyContext) Verdict {
	judged, v, ok := c.policyVerdict()
	if !ok {
		return v
	}
	outsiders := outsidersOf(judged.External)
	if len(outsiders) == 0 {
		return inOrder("the key policy lets in nobody but the owner and who is trusted")
	}
	newFirst(outsiders, knownPolicy(c.Before), ownerOf(c.Key))
	in, because := outsiders[0].title(), whys(outsiders[0].exposures)
	if len(outsiders) > 1 {
		in = fmt.Sprintf("%d untrusted accounts or organizations", len(outsiders))
		because = listOutsiders(outsiders)
	}
	t := c.on()
	v = drift("The key policy lets "+in+" in",
		sentences(fmt.Sprintf("The key policy of %s was read at %s.", t.name(), stamp(c.Key.FullAt)), because),
		policyRemedy(t, "Take out of the policy whom you do not know; add whom you trust to trusted_accounts in "+
			"rotd.yaml:")...)
	for i, o := range outsiders {
		if i == finding.MaxPoints-1 {
			v.Finding.Points = append(v.Finding.Points, fmt.Sprintf("%d more", len(outsiders)-i))
			break
		}
		v.Finding.Points = append(v.Finding.Points, o.id)
		v.told(o.id, "key-policy-shared-externally", c.Key, o.id)
	}
	return v
}

// listOutsiders names all outsiders, and for the first of them the statements that let them in.
func listOutsiders(outsiders []outsider) string {
	const inFull = 3
	ids := make([]string, 0, len(outsiders))
	text := ""
	for i, o := range outsiders {
		ids = append(ids, o.id)
		if i < inFull {
			text = sentences(text, whys(o.exposures[:1]))
		}
	}
	return sentences("It lets in "+listed(ids)+".", text)
}
