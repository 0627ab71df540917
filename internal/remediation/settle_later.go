package remediation

import (
	"slices"

	"rotd/internal/inventory"
)

// DisabledAfterAll settles a containment that asked KMS to disable a key and ended without having seen that: as read
// since, the key is disabled. The action stays failed, but what it did is then known and can be taken back. False where
// there is nothing to settle. Whether it was that call can be told no more than a week later, and does not matter then:
// what can still be saved under a disabled key is lost by that time.
func DisabledAfterAll(a Action, key *inventory.Key) (Action, bool) {
	c := *a.Current()
	if a.Verb != Contain || a.State != Failed || c.Operation != DisableKey || c.Done != nil || a.Attempts <= a.Rejected ||
		key.ARN != a.KeyARN || key.State != disabled || key.StateSince.Before(a.CalledAt) ||
		key.StateSince.Sub(a.CalledAt) > DatabasesLast {
		return a, false
	}
	seen := key.StateSince
	c.Done, c.CalledAt, c.RequestID, c.Lost = &seen, a.CalledAt, a.RequestID, a.lost()
	a.Calls = slices.Clone(a.Calls)
	a.Calls[a.At] = c
	a.Outcome = join(a.Outcome, "Since "+stamp(seen)+" KMS shows it after all: the key is disabled.")
	return a, true
}
