package state

import (
	"fmt"

	"rotd/internal/policy"
)

// Assignment returns what is remembered of a key that a tag or alias change moved; nil when there is nothing.
func (tx *Tx) Assignment(arn string) (*policy.Assignment, error) {
	a, ok, err := getJSON[policy.Assignment](tx.bucket(bucketAssignments), []byte(arn))
	if err != nil || !ok {
		return nil, err
	}
	return &a, nil
}

// SetAssignment remembers it; nil forgets it. A key that the inventory does not know has none, so that there are never
// more than keys.
func (tx *Tx) SetAssignment(arn string, a *policy.Assignment) error {
	b := tx.bucket(bucketAssignments)
	if a == nil || !tx.Knows(arn) {
		if b.Get([]byte(arn)) == nil {
			return nil
		}
		if err := b.Delete([]byte(arn)); err != nil {
			return fmt.Errorf("forget a key's assignment: %w", err)
		}
		return nil
	}
	if err := putJSON(b, []byte(arn), a); err != nil {
		return fmt.Errorf("store a key's assignment: %w", err)
	}
	return nil
}
