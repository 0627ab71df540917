package detection

import (
	"fmt"
	"strconv"

	"rotd/internal/finding"
)

func rotationDisabled() Check {
	return Check{
		ID: "rotation-disabled", Title: "Automatic rotation is off", Severity: finding.High,
		Judge: judgeRotationDisabled,
		Doc: Doc{
			Meaning: "The key's policy asks for automatic rotation and KMS shows it off: its material grows older " +
				"without end.",
			Condition: "The key can rotate automatically, a policy with method auto or automatic and a period " +
				"matches it, and rotation is off. Not judged: AWS managed keys, replicas (judged at their " +
				"primary), keys that are not enabled, kinds that cannot rotate, keys without a policy or whose " +
				"policy has method none. A status that cannot be read is key-unverifiable, never drift.",
			Tuning:         "`rotation` of the policy. In mode enforce rotd turns rotation on by itself.",
			FalsePositives: "None known; say so if you meet one.",
			Response:       "Turn rotation on with the policy's period.",
		},
	}
}

func judgeRotationDisabled(c *KeyContext) Verdict {
	if v, ok := c.scheduleApplies(); !ok {
		return v
	}
	t, want := c.on(), c.Policy.Rotation.PeriodDays()
	if c.Key.Rotation.Enabled {
		return inOrder(fmt.Sprintf("automatic rotation is on, every %d days", c.Key.Rotation.PeriodDays))
	}
	return drift("Automatic rotation is off",
		fmt.Sprintf("KMS shows automatic rotation of %s off; %s. Without it the key's material is never renewed.",
			t.name(), asked(c.Policy, fmt.Sprintf("rotation every %d days", want))),
		"Turn it on with the policy's period:",
		t.cli("enable-key-rotation", "rotation-period-in-days", strconv.Itoa(want)),
		t.rotd("rotate", fmt.Sprintf("--automatic %dd", want), "rotation was off"),
		"If the key is not to rotate, give it a policy of method none that says why.")
}
