package state

import (
	"bufio"
	"errors"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// spacious makes a state in which most of the file is free, and closes it.
func spacious(t testing.TB, path string) {
	t.Helper()
	db, err := Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error { return fill(tx, 1_500) })
	update(t, db, func(tx *Tx) error {
		var errs []error
		for i := range 1_450 {
			errs = append(errs, tx.forgetKey(testKey(i, fmt.Sprintf("alias/%d", i))), tx.deleteFinding(testFinding(i, "")),
				tx.deleteAction(testAction(i, "planned")))
		}
		return errors.Join(errs...)
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// digest is of everything but meta, which changes with each start.
func digest(t testing.TB, db *DB, seed maphash.Seed) (sum uint64) {
	t.Helper()
	var h maphash.Hash
	h.SetSeed(seed)
	err := db.bolt.View(func(btx *bbolt.Tx) error {
		return btx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			if string(name) == bucketMeta {
				return nil
			}
			return hashBucket(&h, name, b)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return h.Sum64()
}

func openWith(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if db.bolt.Path() != "" {
			inOrder(t, db)
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return db
}

func TestCompactionKeepsEveryEntryAndSequence(t *testing.T) {
	path, seed := filepath.Join(t.TempDir(), "state.db"), maphash.MakeSeed()
	spacious(t, path)
	db := openAt(t, path)
	before := digest(t, db, seed)
	update(t, db, func(tx *Tx) error { return tx.AskCompaction(&CompactionAsked{At: day(), By: "uid:0 (root)"}) })
	db = reopen(t, db)
	c := db.Opened.Compaction
	if c == nil || c.Kept != "" || c.After >= c.Before*2/3 || c.After != db.Size() {
		t.Fatalf("compaction %+v, size %d", c, db.Size())
	}
	same(t, "what is in it", digest(t, db, seed), before)
	if _, err := Open(options(path)); !isLocked(err) {
		t.Errorf("a second one may open it: %v", err)
	}
	update(t, db, func(tx *Tx) error {
		same(t, "the wish is fulfilled", tx.compactionAsked(), false)
		_, err := tx.PutAlert([]byte("{}"))
		return err
	})
	same(t, "waiting alerts", count(t, db, (*Tx).WaitingCount), 1_501)
	same(t, "opened again", reopen(t, db).Opened, Opening{})
	onlyTheState(t, path)
}

func count(t testing.TB, db *DB, what func(*Tx) int) (n int) {
	t.Helper()
	view(t, db, func(tx *Tx) error { n = what(tx); return nil })
	return n
}

func isLocked(err error) bool {
	_, ok := errors.AsType[*LockedError](err)
	return ok
}

// onlyTheState checks that nothing is beside the state.
func onlyTheState(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s is left", e.Name())
		}
	}
}

func TestCompactionNeedsBothThresholds(t *testing.T) {
	b := defaultBounds()
	const mib = 1 << 20
	for name, tc := range map[string]struct {
		usage Usage
		want  bool
	}{
		"half of a large file":                   {Usage{Bytes: 128 * mib, Free: 64 * mib}, true},
		"most of a large file":                   {Usage{Bytes: 900 * mib, Free: 700 * mib}, true},
		"a little less than half":                {Usage{Bytes: 130 * mib, Free: 64 * mib}, false},
		"much, but a small part of the file":     {Usage{Bytes: 4000 * mib, Free: 900 * mib}, false},
		"nearly all of a file that is not large": {Usage{Bytes: 64 * mib, Free: 63 * mib}, false},
		"nothing":                                {Usage{Bytes: 128 * mib}, false},
	} {
		if got := b.worthCompacting(tc.usage); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestAStateIsCompactedWhenItIsWorthIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	spacious(t, path)
	b := defaultBounds()
	b.compactBytes, b.compactShare = 1<<16, 10
	o := options(path)
	o.bounds = &b
	if c := openWith(t, o).Opened.Compaction; c == nil || c.Kept != "" {
		t.Errorf("compaction %+v", c)
	}
}

func TestTheOriginalIsKept(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*bounds)
		fill   func(testing.TB, string)
		want   string
	}{
		"when it would not become smaller": {
			fill: func(t testing.TB, path string) {
				db := openWith(t, Options{Path: path, Shard: "default", Now: day(), Compact: true})
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
			},
			want: "the file would not have become smaller",
		},
		"when there is no room for the new one": {
			change: func(b *bounds) { b.free = func(string) (int64, bool) { return 64 << 20, true } },
			fill:   spacious,
			want:   "MiB more have to stay free, but only 64 MiB are: make room there",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, seed := filepath.Join(t.TempDir(), "state.db"), maphash.MakeSeed()
			tc.fill(t, path)
			db := openAt(t, path)
			before := digest(t, db, seed)
			inode := inodeOf(t, path)
			update(t, db, func(tx *Tx) error { return tx.AskCompaction(&CompactionAsked{}) })
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			b := defaultBounds()
			if tc.change != nil {
				tc.change(&b)
			}
			o := options(path)
			o.bounds = &b
			db = openWith(t, o)
			if c := db.Opened.Compaction; c == nil || !strings.Contains(c.Kept, tc.want) || c.Before != c.After {
				t.Errorf("compaction %+v, want %q", c, tc.want)
			}
			same(t, "what is in it", digest(t, db, seed), before)
			same(t, "the file", inodeOf(t, path), inode)
			onlyTheState(t, path)
		})
	}
}

func inodeOf(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

func TestWhatACrashLeftBesideTheStateIsRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for _, end := range []string{".compact.part", ".copy.part", ".restore.part", ".schema1-20261128T000000Z.bak.part"} {
		write(t, path+end, []byte("half"))
	}
	kept := []string{path + ".schema1-20261128T000000Z.bak", path + ".damaged-1", path + "2.copy.part"}
	for _, name := range kept {
		write(t, name, []byte("whole"))
	}
	openAt(t, path)
	for _, name := range kept {
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
	onlyTheState(t, path)
}

// TestAKillDuringCompactionLosesNothing kills a process that compacts, again and again, at random moments.
func TestAKillDuringCompactionLosesNothing(t *testing.T) {
	path, seed := filepath.Join(t.TempDir(), "state.db"), maphash.MakeSeed()
	spacious(t, path)
	db := openAt(t, path)
	before := digest(t, db, seed)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 8))
	for life := range 15 {
		compacting := child(t, "compact", path)
		out, err := compacting.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := compacting.Start(); err != nil {
			t.Fatal(err)
		}
		if !bufio.NewScanner(out).Scan() {
			t.Fatalf("life %d said nothing: %v", life, compacting.Wait())
		}
		time.Sleep(time.Duration(random.IntN(30_000)) * time.Microsecond) // the moment is what varies
		_ = compacting.Process.Kill()
		if err := compacting.Wait(); err == nil {
			t.Fatal("it ended by itself")
		}
		db, err := Open(options(path))
		if err != nil {
			t.Fatalf("life %d: %v", life, err)
		}
		if db.Opened.SetAside != "" || digest(t, db, seed) != before {
			t.Errorf("life %d: %+v", life, db.Opened)
		}
		inOrder(t, db)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		onlyTheState(t, path)
	}
}

// compactForEver opens the state over and over, each time with more free space at its end.
func compactForEver(path string) error {
	fmt.Fprintln(os.Stdout, "beginning")
	for {
		info, err := os.Stat(path)
		if err == nil {
			err = os.Truncate(path, info.Size()+compactStep)
		}
		if err != nil {
			return err
		}
		o := options(path)
		o.Compact = true
		db, err := Open(o)
		if err != nil {
			return err
		}
		if err := db.Close(); err != nil {
			return err
		}
	}
}

func TestACompactionThatCannotBeWrittenKeepsTheOriginal(t *testing.T) {
	path, seed := filepath.Join(t.TempDir(), "state.db"), maphash.MakeSeed()
	spacious(t, path)
	db := openAt(t, path)
	before := digest(t, db, seed)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := child(t, "cramped", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	same(t, "what is in it", digest(t, openAt(t, path), seed), before)
	onlyTheState(t, path)
}

// compactCramped compacts where no file may become longer than a few pages.
func compactCramped(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := limitFileSize(256 << 10); err != nil {
		return err
	}
	o := options(path)
	o.Compact = true
	db, err := Open(o)
	switch {
	case err != nil && !strings.Contains(err.Error(), "file too large"):
		return err
	case err == nil && (db.Opened.Compaction == nil || db.Opened.Compaction.Kept == ""):
		return fmt.Errorf("compacted: %+v", db.Opened.Compaction)
	}
	return nil
}

// TestACompactionThatLosesSomethingIsNoneAtAll compares two files of which one lacks an entry, has another value or
// another sequence.
func TestACompactionThatLosesSomethingIsNoneAtAll(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(tx *Tx) error
		same   bool
	}{
		"nothing":          {func(*Tx) error { return nil }, true},
		"an entry is lost": {func(tx *Tx) error { return tx.bucket(bucketKeys).Delete([]byte(keyARN(1))) }, false},
		"another value": {func(tx *Tx) error {
			return tx.bucket(bucketUses).Put([]byte(keyARN(1)), make([]byte, 8))
		}, false},
		"another sequence": {func(tx *Tx) error { return tx.bucket(bucketOutbox).SetSequence(1) }, false},
		"an empty bucket":  {func(tx *Tx) error { return tx.bucket(bucketSeen).DeleteBucket(uint32Bytes(494_986)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			update(t, db, func(tx *Tx) error {
				if _, err := tx.seenSlice(494_986); err != nil {
					return err
				}
				return fill(tx, 5)
			})
			path, _ := copied(t, db)
			other, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			if err := other.Update(func(btx *bbolt.Tx) error { return tc.change(db.tx(btx)) }); err != nil {
				t.Fatal(err)
			}
			if err := sameContent(db.bolt, other); (err == nil) != tc.same {
				t.Errorf("the same: %v", err)
			}
		})
	}
}
