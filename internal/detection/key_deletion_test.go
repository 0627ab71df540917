package detection

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func pendingWindow(days any) object {
	return asking(object{"keyId": payARN, "pendingWindowInDays": days})
}

func TestKeyDeletionScheduled(t *testing.T) {
	const title, inUse = "A key's deletion was scheduled", "A key in use was scheduled for deletion"
	used := func(ago time.Duration) func(*world) {
		return func(w *world) { w.uses[payARN] = noon.Add(-ago) }
	}
	testRule(t, keyDeletionScheduled(), []ruleTest{
		{
			name: "a key in use", world: used(3 * 24 * time.Hour),
			events: []object{record("ScheduleKeyDeletion", pendingWindow(20))}, want: []string{"CRITICAL " + inUse},
			says: []string{
				"it is deleted about 2026-12-10 12:00Z (20 days after the call;", "last seen used at 2026-11-17 12:00Z",
				"aws kms cancel-key-deletion --key-id " + payARN + " --region eu-west-1",
				"aws kms enable-key --key-id " + payARN + " --region eu-west-1",
			},
		},
		{
			name: "a key that nobody was seen using", events: []object{record("ScheduleKeyDeletion")},
			want: []string{"HIGH " + title}, says: []string{"about 2026-12-20 12:00Z (30 days", "that proves none"},
		},
		{
			name: "a key used exactly 30 days ago", world: used(30 * 24 * time.Hour),
			events: []object{record("ScheduleKeyDeletion")}, want: []string{"CRITICAL " + inUse},
		},
		{
			name: "a key used 31 days ago", world: used(31 * 24 * time.Hour),
			events: []object{record("ScheduleKeyDeletion")}, want: []string{"HIGH " + title},
		},
		{
			name: "a key that KMS itself calls used, from before rotd saw events",
			world: func(w *world) {
				used := noon.Add(-20 * 24 * time.Hour)
				w.keys[payARN].LastUsage = &inventory.LastUsage{ReadAt: noon.Add(-time.Hour), At: &used}
			},
			events: []object{record("ScheduleKeyDeletion")}, want: []string{"CRITICAL " + inUse},
			says: []string{"last seen used at 2026-10-31 12:00Z"},
		},
		{
			name: "a primary with replicas", events: []object{record("ScheduleKeyDeletion", object{
				"responseElements": object{"keyState": "PendingReplicaDeletion", "pendingWindowInDays": 15},
			})},
			want: []string{"HIGH " + title}, says: []string{"15 days after the last of its replicas is"},
		},
		{
			name: "rotd itself", world: func(w *world) { w.own = true; w.uses[payARN] = noon },
			events: []object{record("ScheduleKeyDeletion")}, want: []string{"INFORMATIONAL expected " + inUse},
		},
		{
			name: "an allowed principal is not excused", events: []object{record("ScheduleKeyDeletion", by("pay-api"))},
			want: []string{"HIGH " + title},
		},
		{name: "refused", events: []object{record("ScheduleKeyDeletion", failing("AccessDenied"))}},
		{
			name:   "already scheduled",
			events: []object{record("ScheduleKeyDeletion", failing("KMSInvalidStateException"))},
		},
		{name: "cancelled", events: []object{record("CancelKeyDeletion")}},
		{name: "an alias deleted", events: []object{record("DeleteAlias")}},
	})
}

func TestKeyDeletionScheduledIsOver(t *testing.T) {
	testOver(t, keyDeletionScheduled(), record("ScheduleKeyDeletion"), []overTest{
		{"disabled", inState("Disabled", time.Minute), "KMS shows the key no longer scheduled for deletion; it is " +
			"Disabled"},
		{"enabled", inState("Enabled", time.Minute), "KMS shows the key no longer scheduled for deletion; it is " +
			"Enabled"},
		{"enabled before the call", inState("Enabled", -time.Minute), ""},
		{"scheduled", inState("PendingDeletion", time.Minute), ""},
		{"scheduled after its replicas", inState("PendingReplicaDeletion", time.Minute), ""},
		{"not described", inState("", time.Minute), ""},
	})
}

func TestKeyDeletionWindowShort(t *testing.T) {
	testRule(t, keyDeletionWindowShort(), []ruleTest{
		{
			name: "seven days", events: []object{record("ScheduleKeyDeletion", pendingWindow(7))},
			want: []string{"HIGH A key is to be deleted after the shortest waiting time"},
			says: []string{"only 7 days", "Around 2026-11-27 12:00Z", "--pending-window-in-days 30 --region eu-west-1"},
		},
		{
			name: "seven days as text", events: []object{record("ScheduleKeyDeletion", pendingWindow("7"))},
			want: []string{"HIGH A key is to be deleted after the shortest waiting time"},
		},
		{
			name: "rotd itself", world: func(w *world) { w.own = true },
			events: []object{record("ScheduleKeyDeletion", pendingWindow(7))},
			want:   []string{"INFORMATIONAL expected A key is to be deleted after the shortest waiting time"},
		},
		{name: "eight days", events: []object{record("ScheduleKeyDeletion", pendingWindow(8))}},
		{name: "thirty days, by default", events: []object{record("ScheduleKeyDeletion")}},
		{name: "refused", events: []object{record("ScheduleKeyDeletion", pendingWindow(7), failing("AccessDenied"))}},
	})
}

func TestKeyDeletionCancelled(t *testing.T) {
	testRule(t, keyDeletionCancelled(), []ruleTest{
		{
			name: "a deletion is cancelled", events: []object{record("CancelKeyDeletion")},
			want: []string{"INFORMATIONAL A key's deletion was cancelled"},
			says: []string{"stays disabled until it is enabled", "aws kms enable-key --key-id " + payARN},
		},
		{
			name: "a key is enabled", events: []object{record("EnableKey")},
			want: []string{"INFORMATIONAL A key was enabled"}, says: []string{"aws kms disable-key --key-id " + payARN},
		},
		{
			name: "rotd does both", world: func(w *world) { w.own = true },
			events: []object{record("CancelKeyDeletion"), record("EnableKey")},
			want: []string{
				"INFORMATIONAL expected A key's deletion was cancelled", "INFORMATIONAL expected A key was enabled",
			},
		},
		{name: "refused", events: []object{record("CancelKeyDeletion", failing("AccessDenied"))}},
		{name: "nothing to cancel", events: []object{record("CancelKeyDeletion", failing("KMSInvalidStateException"))}},
		{name: "rotation enabled", events: []object{record("EnableKeyRotation")}},
	})
}

func TestKeyDeleted(t *testing.T) {
	const title = "A key was deleted for good"
	backing := func(status any) object {
		return object{"additionalEventData": object{"backingKeysDeletionStatus": status}}
	}
	testRule(t, keyDeleted(), []ruleTest{
		{
			name: "KMS deletes a key", events: []object{record("DeleteKey", byKMS())},
			want: []string{"CRITICAL " + title},
			says: []string{"KMS deleted alias/payments; its waiting time was over."},
		},
		{
			name: "a backing key stays", events: []object{record("DeleteKey", byKMS(),
				backing(`[{"keyHandle":"16","deletionStatus":"FAILURE"},`+
					`{"keyHandle":"17","deletionStatus":"SUCCESS"}]`))},
			want: []string{"CRITICAL " + title}, says: []string{" 1 of 2 backing keys"},
		},
		{
			name: "two backing keys stay", events: []object{record("DeleteKey", byKMS(),
				backing(`[{"deletionStatus":"FAILURE"},{"deletionStatus":"SUCCESS"},{"deletionStatus":"FAILURE"}]`))},
			want: []string{"CRITICAL " + title}, says: []string{" 2 of 3 backing keys"},
		},
		{
			name:   "the backing keys' status is unreadable",
			events: []object{record("DeleteKey", byKMS(), backing("[{"))},
			want:   []string{"CRITICAL " + title}, says: []string{"does not say in a way rotd can read"},
		},
		{
			name: "a replica",
			world: func(w *world) {
				w.keys[payARN].MultiRegion, w.keys[payARN].PrimaryARN = "REPLICA", otherARN
			},
			events: []object{record("DeleteKey", byKMS())}, want: []string{"CRITICAL " + title},
			says: []string{"can be made again from " + otherARN},
		},
		{name: "no service event", events: []object{record("DeleteKey")}},
		{name: "scheduled only", events: []object{record("ScheduleKeyDeletion")}},
		{name: "a rotation", events: []object{record("RotateKey", byKMS())}},
	})
}

func TestNativeDeletionIsFound(t *testing.T) {
	ev := decode(t, record("DeleteKey", byKMS()))
	ev.Native = true
	found, _ := newJudge([]Rule{keyDeleted()}, nil, Settings{}).Event(newWorld().context(), ev)
	if len(found) != 1 || found[0].KeyARN != payARN {
		t.Errorf("found %+v", found)
	}
}
