package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// migration brings a file from the version before to its own.
type migration struct {
	to  uint64
	run func(btx *bbolt.Tx) error
}

// migrations lists the steps from version 1 on, in order.
func migrations() []migration { return nil }

// migrate runs the steps that lead from one version to another, each in a transaction of its own, after copying the
// file. What a failed one leaves is at the version of the last step that succeeded, and the next Open goes on from
// there.
func (db *DB) migrate(from, to uint64, steps []migration, now time.Time) error {
	if from == to {
		return nil
	}
	backup := fmt.Sprintf("%s%s%d-%s.bak", db.path, backupEnd, from, now.UTC().Format("20060102T150405Z"))
	if err := db.copyTo(backup); err != nil {
		return fmt.Errorf("copy the state before migrating it: %w", err)
	}
	db.Opened.Backup = backup
	for _, step := range steps {
		if step.to <= from || step.to > to {
			continue
		}
		err := db.bolt.Update(func(btx *bbolt.Tx) error {
			if err := step.run(btx); err != nil {
				return err
			}
			return btx.Bucket([]byte(bucketMeta)).Put([]byte("schema"), uint64Bytes(step.to))
		})
		if err != nil {
			return fmt.Errorf("migrate the state to schema %d (the copy from before is %s): %w", step.to, backup, err)
		}
	}
	return nil
}

// backupEnd comes before the schema in the name of a copy from before a migration.
const backupEnd = ".schema"

// wayBack says how a state that a newer rotd migrated is had again as it was before, by the copies that are there.
func wayBack(path string) string {
	copies, _ := filepath.Glob(path + backupEnd + "*-*.bak") // the pattern is one
	newest, of := "", uint64(0)
	for _, name := range copies { // of one schema in the order of time
		schema, _, _ := strings.Cut(strings.TrimPrefix(name, path+backupEnd), "-")
		n, err := strconv.ParseUint(schema, 10, 64)
		if err == nil && n >= max(of, 1) && n <= SchemaVersion {
			newest, of = name, n
		}
	}
	if newest == "" {
		return "run the newer rotd: there is no copy from before the upgrade that this one could read beside it"
	}
	return fmt.Sprintf("run the newer rotd, or go back to the copy from before the upgrade, without what happened since: "+
		"rotd state restore %s --force", newest)
}

// copyTo writes a copy of the file that is durable, and there whole or not at all.
func (db *DB) copyTo(path string) error {
	part := path + ".part"
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // beside the state
	if err != nil {
		return fmt.Errorf("create a copy: %w", err)
	}
	err = db.bolt.View(func(btx *bbolt.Tx) error {
		_, err := btx.WriteTo(file)
		return err
	})
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(part, path) //nolint:gosec // beside the state
	}
	if err != nil {
		return fmt.Errorf("write the copy: %w", errors.Join(err, removeIfThere(part)))
	}
	return syncFolder(filepath.Dir(path))
}
