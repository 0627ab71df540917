package state

import (
	"fmt"

	"rotd/internal/inventory"
)

// LowestBudget is the key with the fewest on-demand rotations left, of those that have fewer than all; "" when there is
// none.
func (tx *Tx) LowestBudget() (arn string, left int) {
	k, _ := tx.bucket(bucketBudgets).Cursor().First()
	if len(k) < 2 {
		return "", 0
	}
	return string(k[1:]), int(k[0])
}

// setBudget moves a key to where it stands by the rotations it has left.
func (tx *Tx) setBudget(before, now *inventory.Key) error {
	budgets := tx.bucket(bucketBudgets)
	if at := budgetKey(before); at != nil {
		if err := budgets.Delete(at); err != nil {
			return fmt.Errorf("forget a key's budget: %w", err)
		}
	}
	if at := budgetKey(now); at != nil {
		if err := budgets.Put(at, present()); err != nil {
			return fmt.Errorf("store a key's budget: %w", err)
		}
	}
	return nil
}

// budgetKey is `<left: 1 byte><ARN>`; nil for a key of which nothing is used, or not known, or that is gone.
func budgetKey(key *inventory.Key) []byte {
	if key == nil || key.GoneAt != nil || key.Rotation == nil || key.Rotation.HistoryAt.IsZero() {
		return nil
	}
	used := key.Rotation.OnDemandUsed()
	if used == 0 {
		return nil
	}
	left := byte(max(0, inventory.OnDemandLimit-used)) //nolint:gosec // 0 to 24
	return append([]byte{left}, key.ARN...)
}
