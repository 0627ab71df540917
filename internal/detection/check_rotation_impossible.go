package detection

import (
	"fmt"
	"strconv"

	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

func rotationImpossible() Check {
	return Check{
		ID: "rotation-impossible", Title: "The policy asks for what the key cannot do", Severity: finding.Medium,
		Judge: judgeRotationImpossible,
		Doc: Doc{
			Meaning: "The key's policy asks for a rotation that KMS does not make for this kind of key. As long as " +
				"policy and key do not fit, nothing renews its material and nobody is told that it grows old.",
			Condition: "A key that can only be replaced (asymmetric, HMAC, in a custom key store) under method auto, " +
				"automatic or on-demand; a key with imported material under method automatic, or under auto with a period " +
				"when `imported_material` names no source of new material. " +
				"Not judged: AWS managed keys, replicas (judged at their primary), keys that are not enabled, keys " +
				"without a policy, method none. A spec, usage or origin that rotd does not know is unverifiable.",
			Tuning: "`match` of the policy: `specs` and `origins` keep keys out of it; a policy of method replace or " +
				"none takes them.",
			FalsePositives: "A policy without `match` that takes every key: give those that cannot rotate a policy " +
				"of their own before it.",
			Response: "Give the key a policy whose method it can do; the finding says which is left.",
		},
	}
}

func judgeRotationImpossible(c *KeyContext) Verdict {
	if v, ok := c.rotationApplies(); !ok {
		return v
	}
	want := c.Policy.Rotation
	e := remediation.Eligibility(c.Key)
	switch e.Kind {
	case remediation.KindReplaceOnly:
		if want.Method == policy.Replace {
			return inOrder("policy " + c.Policy.Name + " asks for a new key, the only way for this one")
		}
		return c.impossible(e, "Left is method replace: a new key, and the alias moved to it.",
			"Give the key a policy of method replace (or none, with a reason), before the one that matches it now:")
	case remediation.KindImported:
		if want.Method != policy.Automatic && (c.Imports || want.Method != policy.Auto || want.PeriodDays() == 0) {
			return inOrder("policy " + c.Policy.Name + " asks for nothing that imported material rules out")
		}
		return c.impossible(e, c.importing(),
			"Give the key a policy of method on-demand, before the one that matches it now:")
	case remediation.KindRotatable:
		return inOrder("KMS can rotate this key by its schedule and on demand")
	case remediation.KindUnknown:
		return unverifiable(e.Reason)
	case remediation.KindReplica, remediation.KindNotYours, remediation.KindNotNow, remediation.KindGone:
	}
	return notJudged(e.Reason)
}

func (c *KeyContext) impossible(e remediation.Eligible, left, change string) Verdict {
	t := c.on()
	remedy := []string{
		change,
		fmt.Sprintf("match: {specs: [%s], origins: [%s]}", shown(c.Key.Spec), shown(c.Key.Origin)),
		"rotd keys show " + argument(c.Key.ARN),
	}
	if e.Instead != "" {
		remedy = append(remedy, e.Instead)
	}
	return drift("The policy asks for a rotation that this key cannot do",
		sentences(fmt.Sprintf("For %s, %s.", t.name(), asked(c.Policy, wanted(c.Policy))), e.Reason, left,
			"Until policy and key fit, its material is never renewed."),
		remedy...)
}

// importing is what is left for a key with imported material.
func (c *KeyContext) importing() string {
	if c.Imports {
		return "Left is method on-demand or auto: rotd imports new material, and rotates to it."
	}
	return "Left is method on-demand, each time after somebody imported new material; or name a source of new material " +
		"under imported_material in rotd.yaml, and rotd imports it."
}

// wanted is what a policy's method asks for, in words.
func wanted(p *policy.Policy) string {
	days := p.Rotation.PeriodDays()
	switch {
	case p.Rotation.Method == policy.OnDemand:
		return "rotation on demand"
	case days > 0:
		return "rotation every " + strconv.Itoa(days) + " days"
	}
	return "rotation (method " + string(p.Rotation.Method) + ")"
}
