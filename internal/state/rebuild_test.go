package state

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"go.etcd.io/bbolt"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/usage"
)

// rebuilt rebuilds a state in its place; the result is closed.
func rebuilt(t *testing.T, path string, change ...func(*Restoring)) (*Rebuilt, error) {
	t.Helper()
	r := Restoring{Path: path, Shard: "default", Now: day().Add(time.Hour), By: "uid:0 (root)"}
	for _, c := range change {
		c(&r)
	}
	return Rebuild(path, r)
}

// entriesOf are all entries of a file by bucket and key.
func entriesOf(t *testing.T, path string) map[string]string {
	t.Helper()
	bolt, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer bolt.Close()
	all := map[string]string{}
	var add func(name string, b *bbolt.Bucket) error
	add = func(name string, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return add(name+"/"+string(k), b.Bucket(k))
			}
			value := jsontext.Value(bytes.Clone(v))
			_ = value.Canonicalize() // maps are written in any order; what is no JSON stays as it is
			all[name+" "+string(k)] = string(value)
			return nil
		})
	}
	err = bolt.View(func(btx *bbolt.Tx) error {
		return btx.ForEach(func(name []byte, b *bbolt.Bucket) error { return add(string(name), b) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// forgotten are the entries that a rebuilt state has not, or has others of, though nothing was lost.
func forgotten(name string) bool {
	return slices.Contains([]string{"meta armed", "meta commits", "meta judged_by", "meta restored"}, name)
}

// TestARebuiltStateHasAllThatCanBeRead spoils one bucket alone: of everything else every entry is there, indexes and
// totals too, and the state is not armed.
func TestARebuiltStateHasAllThatCanBeRead(t *testing.T) {
	t.Run("of a full life", func(t *testing.T) { rebuildWithoutJobs(t, unpacked(t, SchemaVersion)) })
	t.Run("of many entries", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "state.db")
		write(t, path, filled(t, 40))
		rebuildWithoutJobs(t, path)
	})
}

func rebuildWithoutJobs(t *testing.T, path string) {
	t.Helper()
	db := openAt(t, path)
	update(t, db, func(tx *Tx) error {
		return errors.Join(tx.SetPause(&Pause{At: day(), By: "ann", Reason: "r"}),
			tx.SetProtected(map[string]string{keyARN(1): "alias/1"}))
	})
	update(t, db, func(tx *Tx) error { return tx.btx.DeleteBucket([]byte(bucketJobs)) })
	update(t, db, func(*Tx) error { return nil }) // neither meta page leads to it
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, before := read(path), entriesOf(t, path)

	done, err := rebuilt(t, path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(done.SetAside), whole) {
		t.Error("the damaged state is not kept as it was")
	}
	if err := os.Rename(done.SetAside, filepath.Join(t.TempDir(), "old.db")); err != nil {
		t.Fatal(err)
	}
	onlyTheState(t, path)
	for name, value := range entriesOf(t, path) {
		if old, ok := before[name]; ok && value == old {
			delete(before, name)
		}
	}
	maps.DeleteFunc(before, func(name, _ string) bool { return forgotten(name) })
	same(t, "entries that are lost", slices.Sorted(maps.Keys(before)), nil)

	same(t, "lost", done.Restored.Restored.Lost, []string{"jobs: all"})
	db = openAt(t, path) // what must be true between buckets is looked at when it is closed
	same(t, "opened", db.Opened, Opening{})
	view(t, db, func(tx *Tx) error {
		_, armed, errArmed := tx.Armed()
		r, _, errRestored := tx.Restored()
		same(t, "armed, rebuilt", [2]bool{armed, r.Rebuilt}, [2]bool{false, true})
		lines, _ := tx.AuditLines(tx.AuditHead().Seq-1, 1)
		if e := auditEntry(uint64Bytes(1), lines[0]); e.Event != audit.StateRebuilt || e.Detail["lost"] != "jobs: all" {
			t.Errorf("the audit log ends with %+v", e)
		}
		return errors.Join(errArmed, errRestored)
	})
}

// TestAStateWithoutItsFirstPagesIsFoundAsItWasLast: bbolt leaves older roots behind, and which of them is the last only
// the lost pages say.
func TestAStateWithoutItsFirstPagesIsFoundAsItWasLast(t *testing.T) {
	for _, n := range []int{1, 60} { // plain values in the root's page, and in one of their own
		path := filepath.Join(t.TempDir(), "state.db")
		db := openAt(t, path)
		for i := range 40 {
			update(t, db, func(tx *Tx) error {
				err := tx.PutFinding(testFinding(1000+i, finding.Open))
				if i == 0 {
					err = errors.Join(err, fill(tx, n))
				}
				for j := range n {
					through := day().Add(time.Duration(i) * time.Hour)
					err = errors.Join(err, tx.SetTaught(account(j), "cn-north-1", through))
				}
				return err
			})
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		before, content := entriesOf(t, path), read(path)
		clear(content[:2*os.Getpagesize()])
		write(t, path, content)
		done, err := rebuilt(t, path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "lost", done.Restored.Restored.Lost, []string{"(the list of buckets): what was on 2 pages"})
		wantWhole(t, "without its first pages", path, done)
		after := entriesOf(t, path)
		maps.DeleteFunc(before, func(name, value string) bool { return forgotten(name) || after[name] == value })
		same(t, "entries that are lost", slices.Sorted(maps.Keys(before)), nil)
	}
}

func account(n int) string { return fmt.Sprintf("%012d", n) }

// TestEveryBucketIsTakenOverOrFollowsFromOthers fails for a new bucket until somebody decided.
func TestEveryBucketIsTakenOverOrFollowsFromOthers(t *testing.T) {
	follow := []string{
		"names", "budgets", "fingerprints", "open", "pending", "bykey", "unmoved", "due/facts", "due/use", "late/ids",
		"memory/expiry",
	}
	decided := slices.Concat(follow, []string{bucketMeta})
	for _, t := range takes(day()) {
		decided = append(decided, t.name())
	}
	var all []string
	for name, subs := range layout() {
		if len(subs) == 0 {
			all = append(all, name)
		}
		for _, sub := range subs {
			all = append(all, name+"/"+sub)
		}
	}
	slices.Sort(all)
	slices.Sort(decided)
	same(t, "buckets", decided, all)
}

// harms are damages that leave no entry half changed: pages that are gone, another's, or cut off. What was not on them
// is to be saved as it was.
func harms(whole []byte, random *rand.Rand) (name string, content []byte) {
	const page = 4096
	content = bytes.Clone(whole)
	pages := len(whole) / page
	at := func() int { return random.IntN(pages) }
	switch random.IntN(5) {
	case 0:
		n := random.IntN(len(whole))
		return fmt.Sprint("cut off at ", n), content[:n]
	case 1:
		i := at()
		clear(content[i*page : (i+1)*page])
		return fmt.Sprintf("page %d zeroed", i), content
	case 2:
		from, to := at(), at()
		copy(content[to*page:(to+1)*page], whole[from*page:(from+1)*page])
		return fmt.Sprintf("page %d over %d", from, to), content
	case 3:
		first := at()
		for range 1 + random.IntN(pages) {
			i := at()
			clear(content[i*page : (i+1)*page])
		}
		return fmt.Sprintf("many pages zeroed, %d first", first), content
	default:
		i := at()
		for j := range page {
			content[i*page+j] = byte(random.IntN(256))
		}
		return fmt.Sprintf("page %d is noise", i), content
	}
}

// flips turns bits over anywhere, which nobody can tell from what was meant where no structure says so.
func flips(whole []byte, random *rand.Rand) (name string, content []byte) {
	content = bytes.Clone(whole)
	n := 1 + random.IntN(40)
	for range n {
		at := random.IntN(len(content))
		if random.IntN(2) == 0 { // where it hurts: headers and entries
			at = at/4096*4096 + random.IntN(200)
		}
		content[at] ^= byte(1 << random.IntN(8))
	}
	return fmt.Sprint(n, " bits flipped"), content
}

// TestWhateverIsDamagedWhatIsSavedIsWhole rebuilds states damaged at random places. It never panics, what it makes is
// in order, it says of itself what is in it, and where pages are gone every entry is one that was there.
func TestWhateverIsDamagedWhatIsSavedIsWhole(t *testing.T) {
	folder := t.TempDir()
	original := filepath.Join(folder, "original.db")
	whole := large(t, original)
	before := entriesOf(t, original)
	random := rand.New(rand.NewPCG(20261129, 0))
	counts := map[string]int{}
	for i := range 100 {
		harm := harms
		if i%3 == 0 {
			harm = flips
		}
		name, content := harm(whole, random)
		path := filepath.Join(folder, "state.db")
		write(t, path, content)
		done, err := rebuilt(t, path, func(r *Restoring) { r.Force = true })
		if err != nil {
			counts["refused"]++
			if !bytes.Equal(read(path), content) {
				t.Errorf("%s: refused (%v), and changed", name, err)
			}
			wantRefusal(t, name, err)
		} else {
			counts["rebuilt"]++
			wantWhole(t, name, path, done)
			if i%3 != 0 {
				wantSubset(t, name, entriesOf(t, path), before)
			}
			if err := os.Remove(done.SetAside); err != nil {
				t.Error(err)
			}
		}
		onlyThese(t, folder, "original.db", "state.db")
	}
	t.Log(counts)
	if counts["rebuilt"] < 50 {
		t.Errorf("the damages are no longer such that much can be saved: %v", counts)
	}
}

// large writes a state with entries that need several pages, and returns its content.
func large(t *testing.T, path string) []byte {
	t.Helper()
	db := openAt(t, path)
	update(t, db, func(tx *Tx) error {
		wrong := []error{fill(tx, 60)}
		for i := range 10 {
			f := testFinding(100+i, finding.Open)
			f.Description = strings.Repeat(fmt.Sprint("what finding ", i, " tells of. "), 500)
			wrong = append(wrong, tx.PutFinding(f), tx.PutKeyBaseline(keyARN(i), usedBy(450)))
			var b usage.Batch
			for j := range 400 {
				b.Add(&usage.Use{Key: keyARN(i), Principal: fmt.Sprint("role ", j), Operation: 1, At: day()})
			}
			_, _, err := tx.AppendUsage(&b, day())
			wrong = append(wrong, err)
		}
		return errors.Join(wrong...)
	})
	if _, err := db.FoldUsage(t.Context(), day()); err != nil {
		t.Fatal(err)
	}
	var b usage.Batch
	for j := range 2000 {
		b.Add(&usage.Use{Key: keyARN(1), Principal: fmt.Sprint("role ", j%400), Network: usage.Network(j), At: day()})
	}
	update(t, db, func(tx *Tx) error {
		_, _, err := tx.AppendUsage(&b, day())
		return err
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return read(path)
}

// wantRefusal fails unless a reason was given that a person can use.
func wantRefusal(t *testing.T, name string, err error) {
	t.Helper()
	_, inOrder := errors.AsType[*InOrderError](err)
	if !inOrder && !errors.Is(err, ErrNewerSchema) && !errors.Is(err, ErrOtherShard) &&
		!strings.Contains(err.Error(), "nothing of it can be read") && !strings.Contains(err.Error(), "has schema") {
		t.Errorf("%s: %v", name, err)
	}
}

// wantWhole opens what was rebuilt: what has to be true between its buckets is true, and it has what it is said to
// have.
func wantWhole(t *testing.T, name, path string, done *Rebuilt) {
	t.Helper()
	db, err := Open(options(path))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	defer db.Close()
	if db.Opened.SetAside != "" {
		t.Errorf("%s: what was rebuilt is damaged: %s", name, db.Opened.Damage)
	}
	lists, err := db.unreadable()
	if err != nil || len(lists) > 0 {
		t.Errorf("%s: unreadable %v, %v", name, lists, err)
	}
	view(t, db, func(tx *Tx) error {
		if err := relations(tx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i, take := range takes(day()) {
			own := 0
			if take.bucket == bucketAudit {
				own = 2 // the log goes on: its epoch began, the state was rebuilt
			}
			n := entriesUnder(take.to(tx))
			if got := done.Buckets[i]; got.Bucket != take.name() || got.Saved != n-own {
				t.Errorf("%s: said %+v of %s, which has %d", name, got, take.name(), n)
			}
		}
		return nil
	})
}

func entriesUnder(b *bbolt.Bucket) (n int) {
	_ = b.ForEach(func(k, v []byte) error {
		if v == nil {
			n += entriesUnder(b.Bucket(k))
		} else {
			n++
		}
		return nil
	})
	return n
}

// wantSubset compares the entries that carry something by themselves: totals and indexes follow from them.
func wantSubset(t *testing.T, name string, got, before map[string]string) {
	t.Helper()
	for key, value := range got {
		bucket, _, _ := strings.Cut(key, " ")
		switch bucket {
		case bucketMeta, bucketAudit, bucketUsage + "/" + usageNames, bucketQuarantine + "/hashes":
			continue // goes on, or is mended
		}
		if old, ok := before[key]; !ok || old != value {
			t.Errorf("%s: %q was not there before, or was another", name, key)
		}
	}
}

func onlyThese(t *testing.T, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, e.Name()) {
			t.Errorf("left over: %s", e.Name())
		}
	}
}

func TestAStateThatIsInOrderIsNotRebuilt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	write(t, path, filled(t, 3))
	write(t, path+".damaged-20261101T000000Z", []byte("garbage"))
	before := read(path)
	_, err := rebuilt(t, path)
	inOrder, ok := errors.AsType[*InOrderError](err)
	if !ok || !slices.Equal(inOrder.Damaged, []string{path + ".damaged-20261101T000000Z"}) ||
		!bytes.Equal(read(path), before) {
		t.Errorf("got %v", err)
	}
}

func TestADamagedStateThatWasSetAsideTakesTheNewOnesPlaceByForceOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	damaged := filled(t, 30)
	clear(damaged[len(damaged)/4096/2*4096:][:4096])
	write(t, path, damaged)
	db := openAt(t, path) // sets it aside
	aside := db.Opened.SetAside
	update(t, db, func(*Tx) error { return nil })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	request := Restoring{Path: path, Shard: "default", Now: day()}
	_, err := Rebuild(aside, request)
	if newer, ok := errors.AsType[*NewerStateError](err); !ok {
		t.Fatalf("got %v, %v", newer, err)
	}
	request.Force = true
	done, err := Rebuild(aside, request)
	if err != nil || done.Findings == 0 || !bytes.Equal(read(aside), damaged) {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestWhatCannotBeRebuiltLeavesEverythingAsItIs(t *testing.T) {
	for name, tc := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"no file":  {func(*testing.T, string) {}, "no such file"},
		"no state": {func(t *testing.T, path string) { write(t, path, []byte("hello")) }, "nothing of it can be read"},
		"another's bbolt file": {
			func(t *testing.T, path string) { foreign(t, path, map[string]string{"theirs": "x"}) },
			"nothing of it can be read: no bucket of a state is to be found",
		},
		"another shard's": {
			func(t *testing.T, path string) { spoilt(t, path, "shard", []byte("prod")) }, `is of shard "prod"`,
		},
		"more than the disk has room for": {
			func(t *testing.T, path string) {
				spoilt(t, path, "shard", []byte("default"))
				if err := os.Truncate(path, 1<<42); err != nil {
					t.Skip(err) // a file system that knows no such files
				}
			}, "make room there",
		},
		"a newer rotd's": {func(t *testing.T, path string) { spoilt(t, path, "schema", uint64Bytes(9)) }, "has schema 9"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			tc.make(t, path)
			before := digestOf(t, path)
			_, err := rebuilt(t, path)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
			if digestOf(t, path) != before {
				t.Error("the file was changed")
			}
			if _, err := os.Stat(path); before == "" && !errors.Is(err, fs.ErrNotExist) {
				t.Error("a state is left where there was none")
			}
			onlyThese(t, filepath.Dir(path), "state.db")
		})
	}
}

// digestOf is the digest of a file's first MiB, "" when there is no file.
func digestOf(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(file, 1<<20)); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// spoilt writes a state that lacks a bucket and says something else of itself.
func spoilt(t *testing.T, path, key string, value []byte) {
	t.Helper()
	db := openAt(t, path)
	update(t, db, func(tx *Tx) error {
		return errors.Join(fill(tx, 3), tx.btx.DeleteBucket([]byte(bucketJobs)),
			tx.bucket(bucketMeta).Put([]byte(key), value))
	})
	update(t, db, func(*Tx) error { return nil }) // neither meta page leads to what was before
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTheAuditLogIsSavedToItsLastWholeEntry alters one entry and takes others away: what verification finds is that.
func TestTheAuditLogIsSavedToItsLastWholeEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	db := openAt(t, path)
	update(t, db, func(tx *Tx) error { return fill(tx, 10) })
	update(t, db, func(tx *Tx) error {
		log := tx.bucket(bucketAudit)
		altered := bytes.Replace(log.Get(uint64Bytes(5)), []byte("reason"), []byte("season"), 1)
		return errors.Join(log.Put(uint64Bytes(5), altered), tx.btx.DeleteBucket([]byte(bucketJobs)),
			tx.SetAuditExported(AuditExported{To: "s3://a/b", Seq: 99}))
	})
	update(t, db, func(*Tx) error { return nil }) // neither meta page leads to what was before
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	done, err := rebuilt(t, path)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the log", done.Buckets[0], Saved{Bucket: bucketAudit, Saved: 10, Lost: 1})
	db, err = Open(options(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	view(t, db, func(tx *Tx) error {
		lines, _ := tx.AuditLines(0, 100)
		log := audit.NewVerifier()
		for _, line := range lines {
			log.Add(line)
		}
		var breaks []string
		for _, b := range log.End().Breaks {
			breaks = append(breaks, fmt.Sprint(b.Kind, " ", b.Seq))
		}
		same(t, "breaks", breaks, []string{"missing 6"})
		exported, err := tx.AuditExported()
		same(t, "the export goes on behind", exported.Seq, 11)
		return err
	})
}
