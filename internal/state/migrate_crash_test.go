package state

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
)

// unprepared opens a state without looking at its schema, which is one that no rotd knows yet.
func unprepared(o Options) (*DB, error) {
	file, err := lockedFile(o.Path)
	if err != nil {
		return nil, err
	}
	db := &DB{file: file, path: o.Path, bounds: defaultBounds()}
	return db, db.openBolt(false)
}

// largeStep is a step that writes a megabyte, then does what is given before its transaction is committed.
func largeStep(to uint64, then func() error) migration {
	return migration{to: to, run: func(btx *bbolt.Tx) error {
		for i := range 256 {
			if err := btx.Bucket([]byte(bucketJobs)).Put(uint64Bytes(uint64(1000+i)), make([]byte, 4096)); err != nil {
				return err
			}
		}
		return errors.Join(step(to).run(btx), then())
	}}
}

// migrateKilled dies in the middle of the second step.
func migrateKilled(path string) error {
	db, err := unprepared(options(path))
	if err != nil {
		return err
	}
	killed := func() error { return syscall.Kill(os.Getpid(), syscall.SIGKILL) }
	return db.migrate(1, 4, []migration{step(2), largeStep(3, killed), step(4)}, day())
}

// TestAMigrationThatIsKilledGoesOnWithTheStepItDiedIn kills the process that migrates inside a step.
func TestAMigrationThatIsKilledGoesOnWithTheStepItDiedIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	write(t, path, filled(t, 5))
	if out, err := child(t, "migrate-killed", path).CombinedOutput(); err == nil || len(out) > 0 {
		t.Fatalf("it was not killed: %v %s", err, out)
	}
	copied := path + ".schema1-20261123T100000Z.bak"
	if d, err := Inspect(copied); err != nil || d.Schema != 1 || d.Findings != 5 {
		t.Errorf("the copy from before is %+v, %v", d, err)
	}
	goesOn(t, path, 2)
	if _, err := restoring(t, copied, path, force); err != nil { // and back
		t.Fatal(err)
	}
	same(t, "findings", count(t, openAt(t, path), func(tx *Tx) int { return tx.total(bucketFindings) }), 5)
}

// goesOn wants a file to be at a schema, and migrates it to the last one.
func goesOn(t *testing.T, path string, from uint64) {
	t.Helper()
	db, err := unprepared(options(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Check(); err != nil {
		t.Error(err)
	}
	before, _, err := db.identity()
	if err != nil || before != from {
		t.Fatalf("it is at schema %d, want %d: %v", before, from, err)
	}
	if err := db.migrate(before, 4, []migration{failing(2), step(3), step(4)}, day()); err != nil {
		t.Fatal(err)
	}
	after, _, err := db.identity()
	if err := errors.Join(err, db.Close()); err != nil || after != 4 {
		t.Errorf("it went on to schema %d, %v", after, err)
	}
}

// migrateFull has no room for the copy, and then for what the second step writes.
func migrateFull(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	db, err := unprepared(options(path))
	if err != nil {
		return err
	}
	steps := []migration{step(2), largeStep(3, func() error { return nil }), step(4)}
	for _, room := range []struct {
		bytes   uint64
		schema  uint64
		message string
	}{
		{8 << 10, 1, "copy the state before migrating it: "},
		{uint64(db.Size()), 2, "migrate the state to schema 3 (the copy from before is " + path + ".schema1-"},
	} {
		if err := limitFileSize(room.bytes); err != nil {
			return err
		}
		err := db.migrate(1, 4, steps, day())
		if err == nil || !strings.HasPrefix(err.Error(), room.message) || !strings.Contains(err.Error(), "file too large") {
			return fmt.Errorf("with room for %d bytes: %w", room.bytes, err)
		}
		if err := limitFileSize(^uint64(0)); err != nil {
			return err
		}
		if schema, _, err := db.identity(); err != nil || schema != room.schema {
			return fmt.Errorf("with room for %d bytes it is at schema %d, %w", room.bytes, schema, err)
		}
		if parts, _ := filepath.Glob(path + "*.part"); len(parts) > 0 {
			return fmt.Errorf("left over: %v", parts)
		}
	}
	return db.Close()
}

func TestAMigrationThatFindsTheDiskFullGoesOnWhenThereIsRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	write(t, path, filled(t, 5))
	if out, err := child(t, "migrate-full", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	goesOn(t, path, 2)
}
