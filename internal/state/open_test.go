package state

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestOpenBeginsANewState(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, path string){
		"where there is nothing":    func(*testing.T, string) {},
		"where a file is empty":     func(t *testing.T, path string) { write(t, path, nil) },
		"where bbolt only just was": func(t *testing.T, path string) { foreign(t, path, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a", "b", "state.db")
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			prepare(t, path)
			db := openAt(t, path)
			same(t, "opened", db.Opened, Opening{New: true})
			same(t, "path, shard", [2]string{db.Path(), db.Shard()}, [2]string{path, "default"})
			same(t, "opened again", reopen(t, db).Opened, Opening{})
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "size", db.Size(), info.Size())
		})
	}
}

func TestOpenMakesWhatOnlyTheDaemonCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "state.db")
	openAt(t, path)
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "mode of "+p, info.Mode(), want)
	}
}

// TestOpenRefuses: whatever is refused is left as it was, byte for byte.
func TestOpenRefuses(t *testing.T) {
	meta := func(key string, value []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			db := openAt(t, path)
			update(t, db, func(tx *Tx) error { return tx.bucket(bucketMeta).Put([]byte(key), value) })
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, tc := range map[string]struct {
		prepare func(t *testing.T, path string)
		is      error
		says    string
	}{
		"another shard's state": {
			meta("shard", []byte("prod")), ErrOtherShard, `belongs to shard "prod", the configuration says "default"`,
		},
		"a newer schema, with the way back": {
			meta("schema", uint64Bytes(SchemaVersion+1)), ErrNewerSchema, "run the newer rotd",
		},
		"a bbolt file that is not rotd's": {
			func(t *testing.T, path string) { foreign(t, path, map[string]string{"members": "m"}) },
			nil, "is a bbolt file, but no state of rotd",
		},
		"a bbolt file of somebody who has a meta bucket, too": {
			func(t *testing.T, path string) { foreign(t, path, map[string]string{"meta": "consistent_index"}) },
			nil, "is a bbolt file, but no state of rotd",
		},
		"a folder": {
			func(t *testing.T, path string) {
				if err := os.Mkdir(path, 0o700); err != nil {
					t.Fatal(err)
				}
			},
			syscall.EISDIR, "is a directory",
		},
		"a pipe": {
			func(t *testing.T, path string) {
				if err := syscall.Mkfifo(path, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			nil, "is no regular file",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			tc.prepare(t, path)
			before := read(path)
			_, err := Open(options(path))
			if err == nil || !strings.Contains(err.Error(), tc.says) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("got %v, want %v: %q", err, tc.is, tc.says)
			}
			untouched(t, path, before)
		})
	}
}

func TestOpenRefusesWhatItMayNotReadOrWrite(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "state.db")
	write(t, path, []byte("precious, and not readable"))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	before := read(path)
	asNobody(t, []string{filepath.Dir(folder), folder}, func() {
		if _, err := Open(options(path)); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	})
	untouched(t, path, before)
}

// asNobody runs fn without root's right to open everything; who is not root has no such right.
func asNobody(t *testing.T, reachable []string, fn func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		fn()
		return
	}
	for _, folder := range reachable {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setfsuid(0); err != nil {
			panic(err) // the thread must not be used again
		}
	}()
	fn()
}

func TestOpenNamesTheProcessThatHoldsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	holder := child(t, "hold", path)
	in, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the holder said %q: %v", line, err)
	}
	before := read(path)
	_, err = Open(options(path))
	locked, ok := errors.AsType[*LockedError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if runtime.GOOS == "linux" {
		if !strings.HasPrefix(locked.Holder, fmt.Sprintf("process %d (", holder.Process.Pid)) ||
			!strings.Contains(locked.Holder, "--role-for-people-who-look-at-processes=hold)") {
			t.Errorf("the holder is %q, not process %d", locked.Holder, holder.Process.Pid)
		}
		if !strings.Contains(err.Error(), locked.Holder) {
			t.Errorf("%q does not name %q", err, locked.Holder)
		}
	}
	untouched(t, path, before)
	_ = in.Close() // the holder goes
	if err := holder.Wait(); err != nil {
		t.Fatal(err)
	}
	same(t, "opened", openAt(t, path).Opened, Opening{})
}

// holdState keeps a state open until its stdin ends.
func holdState(path string) error {
	db, err := Open(options(path))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "held")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return db.Close()
}

func TestOpenWaitsForAnotherToLetGo(t *testing.T) {
	db := openTest(t)
	closed := make(chan error)
	time.AfterFunc(lockWait/4, func() { closed <- db.Close() })
	openAt(t, db.path)
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestALockWithoutANameIsAnotherProcess(t *testing.T) {
	err := &LockedError{Path: "/x"}
	if !strings.Contains(err.Error(), "state /x is in use by another process") {
		t.Error(err)
	}
}

// damages are the ways a file is damaged; each returns the damaged content.
func damages(whole []byte) map[string][]byte {
	const page = 4096
	random := rand.New(rand.NewPCG(1, 2))
	all := map[string][]byte{
		"garbage":       bytes.Repeat([]byte("no state at all "), 4096),
		"one byte":      {0},
		"all zeros":     make([]byte, len(whole)),
		"text":          []byte("hello\n"),
		"no meta pages": slices.Concat(make([]byte, 2*page), whole[2*page:]),
	}
	for _, n := range []int{16, 80, 512, page - 1, page, page + 1, 2 * page, 2*page + 100, 3 * page, 4 * page} {
		all[fmt.Sprint("cut to ", n)] = whole[:n]
	}
	for i := range 6 {
		n := random.IntN(len(whole))
		all[fmt.Sprintf("cut at random %d to %d", i, n)] = whole[:n]
	}
	for i := 0; i < len(whole)/page; i += 4 {
		zeroed := bytes.Clone(whole)
		clear(zeroed[i*page : (i+1)*page])
		all[fmt.Sprint("page zeroed: ", i)] = zeroed
	}
	for i := range 30 { // pages in each other's place: references that loop or cross
		mixed := bytes.Clone(whole)
		from, to := random.IntN(len(whole)/page), random.IntN(len(whole)/page)
		copy(mixed[to*page:(to+1)*page], whole[from*page:(from+1)*page])
		if i%2 == 0 { // and looking like the page they replace
			copy(mixed[to*page:to*page+8], whole[to*page:to*page+8])
		}
		all[fmt.Sprintf("page %d over %d, %d", from, to, i)] = mixed
	}
	for i := range 80 {
		flipped := bytes.Clone(whole)
		for range 1 + i%3 {
			at := random.IntN(len(whole))
			if i%2 == 0 { // where it hurts: headers and entries
				at = at/page*page + random.IntN(200)
			}
			flipped[at] ^= byte(1 << random.IntN(8))
		}
		all[fmt.Sprint("bits flipped ", i)] = flipped
	}
	return all
}

// TestOpenADamagedState: it opens and is in order, is refused with a reason, or is set aside with every byte it had.
func TestOpenADamagedState(t *testing.T) {
	whole := filled(t, 60)
	counts := map[string]int{}
	folder := t.TempDir()
	all := damages(whole)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		content := all[name]
		path := filepath.Join(folder, "state.db")
		write(t, path, content)
		db, err := Open(options(path))
		switch {
		case err != nil:
			counts["refused"]++
			if !errors.Is(err, ErrNewerSchema) && !errors.Is(err, ErrOtherShard) &&
				!strings.Contains(err.Error(), "no state of rotd") {
				t.Errorf("%s: %v", name, err)
			}
			untouched(t, path, content)
		case db.Opened.SetAside == "":
			counts["opened"]++
			same(t, name, db.Opened, Opening{})
			useEverything(t, name, db)
		default:
			counts["set aside"]++
			if db.Opened.Damage == "" || !db.Opened.New || !bytes.Equal(read(db.Opened.SetAside), content) {
				t.Errorf("%s: %+v", name, db.Opened)
			}
			if err := os.Remove(db.Opened.SetAside); err != nil {
				t.Error(err)
			}
		}
		if db != nil {
			if err := errors.Join(db.Close(), os.Remove(path)); err != nil {
				t.Error(err)
			}
		}
	}
	t.Log(counts)
	if counts["set aside"] < 30 || counts["opened"] < 30 {
		t.Errorf("the damages are no longer of every kind: %v", counts)
	}
}

// useEverything reads and writes all over a state whose pages are in order, but whose values may have flipped bits:
// that may fail, but not panic, and not harm the file.
func useEverything(t *testing.T, name string, db *DB) {
	t.Helper()
	db.bolt.NoSync = true
	_ = db.View(func(tx *Tx) error {
		_, _, _ = tx.Findings("", 1000, nil)
		_, _, _ = tx.Actions("", 1000, nil)
		_, _, _ = tx.Keys("", 1000, nil)
		_, _, _ = tx.QuarantineList("", 1000)
		_, _ = tx.Places()
		_, _ = tx.OpenFindings("", 1000)
		_, _ = tx.OpenAbout(keyARN(1), 10)
		_, _ = tx.PendingActions(1000)
		_, _ = tx.ActionsOn(keyARN(1), 10)
		_, _ = tx.DueRereads(day(), 1000)
		_ = tx.WaitingAlerts(1000)
		_ = tx.OwnAccessKeys()
		return nil
	})
	_ = db.Update(func(tx *Tx) error { return fill(tx, 10) })
	_, _ = db.Retain(day().Add(2 * KeepEnded))
	if err := db.Check(); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestADamagedStateNeverReplacesAnEarlierOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	var aside []string
	for i := range 3 {
		write(t, path, fmt.Appendf(nil, "garbage %d", i))
		db := openAt(t, path)
		aside = append(aside, strings.TrimPrefix(db.Opened.SetAside, path))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "set aside", aside,
		[]string{".damaged-20261123T100000Z", ".damaged-20261123T100000Z-2", ".damaged-20261123T100000Z-3"})
	for i, suffix := range aside {
		same(t, suffix, string(read(path+suffix)), fmt.Sprintf("garbage %d", i))
	}
}

func TestADamagedStateBehindALinkIsSetAsideItself(t *testing.T) {
	folder := t.TempDir()
	target, link := filepath.Join(folder, "target.db"), filepath.Join(folder, "state.db")
	write(t, target, []byte("garbage"))
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	db := openAt(t, link)
	same(t, "set aside", string(read(db.Opened.SetAside)), "garbage")
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v: %v", info, err)
	}
	same(t, "the new state is where the link leads", filepath.Dir(db.Opened.SetAside), filepath.Dir(db.Path()))
}

func TestAStateWithoutABucketIsDamaged(t *testing.T) {
	for name, harm := range map[string]func(tx *Tx) error{
		"a bucket is missing":      func(tx *Tx) error { return tx.btx.DeleteBucket([]byte(bucketJobs)) },
		"a sub-bucket is missing":  func(tx *Tx) error { return tx.bucket(bucketLate).DeleteBucket([]byte("ids")) },
		"a slice is no bucket":     func(tx *Tx) error { return tx.bucket(bucketSeen).Put([]byte("abcd"), []byte("x")) },
		"the pause is no JSON":     func(tx *Tx) error { return tx.bucket(bucketMeta).Put([]byte("pause"), []byte("{")) },
		"the starts are no starts": func(tx *Tx) error { return tx.bucket(bucketMeta).Put([]byte("starts"), []byte("7")) },
		"an alert's key is short":  func(tx *Tx) error { return tx.bucket(bucketOutbox).Put([]byte("1234567"), present()) },
		"a last use is long":       func(tx *Tx) error { return tx.bucket(bucketUses).Put([]byte("a"), make([]byte, 9)) },
		"an expiry is short": func(tx *Tx) error {
			return tx.sub(bucketMemory, "expiry").Put([]byte("1234567"), present())
		},
		"an alert is a bucket": func(tx *Tx) error {
			_, err := tx.bucket(bucketOutbox).CreateBucket(uint64Bytes(1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			update(t, db, harm)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			before := read(db.path)
			db = openAt(t, db.path)
			if db.Opened.SetAside == "" || !bytes.Equal(read(db.Opened.SetAside), before) {
				t.Errorf("opened: %+v", db.Opened)
			}
		})
	}
}

func TestCheckRunsBesideAWriter(t *testing.T) {
	db := openTest(t)
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			err := db.Update(func(tx *Tx) error {
				for j := range 50 {
					if _, err := tx.MarkSeen(uuid(50*i+j), day().Add(time.Duration(i%7)*time.Hour)); err != nil {
						return err
					}
				}
				_, err := tx.dropSeen(day().Add(time.Duration(i%7) * time.Hour))
				return err
			})
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for range 50 {
		if err := db.Check(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// FuzzVerify: what is found in order bbolt, too, opens without a complaint.
func FuzzVerify(f *testing.F) {
	whole := filled(f, 12)
	f.Add(uint32(0), []byte{1}, uint32(4096), []byte{0})
	f.Add(uint32(16384), []byte{0x7f, 1, 2}, uint32(20480), []byte{9})
	f.Fuzz(func(t *testing.T, at1 uint32, patch1 []byte, at2 uint32, patch2 []byte) {
		content := bytes.Clone(whole)
		copy(content[int(at1)%len(content):], patch1)
		copy(content[int(at2)%len(content):], patch2)
		path := filepath.Join(t.TempDir(), "state.db")
		write(t, path, content)
		db, err := Open(options(path))
		if err != nil {
			untouched(t, path, content)
			return
		}
		useEverything(t, "patched", db)
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// filled is the content of a state with n of everything.
func filled(t testing.TB, n int) []byte {
	t.Helper()
	db, err := Open(options(filepath.Join(t.TempDir(), "filled.db")))
	if err != nil {
		t.Fatal(err)
	}
	update(t, db, func(tx *Tx) error { return fill(tx, n) })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return read(db.path)
}

// foreign writes a bbolt file with buckets of one key each.
func foreign(t *testing.T, path string, buckets map[string]string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(btx *bbolt.Tx) error {
		for name, key := range buckets {
			b, err := btx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			if err := b.Put([]byte(key), []byte("v")); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// read is a regular file's content, nil for anything else.
func read(path string) []byte {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	content, _ := os.ReadFile(path)
	return content
}

// untouched checks that a file has its content and no copy beside it.
func untouched(t testing.TB, path string, want []byte) {
	t.Helper()
	if !bytes.Equal(read(path), want) {
		t.Errorf("%s was changed", path)
	}
	if others, _ := filepath.Glob(path + ".*"); len(others) > 0 {
		t.Errorf("beside it are %v", others)
	}
}
