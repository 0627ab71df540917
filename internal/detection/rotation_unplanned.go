package detection

import (
	"fmt"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
)

// Three rotations on demand of one key within a day are more than anybody plans.
const (
	unplannedMany   = 3
	unplannedWindow = 24 * time.Hour
)

func rotationUnplanned() Rule {
	return Rule{
		ID: "rotation-unplanned", Title: "A key was rotated on demand, and not by rotd",
		Severity: finding.Medium, Wants: wants("RotateKeyOnDemand"), Remembers: true,
		Excused: OwnOrLet, Judge: judgeRotationUnplanned,
		Doc: Doc{
			Meaning: "Somebody rotated a key on demand. That harms no data, but KMS allows it 25 times in a key's " +
				"whole life and gives none back: whoever uses them up leaves nothing for the day the key must be " +
				"rotated at once.",
			Condition: "RotateKeyOnDemand that succeeded and is not rotd's own call. HIGH at the third of the same " +
				"key within 24 hours of event time; repeated records of one call count once.",
			Tuning: "`principals.allow` of the policy makes a principal's rotations expected: they are " +
				"INFORMATIONAL and do not count towards HIGH.",
			FalsePositives: "An engineer who rotates by hand after an incident.",
			Response: "Ask why. See how much of the budget is left, and take kms:RotateKeyOnDemand from who does not " +
				"need it.",
		},
	}
}

func judgeRotationUnplanned(c *Context, ev *events.Event) []Found {
	if ev.Failed() || c.Own {
		return nil
	}
	t := c.target(ev)
	f := Found{About: t, Remedy: []string{
		"See who rotated it, and how often:",
		t.cli("list-key-rotations"),
		"If nobody meant to, take kms:RotateKeyOnDemand from that principal.",
	}}
	count := 0
	if !c.policyOf(&t).Allows(ev.UserIdentity.PrincipalARN()) {
		count = c.Memory.Count("rotation-unplanned\x00"+t.subject().ID, firstTold(ev), ev.EventTime, unplannedWindow)
	}
	often := ""
	if count >= unplannedMany {
		f.Severity = finding.High
		f.Title = "A key is being rotated on demand again and again"
		often = fmt.Sprintf("This is rotation number %d of it within 24 hours.", count)
	}
	f.Description = sentences(
		fmt.Sprintf("%s rotated %s on demand.", who(ev), t.name()), often,
		fmt.Sprintf("KMS allows %d rotations on demand in a key's whole life and gives none back.",
			inventory.OnDemandLimit),
		budget(t.key),
		"Earlier ciphertext stays decryptable; nobody lost access.")
	return one(f)
}

// firstTold is the eventID of the record that first told of the call: CloudTrail amends records under new ids.
func firstTold(ev *events.Event) string {
	if original := ev.Addendum.Get("originalEventID").Text(); original != "" {
		return original
	}
	return ev.EventID
}

// budget says how many rotations on demand the key had used when last read.
func budget(key *inventory.Key) string {
	if key == nil || key.Rotation == nil || key.Rotation.HistoryAt.IsZero() {
		return ""
	}
	return fmt.Sprintf("When last read, at %s, it had used %d.", stamp(key.Rotation.HistoryAt),
		key.Rotation.OnDemandUsed())
}
