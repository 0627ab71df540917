package history

import (
	"time"

	"rotd/internal/inventory"
)

// Diff returns what a reading shows to have changed, in the order of the table of facts; nothing when all is as it was.
// now is when the reading is kept. When a key was read is no fact.
func Diff(before, after *inventory.Key, now time.Time) []Entry {
	var changes []Entry
	for _, f := range followed {
		if f.same(before, after) {
			continue
		}
		changes = append(changes, entry(f.kind, f.when(before), f.when(after), now))
		c := &changes[len(changes)-1]
		c.Before, c.After = f.get(before), f.get(after)
	}
	changes = diffRotations(changes, before, after, now)
	return diffGrants(changes, before, after, now)
}

// followed is the table, made once: Diff runs for every key of every sweep.
var followed = facts()

// entry is a change that happened between two readings.
func entry(kind Kind, before, after window, now time.Time) Entry {
	seen := after.ended
	if seen.IsZero() || seen.After(now) {
		seen = now
	}
	return Entry{Kind: kind, NotBefore: before.began, SeenAt: seen, Began: after.began, Kept: now}
}

// Cancels reports whether a change takes back the one before it only because two readings overlapped: the value that
// it goes back to was read before, or while, the other reading ended. Neither is then known to be the later, and both
// together are no change; the next reading shows which it was.
func (e *Entry) Cancels(last *Entry) bool {
	return e.Kind == last.Kind && e.Began.Before(last.SeenAt) &&
		string(e.After) == string(last.Before) && string(e.Before) == string(last.After)
}
