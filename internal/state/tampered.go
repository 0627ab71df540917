package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
)

// Tampered says in a clause what was done to the file under the running daemon: deleted, replaced or cut off. It is ""
// when the path still leads to the whole of the open file. What the daemon writes goes into the open file, and is gone
// with it when the daemon stops, if nothing leads there any more.
func (db *DB) Tampered() (what string, err error) {
	opened, err := db.file.Stat()
	if err != nil {
		return "", fmt.Errorf("look at the open state: %w", err)
	}
	named, err := os.Stat(db.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "it was deleted, or moved away", nil
	case err != nil: // not looked at is not in order: what lies there may be anything
		return fmt.Sprintf("its path leads nowhere any more: %v", err), nil
	case !os.SameFile(named, opened):
		return "another file was put in its place", nil
	}
	var whole int64
	if err := db.bolt.View(func(tx *bbolt.Tx) error { whole = tx.Size(); return nil }); err != nil {
		return "", fmt.Errorf("ask how large the state is: %w", err)
	}
	if now, err := db.file.Stat(); err == nil && now.Size() < whole {
		return fmt.Sprintf("it was cut off: %d bytes of %d are left", now.Size(), whole), nil
	}
	return "", nil
}
