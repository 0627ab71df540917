package state

import (
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// Check reads every page of the file and returns everything wrong with it, at most 100 errors joined.
func (db *DB) Check() error {
	var wrong []error
	err := db.bolt.View(func(btx *bbolt.Tx) error {
		for err := range btx.Check() {
			if len(wrong) < 100 {
				wrong = append(wrong, err)
			}
		}
		return nil
	})
	if err := errors.Join(append(wrong, err)...); err != nil {
		return fmt.Errorf("state %s is damaged: %w", db.path, err)
	}
	return nil
}
