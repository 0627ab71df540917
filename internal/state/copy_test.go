package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// copied writes a copy of the state to a file and returns it with what was said of it.
func copied(t testing.TB, db *DB) (path string, d Copy) {
	t.Helper()
	c, err := db.Copy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "copy.db")
	write(t, path, raw)
	return path, *c
}

func TestACopyIsTheStateAtOneMoment(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return fill(tx, 500) })
	stop, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		for n := 1_000; ; n++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			err := db.Update(func(tx *Tx) error { // one finding with each alert
				_, err := tx.PutAlert([]byte("{}"))
				return errors.Join(err, tx.PutFinding(testFinding(n, "open")))
			})
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 5 {
		path, c := copied(t, db)
		raw := read(path)
		sum := sha256.Sum256(raw)
		same(t, "digest", c.SHA256, hex.EncodeToString(sum[:]))
		d, err := Inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "what it is", d, c.Description)
		same(t, "size", d.Bytes, int64(len(raw)))
		there := openAt(t, path)
		same(t, "alerts with a finding", count(t, there, (*Tx).WaitingCount), d.Findings)
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	onlyTheState(t, db.path)
}

func TestACopyKeepsNobodyWaiting(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return fill(tx, 100) })
	c, err := db.Copy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	same(t, "transactions that are open", db.bolt.Stats().OpenTxN, 0)
	onlyTheState(t, db.path)
}

func TestACopyIsNotBegun(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx    context.Context
		change func(db *DB)
		want   string
	}{
		"while another is made": {
			t.Context(), func(db *DB) { db.copies.Lock() }, "a copy of the state is being made already",
		},
		"when the caller left": {cancelled, func(*DB) {}, "context canceled"},
		"where there is no room": {
			t.Context(), func(db *DB) { db.bounds.free = func(string) (int64, bool) { return 64 << 20, true } },
			"a copy of the state needs 1 MiB in FOLDER and 64 MiB more have to stay free, but only 64 MiB are: make room there",
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			tc.change(db)
			c, err := db.Copy(tc.ctx)
			if err == nil {
				_ = c.Close()
				t.Fatal("it was made")
			}
			if got := strings.ReplaceAll(err.Error(), filepath.Dir(db.path), "FOLDER"); !strings.HasSuffix(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			onlyTheState(t, db.path)
		})
	}
}

func TestInspectSaysWhatIsWrong(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return fill(tx, 300) })
	good, _ := copied(t, db)
	whole := read(good)
	change := func(fn func(tx *Tx) error) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			write(t, path, whole)
			db := openAt(t, path)
			update(t, db, fn)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"no file": {func(*testing.T, string) {}, "open the state: open PATH: no such file or directory"},
		"an empty file": {
			func(t *testing.T, path string) { write(t, path, nil) }, "PATH is empty: no state was begun in it",
		},
		"some other file": {
			func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("x"), 9999)) },
			"PATH is damaged: neither of its first two pages describes a state",
		},
		"a file cut short": {
			func(t *testing.T, path string) { write(t, path, whole[:len(whole)/2]) },
			fmt.Sprintf("PATH is damaged: %d pages are in use, but the file ends after %d", len(whole)/os.Getpagesize(),
				len(whole)/2/os.Getpagesize()),
		},
		"somebody else's bbolt file": {
			func(t *testing.T, path string) { foreign(t, path, map[string]string{"members": "m"}) },
			"PATH is a bbolt file, but no state of rotd: it has no schema version",
		},
		"a newer schema": {
			change(func(tx *Tx) error { return tx.bucket(bucketMeta).Put([]byte("schema"), uint64Bytes(9)) }),
			"the state was written by a newer rotd: PATH has schema 9, this rotd knows 1",
		},
		"an entry of another width": {
			change(func(tx *Tx) error { return tx.bucket(bucketUses).Put([]byte("k"), []byte("short")) }),
			"damaged: entry 6b of bucket uses has not the size it was written with",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			tc.make(t, path)
			_, err := Inspect(path)
			if got := strings.ReplaceAll(fmt.Sprint(err), path, "PATH"); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}

func TestInspectNamesRecordsThatCannotBeDecoded(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return fill(tx, 2_500) })
	update(t, db, func(tx *Tx) error {
		var errs []error
		for _, n := range []int{0, 999, 1_000, 2_499} {
			errs = append(errs, tx.bucket(bucketKeys).Put([]byte(keyARN(n)), []byte(`{"arn":`)))
		}
		return errors.Join(errs...)
	})
	path, _ := copied(t, db)
	d, err := Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, n := range []int{0, 999, 1_000, 2_499} {
		want = append(want, fmt.Sprintf("keys %q", keyARN(n)))
	}
	same(t, "unreadable", d.Unreadable, want)
	if err := db.Close(); err != nil { // not in order, as wanted
		t.Fatal(err)
	}
}

func TestInspectLeavesAFileInUseAlone(t *testing.T) {
	db := openTest(t)
	if _, err := Inspect(db.path); !isLocked(err) {
		t.Errorf("got %v, want a *LockedError", err)
	}
}

func TestCommitsAreCounted(t *testing.T) {
	db := openTest(t)
	before := time.Now()
	for range 3 {
		update(t, db, func(*Tx) error { return nil })
	}
	_ = db.Update(func(*Tx) error { return errors.New("rolled back") })
	view(t, db, func(tx *Tx) error {
		c := tx.Commits()
		if c.Count != 3 || c.At.Before(before) || c.At.After(time.Now()) {
			t.Errorf("%+v", c)
		}
		return nil
	})
}
