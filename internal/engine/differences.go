package engine

import (
	"maps"
	"slices"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/state"
)

// difference is a change between two readings of a key.
type difference struct {
	state.Change
	since time.Time // it happened no earlier
}

// differences are what changed between two readings that events tell of, each with the operations that do it. Only what
// both readings show counts, and only what the second one read anew.
func differences(before, after *inventory.Key) []difference {
	var found []difference
	add := func(since time.Time, what string, operations ...string) {
		found = append(found, difference{state.Change{What: what, Operations: operations}, since})
	}
	if before.Manager != after.Manager || after.Manager != "CUSTOMER" {
		return nil
	}
	if before.GoneAt == nil && after.GoneAt != nil {
		add(before.ReadAt, "deleted", "DeleteKey")
		return found
	}
	if after.ReadAt.After(before.ReadAt) {
		since := before.ReadAt
		if before.State != after.State && lasting(before.State) && lasting(after.State) {
			add(since, "state "+before.State+" → "+after.State, stateOperations...)
		}
		if was, is := before.Rotation, after.Rotation; was != nil && is != nil {
			switch {
			case was.Enabled && !is.Enabled:
				add(since, "rotation turned off", slices.Concat([]string{"DisableKeyRotation"}, stateOperations)...)
			case !was.Enabled && is.Enabled:
				add(since, "rotation turned on", slices.Concat([]string{"EnableKeyRotation"}, stateOperations)...)
			case was.PeriodDays != is.PeriodDays:
				add(since, "rotation period", "EnableKeyRotation")
			}
		}
		if before.CurrentMaterial != "" && after.CurrentMaterial != "" && before.CurrentMaterial != after.CurrentMaterial {
			add(since, "new material", "RotateKey", "RotateKeyOnDemand", "ImportKeyMaterial")
		}
	}
	if after.FullAt.After(before.FullAt) && !before.FullAt.IsZero() {
		since := before.FullAt
		if before.Policy != after.Policy && before.Policy != "" && after.Policy != "" {
			add(since, "key policy", "PutKeyPolicy")
		}
		if !maps.Equal(before.Tags, after.Tags) {
			add(since, "tags", "TagResource", "UntagResource")
		}
	}
	if after.AliasesAt.After(before.AliasesAt) && !slices.Equal(before.Aliases, after.Aliases) {
		add(before.AliasesAt, "aliases", "CreateAlias", "UpdateAlias", "DeleteAlias")
	}
	return found
}

// stateOperations change a key's state, and with it whether it rotates.
var stateOperations = []string{
	"EnableKey", "DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "ImportKeyMaterial",
	"DeleteImportedKeyMaterial", "DeleteExpiredKeyMaterial",
}

// lasting says that a key does not leave a state without an operation: in others KMS is still at work, or cannot reach
// a custom key store.
func lasting(state string) bool {
	return state == "Enabled" || state == "Disabled" || state == "PendingDeletion" || state == "PendingImport"
}
