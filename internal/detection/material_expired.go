package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func materialExpired() Rule {
	return Rule{
		ID: "material-expired", Title: "Imported key material expired",
		Severity: finding.Critical, Wants: wants("DeleteExpiredKeyMaterial"),
		Judge: judgeMaterialExpired, Over: keyEnabledAgain,
		Ends: "the key enabled", Inverse: []string{"ImportKeyMaterial"},
		Doc: Doc{
			Meaning: "The date set for imported material passed and KMS deleted it. The key is unusable, all of it, " +
				"even when only an older material expired.",
			Condition: "DeleteExpiredKeyMaterial, an event of the KMS service (CloudTrail's record or KMS's own " +
				"EventBridge event, told once). Nothing excuses it.",
			Tuning:         "None needed.",
			FalsePositives: "A key that was meant to end this way.",
			Response:       "Import the same material again, without a date or with a later one.",
		},
	}
}

func judgeMaterialExpired(c *Context, ev *events.Event) []Found {
	if ev.Failed() || ev.EventType != "AwsServiceEvent" {
		return nil
	}
	t := c.target(ev)
	_, used := c.lastUse(&t)
	return one(Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("KMS deleted expired imported material of %s.", t.name()),
			"The whole key is unusable until the same material is imported again.", used),
		Remedy: reimport(&t),
	})
}
