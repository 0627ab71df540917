package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func keyDeleted() Rule {
	return Rule{
		ID: "key-deleted", Title: "A key was deleted for good",
		Severity: finding.Critical, Mitre: []string{"T1485"}, Wants: wants("DeleteKey"),
		Judge: judgeKeyDeleted,
		Doc: Doc{
			Meaning: "KMS deleted a key whose waiting time was over. Everything it has encrypted, and that has no " +
				"other key, is lost. For a key in a custom key store the record also says whether its backing keys " +
				"could be deleted.",
			Condition: "DeleteKey, an event of the KMS service (CloudTrail's record or KMS's own EventBridge " +
				"event, told once). Nothing excuses it.",
			Tuning: "Lower the severity where keys are deleted as a routine, after their waiting time was watched.",
			FalsePositives: "The planned end of a key. key-deletion-scheduled told of it days before; this is the " +
				"last word.",
			Response: "Nothing brings the key back. Find what it encrypted and restore that from copies under " +
				"other keys; a deleted replica can be made again from its primary.",
		},
	}
}

func judgeKeyDeleted(c *Context, ev *events.Event) []Found {
	if ev.Failed() || ev.EventType != "AwsServiceEvent" {
		return nil
	}
	t := c.target(ev)
	_, used := c.lastUse(&t)
	f := Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("KMS deleted %s; its waiting time was over.", t.name()),
			"What it has encrypted cannot be read any more, by nobody, unless another key protects a copy.", used,
			backingKeys(ev)),
		Remedy: []string{
			"Nothing brings the key back. Find what was encrypted with it:",
			t.history(),
			"Restore that from copies under another key, if there are any.",
		},
	}
	if t.key != nil && t.key.MultiRegion == "REPLICA" && t.key.PrimaryARN != "" {
		f.Remedy = append(f.Remedy, "It was a replica: it can be made again from "+shown(t.key.PrimaryARN)+".")
	}
	return one(f)
}

// backingKeys says when the deletion of a custom key store's backing keys failed: they are still in the cluster.
func backingKeys(ev *events.Event) string {
	status := ev.AdditionalEventData.Get("backingKeysDeletionStatus")
	if len(status) > 0 && status[0] == '"' {
		parsed, err := events.ParseRaw(status.Text())
		if err != nil {
			return "Whether its backing keys were deleted the record does not say in a way rotd can read."
		}
		status = parsed
	}
	failed, all := 0, 0
	for key := range status.Elements() {
		all++
		if key.Get("deletionStatus").Text() != "SUCCESS" {
			failed++
		}
	}
	if failed == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d backing keys in its key store could not be deleted: they are still in the cluster "+
		"and "+
		"must be deleted there by hand.", failed, all)
}
