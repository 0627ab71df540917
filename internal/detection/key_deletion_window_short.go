package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/policy"
)

// shortestWindow is the shortest waiting time before a deletion that KMS takes, in days; 30 is its default.
const shortestWindow = 7

func keyDeletionWindowShort() Rule {
	return Rule{
		ID: "key-deletion-window-short", Title: "A key is to be deleted after the shortest waiting time",
		Severity: finding.High, Mitre: []string{"T1485"}, Wants: wants("ScheduleKeyDeletion"),
		Excused: Own, Judge: judgeKeyDeletionWindowShort, Over: deletionCancelled,
		Ends:    "the key no longer scheduled for deletion",
		Inverse: []string{"CancelKeyDeletion"}, Remedies: []string{policy.RespondRestore},
		Doc: Doc{
			Meaning: "Somebody chose seven days before a key is deleted, KMS's least, instead of the thirty it " +
				"gives by itself. It is what attackers choose, and leaves little time to notice who still needs " +
				"the key.",
			Condition: "ScheduleKeyDeletion that succeeded with pendingWindowInDays 7. Comes besides " +
				"key-deletion-scheduled.",
			Tuning:         "Disable it where seven days are the house's rule. `respond` with `restore` cancels the deletion.",
			FalsePositives: "Scripts and test accounts that always ask for the minimum.",
			Response:       "Cancel the deletion. If the key is to go, schedule it again with 30 days.",
		},
	}
}

func judgeKeyDeletionWindowShort(c *Context, ev *events.Event) []Found {
	window, given := ev.PendingWindowInDays()
	if ev.Failed() || !given || window > shortestWindow {
		return nil
	}
	t := c.target(ev)
	return one(Found{
		About: t,
		Description: fmt.Sprintf("%s gave %s only %d days until it is deleted, the least KMS takes; it gives 30 by "+
			"itself. Around %s what the key has encrypted is lost for good.", who(ev), t.name(), window,
			stamp(ev.EventTime.AddDate(0, 0, window))),
		Remedy: append(undoDeletion(&t), "If it is to go, give it 30 days:",
			t.cli("schedule-key-deletion", "pending-window-in-days", "30")),
	})
}
