package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

func keyDisabled() Rule {
	return Rule{
		ID: "key-disabled", Title: "A key was disabled",
		Severity: finding.High, Mitre: []string{"T1489"}, Wants: wants("DisableKey"),
		Excused: Own, Judge: judgeKeyDisabled, Over: keyEnabledAgain,
		Ends:    "the key enabled",
		Inverse: []string{"EnableKey"},
		Doc: Doc{
			Meaning: "Somebody disabled a key. From now on nothing it has encrypted can be read: applications " +
				"fail, and volumes and databases follow when they next need it; RDS and Aurora instances are lost " +
				"for good after seven days without their key.",
			Condition: "DisableKey that succeeded.",
			Tuning: "`detections.severity` sets another severity. No policy can answer with a remedy yet: a person " +
				"enables the key.",
			FalsePositives: "Retiring a key the careful way, disabled for a while before its deletion: lower the " +
				"severity with `detections.severity`.",
			Response: "Unless it is meant, enable the key. See who used it lately and who is failing now " +
				"(dead-key-used).",
		},
	}
}

func judgeKeyDisabled(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	t := c.target(ev)
	_, used := c.lastUse(&t)
	return one(Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("%s disabled %s.", who(ev), t.name()),
			"Nothing that the key has encrypted can be read until it is enabled again; services notice when they next "+
				"need it, RDS and Aurora instances are lost after 7 days.", used),
		Remedy: []string{
			"Unless this is meant, enable the key:",
			t.cli("enable-key"),
			"See who uses it:",
			t.history(),
		},
	})
}

func keyEnabledAgain(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	if !readAfter(f, key, false) || key.State != "Enabled" {
		return false, ""
	}
	return true, "KMS shows the key enabled"
}
