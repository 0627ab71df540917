package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// step is a migration that leaves a trace.
func step(to uint64) migration {
	return migration{to: to, run: func(btx *bbolt.Tx) error {
		return btx.Bucket([]byte(bucketJobs)).Put(uint64Bytes(to), []byte("done"))
	}}
}

func failing(to uint64) migration {
	return migration{to: to, run: func(btx *bbolt.Tx) error {
		if err := step(to).run(btx); err != nil {
			return err
		}
		return errors.New("no luck")
	}}
}

// schemaAndTraces are the schema a file is at and the migrations that left a trace.
func schemaAndTraces(t *testing.T, bolt *bbolt.DB) (schema []byte, traces int) {
	t.Helper()
	err := bolt.View(func(btx *bbolt.Tx) error {
		schema = bytes.Clone(btx.Bucket([]byte(bucketMeta)).Get([]byte("schema")))
		traces = btx.Bucket([]byte(bucketJobs)).Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return schema, traces
}

func TestMigrate(t *testing.T) {
	for name, tc := range map[string]struct {
		from, to uint64
		steps    []migration
		says     string
		schema   uint64
		traces   int
	}{
		"every step from the file's schema on, in order": {1, 4, []migration{step(2), step(3), step(4)}, "", 4, 3},
		"only those after the file's schema":             {2, 4, []migration{step(2), step(3), step(4)}, "", 4, 2},
		"only those up to what this rotd writes":         {1, 2, []migration{step(2), step(3)}, "", 2, 1},
		"a step that fails leaves nothing of itself, what was before stays": {
			1, 4, []migration{step(2), failing(3), step(4)}, "migrate the state to schema 3 (the copy from before is ", 2, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			update(t, db, func(tx *Tx) error {
				return tx.bucket(bucketMeta).Put([]byte("schema"), uint64Bytes(tc.from))
			})
			err := db.migrate(tc.from, tc.to, tc.steps, day())
			if got := message(err); tc.says == "" && got != "" || !strings.HasPrefix(got, tc.says) {
				t.Errorf("got %q", got)
			}
			schema, traces := schemaAndTraces(t, db.bolt)
			same(t, "schema", schema, uint64Bytes(tc.schema))
			same(t, "traces", traces, tc.traces)

			copied, err := bbolt.Open(db.Opened.Backup, 0o600, &bbolt.Options{Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			schema, traces = schemaAndTraces(t, copied)
			same(t, "the copy's schema", schema, uint64Bytes(tc.from))
			same(t, "the copy's traces", traces, 0)
			if err := copied.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestMigrationGoesOnWhereItFailed(t *testing.T) {
	db := openTest(t)
	if err := db.migrate(1, 3, []migration{step(2), failing(3)}, day()); err == nil {
		t.Fatal("the failing step did not fail")
	}
	first := db.Opened.Backup
	version, _, err := db.identity()
	if err != nil {
		t.Fatal(err)
	}
	if err := db.migrate(version, 3, []migration{failing(2), step(3)}, day()); err != nil {
		t.Fatal(err)
	}
	schema, traces := schemaAndTraces(t, db.bolt)
	same(t, "schema", schema, uint64Bytes(3))
	same(t, "traces", traces, 2)
	same(t, "copies", []string{first, db.Opened.Backup}, []string{
		db.path + ".schema1-20261123T100000Z.bak", db.path + ".schema2-20261123T100000Z.bak",
	})
	if parts, _ := filepath.Glob(db.path + "*.part"); len(parts) > 0 {
		t.Errorf("left over: %v", parts)
	}
}

func TestWithoutACopyNothingIsMigrated(t *testing.T) {
	db := openTest(t)
	// Where the copy should be written there is a folder.
	if err := os.Mkdir(db.path+".schema1-20261123T100000Z.bak.part", 0o700); err != nil {
		t.Fatal(err)
	}
	err := db.migrate(1, 2, []migration{step(2)}, day())
	if !strings.HasPrefix(message(err), "copy the state before migrating it: ") {
		t.Errorf("got %v", err)
	}
	schema, traces := schemaAndTraces(t, db.bolt)
	same(t, "schema", schema, uint64Bytes(1))
	same(t, "traces", traces, 0)
}

func TestAtItsOwnSchemaNothingIsCopied(t *testing.T) {
	db := reopen(t, openTest(t))
	if copies, _ := filepath.Glob(db.path + ".*"); len(copies) > 0 || db.Opened.Backup != "" {
		t.Errorf("copies: %v", copies)
	}
}

func TestANewerStateIsRefusedWithTheWayBackThatThereIs(t *testing.T) {
	const none = "run the newer rotd: there is no copy from before the upgrade that this one could read beside it"
	for name, tc := range map[string]struct {
		copies []string
		want   string
	}{
		"no copy":                              {nil, none},
		"copies that are not such":             {[]string{"1-x.bak.part", "x-1.bak", "0-20261101T000000Z.bak"}, none},
		"a copy of a schema that is newer too": {[]string{"2-20261101T000000Z.bak"}, none},
		"several: the newest that can be read": {
			[]string{"1-20261101T000000Z.bak", "1-20261102T000000Z.bak", "2-20261103T000000Z.bak"},
			"run the newer rotd, or go back to the copy from before the upgrade, without what happened since: " +
				"rotd state restore PATH.schema1-20261102T000000Z.bak --force",
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			update(t, db, func(tx *Tx) error { return tx.bucket(bucketMeta).Put([]byte("schema"), uint64Bytes(9)) })
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			for _, end := range tc.copies {
				write(t, db.path+".schema"+end, nil)
			}
			_, err := Open(options(db.path))
			if got := strings.ReplaceAll(message(err), db.path, "PATH"); !errors.Is(err, ErrNewerSchema) ||
				got != "the state was written by a newer rotd: PATH has schema 9, this rotd knows 1; "+tc.want {
				t.Errorf("got %q", got)
			}
		})
	}
}
