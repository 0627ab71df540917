package detection

import (
	"fmt"

	"rotd/internal/finding"
)

func keyUnmanaged() Check {
	return Check{
		ID: "key-unmanaged", Title: "No policy matches the key", Severity: finding.Low, Whole: true,
		Judge: judgeKeyUnmanaged,
		Doc: Doc{
			Meaning: "No policy of rotd.yaml matches the key: nobody has said how old its material may become, and " +
				"rotd does not judge its rotation.",
			Condition: "A customer managed key that no policy matches, judged when the key is read whole. Not " +
				"judged: AWS managed keys, keys that rotd replaced. Keys whose tags or aliases cannot be read are " +
				"key-unverifiable instead.",
			Tuning:         "A last policy without `match` takes all keys; with method none it only watches them.",
			FalsePositives: "None.",
			Response:       "Give the key a policy.",
		},
	}
}

func judgeKeyUnmanaged(c *KeyContext) Verdict {
	k := c.Key
	if v, ok := c.inUse(); !ok {
		return v
	}
	switch {
	case k.GoneAt != nil:
		return notJudged("KMS no longer knows the key")
	case k.Manager == awsManaged:
		return notJudged("AWS manages this key")
	case c.Policy != nil:
		return inOrder("policy " + c.Policy.Name + " matches the key")
	case k.Manager == "" || k.WasDenied("DescribeKey"):
		return unverifiable("KMS did not describe the key to rotd")
	case k.WasDenied("ListResourceTags") || k.WasDenied("ListAliases"):
		return unverifiable("the key's tags or aliases, by which policies match, could not be read")
	}
	t := c.on()
	return drift("No policy matches the key",
		fmt.Sprintf("%s (%s, %s) matches no policy of rotd.yaml: its rotation is not judged, and nothing is done "+
			"for it.",
			t.name(), shown(k.Spec), shown(k.Origin)),
		"Add the key's alias or tags to a policy, or add a last policy without `match`; method none only watches.",
		"rotd keys show "+argument(k.ARN))
}
