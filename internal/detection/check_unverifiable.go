package detection

import (
	"fmt"
	"slices"

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
			Condition: "A customer managed key of which KMS denied a read, or whose key policy is no policy that rotd " +
				"can read, or a replica under a rotation policy whose primary is in no account and Region that rotd " +
				"reads. One finding for each key; another refusal that comes to it is told again. Not judged: AWS " +
				"managed keys, which tell nobody.",
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
	}
	var all []Verdict
	for _, part := range []func() (Verdict, bool){c.denied, c.policyNotUnderstood, c.primaryNotSeen} {
		if v, found := part(); found {
			all = append(all, v)
		}
	}
	if len(all) == 0 && c.primaryMissing() {
		return unverifiable("the replica's primary has not been read yet")
	}
	if len(all) == 0 {
		return inOrder("everything about the key could be read")
	}
	whole := all[0]
	for _, v := range all[1:] {
		whole.Finding.Description = sentences(whole.Finding.Description, v.Finding.Description)
		whole.Finding.Remedy = append(whole.Finding.Remedy, v.Finding.Remedy...)
		whole.Finding.Points = append(whole.Finding.Points, v.Finding.Points...)
	}
	return whole
}

// optional tells KMS's view of a key's last use, which no posture depends on: without it a key is verifiable.
const optional = "GetKeyLastUsage"

// denied tells of the operations that KMS refused.
func (c *KeyContext) denied() (v Verdict, found bool) {
	refused := slices.DeleteFunc(slices.Clone(c.Key.Denied), func(op string) bool { return op == optional })
	if len(refused) == 0 {
		return Verdict{}, false
	}
	t := c.on()
	v = drift("KMS does not let rotd read all of the key",
		fmt.Sprintf("KMS refused %s on %s. Whether the key is in order there is unknown.", listed(refused), t.name()),
		"Allow rotd's role these actions, in IAM and in the key policy: "+listed(kmsActions(refused))+".",
		t.cli("get-key-policy", "policy-name", "default"))
	v.Finding.Points = kmsActions(refused)
	return v, true
}

// policyNotUnderstood tells of a key policy that KMS shows and rotd cannot read.
func (c *KeyContext) policyNotUnderstood() (v Verdict, found bool) {
	why := c.badPolicy()
	if why == "" {
		return Verdict{}, false
	}
	t := c.on()
	v = drift("The key policy cannot be understood",
		fmt.Sprintf("The key policy of %s cannot be judged: %s. Whom it lets in is unknown.", t.name(), why),
		"Read the policy, and report it as a bug of rotd if KMS takes it as it is:",
		t.cli("get-key-policy", "policy-name", "default"))
	v.Finding.Points = []string{"policy"}
	return v, true
}

// primaryNotSeen tells of a replica under a rotation policy whose primary is out of view.
func (c *KeyContext) primaryNotSeen() (v Verdict, found bool) {
	primary := c.Key.PrimaryARN
	if !c.primaryMissing() || c.Reads != nil && c.Reads(primary) {
		return Verdict{}, false
	}
	v = drift("The replica's primary is out of view",
		fmt.Sprintf("%s is a multi-Region replica and rotates with its primary, %s, which is in no account and Region "+
			"that rotd reads. Whether it rotates as %s is unknown.", c.on().name(), shown(primary),
			asked(c.Policy, "it")),
		"Add the primary's account and Region to `accounts` in rotd.yaml.",
		awsCLI("kms get-key-rotation-status", arnPart(primary, arnRegion), "key-id", primary))
	v.Finding.Points = []string{"primary"}
	return v, true
}

// primaryMissing reports whether the key is a replica under a rotation policy whose primary is not known.
func (c *KeyContext) primaryMissing() bool {
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
