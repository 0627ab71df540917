package detection

import (
	"fmt"

	"rotd/internal/finding"
)

func keyPolicyPublic() Check {
	return Check{
		ID: "key-policy-public", Title: "The key policy lets every AWS account in", Severity: finding.Critical,
		Whole: true, Judge: judgeKeyPolicyPublic,
		Doc: Doc{
			Meaning: "The key's policy, as KMS shows it, has a statement that lets anybody with an AWS account " +
				"decrypt with the key or administer it, whoever set it and whenever.",
			Condition: "An Allow for `*` with a decrypting or administering action and no condition or Deny that " +
				"surely narrows it to an account, organization or network. What narrows: kms:CallerAccount, " +
				"aws:PrincipalAccount, aws:PrincipalArn, aws:PrincipalOrgID, aws:PrincipalOrgPaths, " +
				"aws:SourceAccount, aws:SourceArn, aws:SourceOrgID, aws:SourceVpc, aws:SourceVpce and their like, " +
				"with values that are nobody else's. What does not: kms:ViaService alone, encryption contexts, " +
				"kms:GrantIsForAWSResource, tags, …IfExists and ForAllValues without a Null condition that requires " +
				"the key, negated operators. Judged on each customer managed key, replicas by themselves, when the " +
				"key is read whole. A policy that is denied or cannot be understood is key-unverifiable.",
			Tuning: "None.",
			FalsePositives: "A condition rotd does not know to narrow. Use aws:PrincipalOrgID, aws:PrincipalAccount, " +
				"kms:CallerAccount or aws:SourceAccount.",
			Response: "Take the statement out at once, then look who used the key. Rotating does not help: old " +
				"ciphertext stays readable to whoever may use the key.",
		},
	}
}

func judgeKeyPolicyPublic(c *KeyContext) Verdict {
	judged, v, ok := c.policyVerdict()
	if !ok {
		return v
	}
	if len(judged.Public) == 0 {
		return inOrder("no statement of the key policy lets every AWS account decrypt with the key or administer it")
	}
	t := c.on()
	v = drift("The key policy lets every AWS account in",
		sentences(fmt.Sprintf("By the key policy of %s, as read at %s, anybody with an AWS account may use or "+
			"administer the key.", t.name(), stamp(c.Key.FullAt)), whys(judged.Public)),
		policyRemedy(t, "Take the statement out of the policy now, or narrow it to accounts or an organization:")...)
	v.told("", "key-policy-made-public", c.Key, "")
	return v
}
