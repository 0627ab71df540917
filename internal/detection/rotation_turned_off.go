package detection

import (
	"fmt"
	"strconv"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func rotationTurnedOff() Rule {
	return Rule{
		ID: "rotation-turned-off", Title: "Automatic key rotation was turned off",
		Severity: finding.High, Mitre: []string{"T1562"}, Wants: wants("DisableKeyRotation"),
		Excused: Own, Judge: judgeRotationTurnedOff, Over: rotationOnAgain,
		Ends:    "automatic rotation on",
		Inverse: []string{"EnableKeyRotation"}, Remedies: []string{policy.RespondRestore, policy.RespondRotate},
		Doc: Doc{
			Meaning: "Somebody switched a key's automatic rotation off. The key goes on working with material that " +
				"grows older; nobody notices until an audit, or until that material leaks and has encrypted years " +
				"of data.",
			Condition: "DisableKeyRotation that succeeded.",
			Tuning: "`respond: [{rule: rotation-turned-off, action: restore}]` in a policy turns rotation on again " +
				"with the policy's period.",
			FalsePositives: "Disabling and enabling again to restart the schedule: the finding ends by itself when " +
				"KMS shows rotation on.",
			Response: "Turn rotation on again with the policy's period, then ask who did it and with what permission.",
		},
	}
}

func judgeRotationTurnedOff(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	t := c.target(ev)
	period := c.wantedPeriod(&t)
	return one(Found{
		About: t,
		Description: fmt.Sprintf("%s turned automatic rotation off for %s. The key keeps working, with material "+
			"that is "+
			"never renewed any more. Turning rotation on again restarts its schedule: the next rotation is a full "+
			"period "+
			"away.", who(ev), t.name()),
		Remedy: []string{
			"Turn rotation on again:",
			t.cli("enable-key-rotation", "rotation-period-in-days", strconv.Itoa(period)),
			t.rotd("rotate", fmt.Sprintf("--automatic %dd", period), "rotation was turned off"),
			"Then find out who may call kms:DisableKeyRotation, and why.",
		},
	})
}

func rotationOnAgain(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	if !readAfter(f, key, false) || key.Rotation == nil || !key.Rotation.Enabled {
		return false, ""
	}
	return true, fmt.Sprintf("KMS shows automatic rotation on again, every %d days", key.Rotation.PeriodDays)
}

// defaultPeriod is KMS's own period, in days, when EnableKeyRotation gives none.
const defaultPeriod = 365

// wantedPeriod is the period to put back, in days: the policy's, else what the key had.
func (c *Context) wantedPeriod(t *target) int {
	if p := c.policyOf(t); p != nil && p.Rotation.PeriodDays() > 0 {
		return p.Rotation.PeriodDays()
	}
	if t.key != nil && t.key.Rotation != nil && t.key.Rotation.PeriodDays > 0 {
		return t.key.Rotation.PeriodDays
	}
	return defaultPeriod
}
