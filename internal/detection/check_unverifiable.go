package detection

import (
	"fmt"

	"rotd/internal/finding"
	"rotd/internal/policy"
)

func keyUnverifiable() Check {
	return Check{
		ID: "key-unverifiable", Title: "Part of the key cannot be read", Severity: finding.Low,
		Judge: judgeKeyUnverifiable,
		Doc: Doc{
			Meaning: "KMS refuses to tell rotd something about the key. What that would show is unknown: rotd " +
				"calls the key neither compliant nor drifting.",
			Condition: "A customer managed key of which KMS denied a read, or a replica under a rotation policy " +
				"whose primary is in no account and Region that rotd reads. Not judged: AWS managed keys, which " +
				"tell nobody.",
			Tuning:         "Let rotd's role read the key, in IAM and in the key policy; list the primary's Region.",
			FalsePositives: "Keys whose owners keep everybody out on purpose.",
			Response:       "Add the denied actions to rotd's role and to the key policy.",
		},
	}
}

func judgeKeyUnverifiable(c *KeyContext) Verdict {
	k := c.Key
	switch {
	case k.GoneAt != nil:
		return notJudged("KMS no longer knows the key")
	case k.Manager == awsManaged:
		return notJudged("AWS manages this key and does not tell its status")
	case len(k.Denied) > 0:
		t := c.on()
		return drift("KMS does not let rotd read all of the key",
			fmt.Sprintf("KMS refused %s on %s. Whether the key is in order there is unknown.", listed(k.Denied),
				t.name()),
			"Allow rotd's role these actions, in IAM and in the key policy: "+listed(kmsActions(k.Denied))+".",
			t.cli("get-key-policy", "policy-name", "default"))
	case c.primaryOutOfView():
		return drift("The replica's primary is out of view",
			fmt.Sprintf("%s is a multi-Region replica and rotates with its primary, %s, which is in no account and "+
				"Region "+
				"that rotd reads. Whether it rotates as %s is unknown.", c.on().name(), shown(k.PrimaryARN),
				asked(c.Policy, "it")),
			"Add the primary's account and Region to `accounts` in rotd.yaml.",
			awsCLI("kms get-key-rotation-status", arnPart(k.PrimaryARN, arnRegion), "key-id", k.PrimaryARN))
	}
	return inOrder("everything about the key could be read")
}

func (c *KeyContext) primaryOutOfView() bool {
	return c.Key.MultiRegion == "REPLICA" && c.Primary == nil && c.Policy != nil &&
		c.Policy.Rotation.Method != policy.None
}

func kmsActions(operations []string) []string {
	actions := make([]string, 0, len(operations))
	for _, op := range operations {
		actions = append(actions, "kms:"+op)
	}
	return actions
}
