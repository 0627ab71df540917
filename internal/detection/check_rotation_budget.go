package detection

import (
	"fmt"

	"rotd/internal/finding"
	"rotd/internal/inventory"
)

func rotationBudgetLow() Check {
	return Check{
		ID: "rotation-budget-low", Title: "Few rotations on demand are left", Severity: finding.Medium,
		Judge: judgeRotationBudgetLow,
		Doc: Doc{
			Meaning: "RotateKeyOnDemand works 25 times in a key's whole life, and AWS raises that for nobody. What is " +
				"left is at or under the reserve that rotd keeps for emergencies: when it is spent, a compromised " +
				"key cannot be rotated at once any more.",
			Condition: "25 less the on-demand rotations in ListKeyRotations is `guardrails.on_demand_reserve` or " +
				"less. Judged on every customer managed key that can rotate on demand, imported material included, " +
				"with or without a policy. Told again when none is left. Not judged: AWS managed keys, replicas " +
				"(judged at their primary), keys that are not enabled, kinds that cannot rotate. A history that " +
				"cannot be read is key-unverifiable; one that was not read since the material changed neither finds " +
				"nor ends anything.",
			Tuning:         "`guardrails.on_demand_reserve`.",
			FalsePositives: "None known; say so if you meet one.",
			Response: "Let the schedule rotate the key; plan its replacement by a new key, which begins with 25. If " +
				"something rotates it on demand again and again, stop that.",
		},
	}
}

func judgeRotationBudgetLow(c *KeyContext) Verdict {
	if v, ok := c.historyApplies(); !ok {
		return v
	}
	k := c.Key
	switch {
	case k.WasDenied("ListKeyRotations") || k.Rotation.HistoryAt.IsZero():
		return unverifiable("the key's rotations could not be read")
	case !k.HistoryCurrent():
		return unverifiable("the key's rotations were not read since its material changed")
	}
	used := k.Rotation.OnDemandUsed()
	left := max(inventory.OnDemandLimit-used, 0)
	if left > c.Reserve {
		return inOrder(fmt.Sprintf("%d of 25 rotations on demand are left, and the reserve is %d", left, c.Reserve))
	}
	points := []string{"reserve"}
	title := fmt.Sprintf("%d of 25 rotations on demand are left", left)
	state := "rotd rotates it on demand only in an emergency now."
	if left == 0 {
		title, points = "No rotation on demand is left", append(points, "none")
		state = "KMS refuses to rotate it on demand, in an emergency too; only its schedule, if it has one, still does."
	}
	t := c.on()
	v := drift(title,
		sentences(fmt.Sprintf("%d rotations on demand of %s are used of the 25 of its whole life; the reserve is %d.",
			min(used, inventory.OnDemandLimit), t.name(), c.Reserve), "AWS raises this for nobody, and nothing gives "+
			"one back.", state),
		"See who rotated it, and how often:",
		t.cli("list-key-rotations"),
		t.history(),
		"Let its schedule renew it from now on:",
		t.cli("get-key-rotation-status"),
		"Plan to replace the key: a new one begins with 25.")
	v.Finding.Points = points
	return v
}
