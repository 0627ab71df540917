package detection

import (
	"fmt"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// usedLately is how recent a use makes a key one in use.
const usedLately = 30 * 24 * time.Hour

func keyDeletionScheduled() Rule {
	return Rule{
		ID: "key-deletion-scheduled", Title: "A key's deletion was scheduled",
		Severity: finding.High, Mitre: []string{"T1485"}, Wants: wants("ScheduleKeyDeletion"),
		Excused: Own, Judge: judgeKeyDeletionScheduled, Over: deletionCancelled,
		Ends:    "the key no longer scheduled for deletion",
		Inverse: []string{"CancelKeyDeletion"}, Remedies: []string{policy.RespondRestore},
		Doc: Doc{
			Meaning: "Somebody scheduled a key for deletion. It stopped working at that moment; at the deadline it " +
				"is gone, and with it for ever everything it has encrypted. Until then this can be undone.",
			Condition: "ScheduleKeyDeletion that succeeded. CRITICAL when the key was used in the 30 days before, by " +
				"events or by what KMS itself told last (GetKeyLastUsage). " +
				"The deadline told is the event's time and waiting time (30 days when not given); DescribeKey has " +
				"the true one.",
			Tuning: "`detections.severity` sets another severity. `respond: [{rule: key-deletion-scheduled, action: " +
				"restore}]` in a policy cancels the deletion, and enables the key if it was enabled before; once per key in " +
				"7 days.",
			FalsePositives: "Planned clean-up of keys that nothing uses.",
			Response: "Cancel first, ask then: the two commands bring the key back as it was. Afterwards see who may " +
				"call kms:ScheduleKeyDeletion.",
		},
	}
}

func judgeKeyDeletionScheduled(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	t := c.target(ev)
	f := Found{About: t, Remedy: undoDeletion(&t)}
	at, used := c.lastUse(&t)
	if !at.IsZero() && ev.EventTime.Sub(at) <= usedLately {
		f.Severity, f.Title = finding.Critical, "A key in use was scheduled for deletion"
	}
	f.Description = sentences(
		fmt.Sprintf("%s scheduled the deletion of %s.", who(ev), t.name()),
		"The key does not work any more;", deadline(ev),
		"what it has encrypted can then never be read again, by nobody.", used)
	return one(f)
}

// deadline is when the key is gone, in a clause.
func deadline(ev *events.Event) string {
	window, given := ev.PendingWindowInDays()
	if !given {
		if window, given = intOf(ev.ResponseElements.Get("pendingWindowInDays")); !given {
			window = 30
		}
	}
	if ev.ResponseElements.Get("keyState").Text() == "PendingReplicaDeletion" {
		return fmt.Sprintf("it is deleted %d days after the last of its replicas is, and", window)
	}
	return fmt.Sprintf("it is deleted about %s (%d days after the call; DescribeKey has the true date), and",
		stamp(ev.EventTime.AddDate(0, 0, window)), window)
}

func intOf(v events.RawJSON) (int, bool) {
	n, ok := v.Int()
	return int(n), ok
}

// undoDeletion is how to bring the key back: a cancelled deletion leaves it disabled.
func undoDeletion(t *target) []string {
	return []string{
		"Unless this is meant, undo it now; cancelling leaves the key disabled, so both:",
		t.cli("cancel-key-deletion"),
		t.cli("enable-key"),
		"See who uses it:",
		t.history(),
	}
}

func deletionCancelled(f *finding.Finding, key *inventory.Key, _ *policy.Policy) (bool, string) {
	if !readAfter(f, key, false) || key.State == "" || key.GoneAt != nil || deleting(key) {
		return false, ""
	}
	return true, "KMS shows the key no longer scheduled for deletion; it is " + key.State
}

func deleting(key *inventory.Key) bool {
	return key.State == "PendingDeletion" || key.State == "PendingReplicaDeletion"
}
