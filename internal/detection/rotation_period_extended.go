package detection

import (
	"fmt"
	"strconv"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func rotationPeriodExtended() Rule {
	return Rule{
		ID: "rotation-period-extended", Title: "The rotation period was set longer than the policy's",
		Severity: finding.High, Mitre: []string{"T1562"}, Wants: wants("EnableKeyRotation"),
		Excused: Own, Judge: judgeRotationPeriodExtended, Over: periodInOrder,
		Ends:     "a period no longer than the policy's",
		Remedies: []string{policy.RespondRestore, policy.RespondRotate},
		Doc: Doc{
			Meaning: "Somebody gave a key a longer rotation period than its policy asks for. With rotation still " +
				"on this looks compliant to most tools, while the key may keep its material for seven years.",
			Condition: "EnableKeyRotation that succeeded, with a RotationPeriodInDays (365 when not given) above " +
				"the period of the policy that matches the key. Silent for keys without a policy, or whose policy " +
				"asks for no automatic rotation.",
			Tuning: "`rotation.automatic` of the policy; `respond` with `restore` puts the policy's period " +
				"back.",
			FalsePositives: "A change of the standard that has not reached rotd.yaml yet.",
			Response:       "Set the policy's period again, or change the policy if the new period is meant.",
		},
	}
}

func judgeRotationPeriodExtended(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	t := c.target(ev)
	p := c.policyOf(&t)
	if p == nil || p.Rotation.PeriodDays() == 0 || p.Rotation.Method == policy.None {
		return nil
	}
	got, given := ev.RotationPeriodInDays()
	if !given {
		got = defaultPeriod
	}
	want := p.Rotation.PeriodDays()
	if got <= want {
		return nil
	}
	return one(Found{
		About: t,
		Description: fmt.Sprintf("%s set the rotation period of %s to %d days; policy %s asks for %d at most. "+
			"Rotation "+
			"is still on, so tools that look only at that call the key compliant.", who(ev), t.name(), got,
			shown(p.Name), want),
		Remedy: []string{
			"Set the policy's period again:",
			t.cli("enable-key-rotation", "rotation-period-in-days", strconv.Itoa(want)),
			t.rotd("rotate", fmt.Sprintf("--automatic %dd", want), "the period was extended"),
			"If the longer period is meant, change rotation.automatic of the policy in rotd.yaml.",
		},
	})
}

func periodInOrder(f *finding.Finding, key *inventory.Key, p *policy.Policy) (bool, string) {
	if !readAfter(f, key, false) || key.Rotation == nil || !key.Rotation.Enabled || p == nil {
		return false, ""
	}
	want := p.Rotation.PeriodDays()
	if want == 0 || key.Rotation.PeriodDays == 0 || key.Rotation.PeriodDays > want {
		return false, ""
	}
	return true, fmt.Sprintf("KMS shows a period of %d days, and policy %s asks for %d at most",
		key.Rotation.PeriodDays, p.Name, want)
}
