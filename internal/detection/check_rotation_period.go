package detection

import (
	"fmt"
	"strconv"

	"rotd/internal/finding"
)

func rotationPeriodTooLong() Check {
	return Check{
		ID: "rotation-period-too-long", Title: "The rotation period is too long", Severity: finding.Medium,
		Judge: judgeRotationPeriodTooLong,
		Doc: Doc{
			Meaning: "Automatic rotation is on, but rarer than the key's policy asks for: tools that look only at " +
				"the switch call the key compliant.",
			Condition: "As rotation-disabled, with rotation on and RotationPeriodInDays above the policy's period. " +
				"Not judged while rotation is off.",
			Tuning:         "`rotation.automatic` of the policy. In mode enforce rotd sets the period by itself.",
			FalsePositives: "None known; say so if you meet one.",
			Response:       "Set the policy's period.",
		},
	}
}

func judgeRotationPeriodTooLong(c *KeyContext) Verdict {
	if v, ok := c.scheduleApplies(); !ok {
		return v
	}
	t, r, want := c.on(), c.Key.Rotation, c.Policy.Rotation.PeriodDays()
	switch {
	case !r.Enabled:
		return notJudged("automatic rotation is off, which rotation-disabled tells")
	case r.PeriodDays == 0:
		return unverifiable("KMS did not say the rotation period")
	case r.PeriodDays <= want:
		return inOrder(fmt.Sprintf("the period is %d days, and the policy asks for %d at most", r.PeriodDays, want))
	}
	next := ""
	if r.Next != nil {
		next = fmt.Sprintf("As it stands the next rotation is on %s.", r.Next.UTC().Format("2006-01-02"))
	}
	return drift("The rotation period is longer than the policy's",
		sentences(fmt.Sprintf("KMS rotates %s every %d days; %s.", t.name(), r.PeriodDays,
			asked(c.Policy, fmt.Sprintf("%d at most", want))), next),
		"Set the policy's period:",
		t.cli("enable-key-rotation", "rotation-period-in-days", strconv.Itoa(want)),
		t.rotd("rotate", fmt.Sprintf("--automatic %dd", want), "the period was too long"))
}
