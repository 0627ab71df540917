package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rotd/internal/finding"
)

// restoring says to put a copy in the place of a state.
func restoring(t *testing.T, backup, path string, change ...func(*Restoring)) (*Restored, error) {
	t.Helper()
	file, err := os.Open(backup)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := Restoring{From: file, Name: "s3://backups/a.db", Path: path, Shard: "default", Now: day()}
	for _, c := range change {
		c(&r)
	}
	return Restore(r)
}

func force(r *Restoring) { r.Force = true }

// lived is a closed state, and a copy from the middle of its life.
func lived(t *testing.T) (path, backup string, c Copy) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.db")
	db := openAt(t, path)
	update(t, db, func(tx *Tx) error { return fill(tx, 50) })
	backup, c = copied(t, db)
	update(t, db, func(tx *Tx) error { return tx.PutFinding(testFinding(77, finding.Open)) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path, backup, c
}

func TestARestoredStateIsTheCopysDisarmed(t *testing.T) {
	path, backup, c := lived(t)
	done, err := restoring(t, backup, path, force, func(r *Restoring) { r.Size, r.SHA256 = c.Bytes, c.SHA256 })
	if err != nil {
		t.Fatal(err)
	}
	same(t, "set aside", done.SetAside, path+".replaced-20261123T100000Z")
	if err := os.Rename(done.SetAside, filepath.Join(t.TempDir(), "old.db")); err != nil {
		t.Fatal(err)
	}
	onlyTheState(t, path)
	db := openAt(t, path)
	same(t, "opened", db.Opened, Opening{})
	view(t, db, func(tx *Tx) error {
		f, err := tx.Finding(testFinding(77, finding.Open).ID)
		if f != nil || err != nil {
			t.Errorf("what came after the copy is there: %v, %v", f, err)
		}
		_, armed, errArmed := tx.Armed()
		r, restored, errRestored := tx.Restored()
		same(t, "armed, restored", [2]bool{armed, restored}, [2]bool{false, true})
		same(t, "restoration", r, Restoration{
			At: day(), From: "s3://backups/a.db", CopiedAt: c.Commits.At, SetAside: done.SetAside,
		})
		return errors.Join(errArmed, errRestored)
	})
}

func TestAStateIsRestoredWhereThereIsNone(t *testing.T) {
	_, backup, _ := lived(t)
	path := filepath.Join(t.TempDir(), "new", "state.db")
	done, err := restoring(t, backup, path)
	if err != nil || done.SetAside != "" {
		t.Fatalf("%+v, %v", done, err)
	}
	onlyTheState(t, path)
	same(t, "findings", count(t, openAt(t, path), func(tx *Tx) int { return tx.total(bucketFindings) }), 50)
}

func TestADamagedStateIsReplacedWithoutForce(t *testing.T) {
	path, backup, _ := lived(t)
	raw := read(path)
	write(t, path, raw[:len(raw)/2])
	done, err := restoring(t, backup, path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "kept", len(read(done.SetAside)), len(raw)/2)
}

func TestAnOlderStateIsReplacedWithoutForce(t *testing.T) {
	path, old, _ := lived(t)
	db := openAt(t, path)
	newerCopy, _ := copied(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := restoring(t, newerCopy, old); err != nil {
		t.Error(err)
	}
}

// TestRestoreRefuses: whatever is refused leaves the state as it was, byte for byte, and nothing beside it.
func TestRestoreRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil   func(t *testing.T, backup string)
		request func(*Restoring)
		want    string
	}{
		"a newer state": {want: "the state PATH is kept: it was last written to at"},
		"another shard's copy": {
			request: func(r *Restoring) { r.Shard, r.Force = "prod", true },
			want:    `s3://backups/a.db is of shard "default", the configuration says "prod"`,
		},
		"a damaged copy": {
			spoil:   func(t *testing.T, backup string) { write(t, backup, read(backup)[:20_000]) },
			request: force,
			want:    "s3://backups/a.db cannot be restored: PATH.restore.part is damaged",
		},
		"a copy that is no state": {
			spoil:   func(t *testing.T, backup string) { write(t, backup, []byte("hello")) },
			request: force,
			want:    "s3://backups/a.db cannot be restored: PATH.restore.part is damaged",
		},
		"a copy of another digest": {
			request: func(r *Restoring) { r.SHA256, r.Force = strings.Repeat("0", 64), true },
			want:    "it is not the copy that was made",
		},
		"a copy that did not arrive whole": {
			request: func(r *Restoring) { r.Size, r.Force = 1<<20, true },
			want:    "bytes arrived, not 1048576",
		},
		"a copy that does not fit": {
			request: func(r *Restoring) { r.Size, r.Force = 1<<55, true },
			want:    "make room there",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, backup, _ := lived(t)
			if tc.spoil != nil {
				tc.spoil(t, backup)
			}
			before := read(path)
			change := tc.request
			if change == nil {
				change = func(*Restoring) {}
			}
			_, err := restoring(t, backup, path, change)
			if got := strings.ReplaceAll(fmt.Sprint(err), path, "PATH"); !strings.Contains(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			untouched(t, path, before)
			onlyTheState(t, path)
			missing := filepath.Join(t.TempDir(), "none.db")
			if _, err := restoring(t, backup, missing, change); err == nil && name != "a newer state" {
				t.Error("restored where there is nothing")
			}
			if _, err := os.Stat(missing); name != "a newer state" && !errors.Is(err, os.ErrNotExist) {
				t.Error("a state is left where there was none")
			}
		})
	}
}

func TestAStateInUseIsNotReplaced(t *testing.T) {
	path, backup, _ := lived(t)
	openAt(t, path)
	if _, err := restoring(t, backup, path, force); !isLocked(err) {
		t.Errorf("got %v, want a *LockedError", err)
	}
}

func TestAStateThatWentOnIsNewerThanItsCopyWhateverTheClockSays(t *testing.T) {
	path, backup, c := lived(t)
	db := openAt(t, path)
	err := db.bolt.Update(func(btx *bbolt.Tx) error { return db.tx(btx).counted(c.Commits.At.Add(-time.Hour)) })
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = restoring(t, backup, path)
	if newer, ok := errors.AsType[*NewerStateError](err); !ok || !strings.Contains(newer.Because, "commits") {
		t.Errorf("got %v", err)
	}
}
