package state

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

// used is a key that had so many on-demand rotations.
func used(n, times int) *inventory.Key {
	k := testKey(n)
	k.Rotation = &inventory.Rotation{HistoryAt: day()}
	for i := range times {
		k.Rotation.History = append(k.Rotation.History, inventory.Rotated{
			At: day().Add(time.Duration(i) * time.Hour), Type: "ON_DEMAND",
		})
	}
	return k
}

func TestTheLowestBudgetFollowsTheKeys(t *testing.T) {
	db := openTest(t)
	gone := used(2, 25)
	at := day()
	gone.GoneAt = &at
	unknown := used(3, 24)
	unknown.Rotation.HistoryAt = time.Time{}
	for _, step := range []struct {
		what string
		key  *inventory.Key
		arn  string
		left int
	}{
		{"a key that used none", used(1, 0), "", 0},
		{"one that used two", used(2, 2), keyARN(2), 23},
		{"one of which the history is not known", unknown, keyARN(2), 23},
		{"the first uses three", used(1, 3), keyARN(1), 22},
		{"the second uses all", used(2, 25), keyARN(2), 0},
		{"and is gone", gone, keyARN(1), 22},
	} {
		update(t, db, func(tx *Tx) error { return tx.PutKey(step.key) })
		view(t, db, func(tx *Tx) error {
			arn, left := tx.LowestBudget()
			same(t, step.what, [2]any{arn, left}, [2]any{step.arn, step.left})
			return nil
		})
	}
}
