package state

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"rotd/internal/usage"
)

var fleetKeys = flag.Int("fleet", 1000, "keys in BenchmarkUsageOfAFleet; 100000 in docs/benchmarks.md")

const fleetPrincipals = 50 // of each key

// BenchmarkUsageOfAFleet has keys with 50 principals each, every pair with about a call a day for 90 days. A call of
// every pair is logged and folded into the records while somebody else writes; then keys are read and the file is
// opened.
func BenchmarkUsageOfAFleet(b *testing.B) {
	keys, path := *fleetKeys, filepath.Join(b.TempDir(), "state.db")
	db, err := Open(options(path))
	if err != nil {
		b.Fatal(err)
	}
	makeFleet(b, db, keys)
	pairs := float64(keys * fleetPrincipals)
	// Disk and neighbours have others wait as well: what folding adds is what is above this.
	idle, _ := beside(b, db, func() { time.Sleep(5 * time.Second) })
	var logging, folding, longest, behind time.Duration
	var logged, calls int
	var heap uint64
	for b.Loop() {
		for key := 0; key < keys; key += 20 {
			start := time.Now()
			n, dropped := appendUses(b, db, day(), callsOfFleet(key, min(key+20, keys))...)
			logging += time.Since(start)
			if calls += 20 * fleetPrincipals; dropped > 0 || n > 60<<20 || key+20 >= keys {
				start = time.Now()
				usageOf(b, db, 0, day())
				behind = max(behind, time.Since(start))
				start, logged = time.Now(), logged+n
				wait, most := beside(b, db, func() { fold(b, db, day()) })
				folding += time.Since(start)
				longest, heap = max(longest, wait), max(heap, most)
			}
		}
	}
	b.ReportMetric(float64(logging.Nanoseconds())/float64(calls), "log-ns/call")
	b.ReportMetric(float64(logged)/float64(calls), "log-B/call")
	b.ReportMetric(float64(behind.Microseconds())/1000, "read-behind-log-ms")
	b.ReportMetric(float64(folding.Nanoseconds())/float64(calls), "fold-ns/pair")
	b.ReportMetric(float64(idle.Microseconds())/1000, "idle-wait-max-ms")
	b.ReportMetric(float64(longest.Microseconds())/1000, "fold-wait-max-ms")
	b.ReportMetric(float64(heap)/(1<<20), "fold-heap-max-MiB")

	start := time.Now()
	for n := range 100 {
		usageOf(b, db, n*keys/100, day())
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/100, "read-us/key")
	view(b, db, func(tx *Tx) error {
		s := tx.sub(bucketUsage, usageKeys).Stats()
		b.ReportMetric(float64(s.LeafInuse)/pairs, "record-B/pair")
		b.ReportMetric(float64(s.LeafAlloc+s.BranchAlloc)/pairs, "pages-B/pair")
		return nil
	})
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/pairs, "file-B/pair")
	start = time.Now()
	if db, err = Open(options(path)); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(time.Since(start).Seconds(), "open-s")
	_ = db.Close()
}

func fleetPrincipal(key, n int) string {
	return fmt.Sprintf("arn:aws:iam::111122223333:role/service-%d-%d", key%997, n) // shared by keys, as roles are
}

// callsOfFleet is a call of every pair of some keys, now.
func callsOfFleet(from, to int) (all []usage.Use) {
	for key := from; key < to; key++ {
		for p := range fleetPrincipals {
			network, _ := usage.Source(fmt.Sprintf("10.%d.%d.1", key%7, p%11))
			all = append(all, usage.Use{
				Key: keyARN(key), Principal: fleetPrincipal(key, p), Operation: uint8(1 + p%2), Network: network,
				Service: "dynamodb.amazonaws.com", Shape: "table\x1ftenant", Contexts: 1 << (p % 60),
				At: day().Add(-time.Duration(p) * time.Minute),
			})
		}
	}
	return all
}

// makeFleet gives every key a record of 90 days. Its names are given ids by logging a call of each pair once.
func makeFleet(b *testing.B, db *DB, keys int) {
	b.Helper()
	db.bolt.NoSync = true // nothing here has to last
	const atOnce = 200
	var patterns [20]*usage.Record // few, since making them takes long
	for from := 0; from < keys; from += atOnce {
		to := min(from+atOnce, keys)
		update(b, db, func(tx *Tx) error {
			for key := from; key < to; key++ {
				if err := tx.PutKey(testKey(key)); err != nil {
					return err
				}
			}
			return nil
		})
		appendUses(b, db, day(), callsOfFleet(from, to)...)
		update(b, db, func(tx *Tx) error { return putFleet(tx, &patterns) })
		if err := db.dropUsageLog(1 << 62); err != nil {
			b.Fatal(err)
		}
	}
	db.bolt.NoSync = false
	if err := db.bolt.Sync(); err != nil {
		b.Fatal(err)
	}
}

// putFleet makes a record of 90 days for each key in the log.
func putFleet(tx *Tx, patterns *[20]*usage.Record) error {
	byKey := make(map[uint32][]usage.Tuple)
	if err := tx.eachLogged(func(_ uint64, t *usage.Tuple) { byKey[t.Key] = append(byKey[t.Key], *t) }); err != nil {
		return err
	}
	for id, tuples := range byKey {
		pattern := patterns[id%20]
		if pattern == nil {
			pattern = pastOf(tuples)
			patterns[id%20] = pattern
		}
		slices.SortFunc(tuples, func(a, b usage.Tuple) int { return cmp.Compare(a.Principal, b.Principal) })
		rec := *pattern
		rec.Pairs = slices.Clone(pattern.Pairs)
		for i := range rec.Pairs {
			rec.Pairs[i].Principal = tuples[i].Principal
		}
		if err := tx.putUsage(id, encodeUsage(&rec)); err != nil {
			return err
		}
	}
	return nil
}

// pastOf is a record of 90 days in which each call was made about once a day.
func pastOf(tuples []usage.Tuple) *usage.Record {
	rec := &usage.Record{}
	for _, t := range tuples {
		now := t.Hour
		for age := uint32(0); age < 90*24; age += 12 + (t.Principal+age*7)%25 {
			t.Hour, t.Count = now-age, 1+(t.Principal+age)%100
			rec.Fold(&t)
		}
	}
	rec.Bound(day(), usage.MaxPrincipals)
	return rec
}

// beside runs fn while somebody else writes, as intake does, and returns the longest that they waited for a
// transaction, and how much the heap held at most.
func beside(b *testing.B, db *DB, fn func()) (longest time.Duration, heap uint64) {
	b.Helper()
	runtime.GC()
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			start := time.Now()
			if err := db.Update(func(tx *Tx) error { return tx.PutRun("x", Run{Started: start}) }); err != nil {
				b.Error(err)
			}
			longest = max(longest, time.Since(start))
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = max(heap, m.HeapInuse)
		}
	})
	fn()
	close(done)
	wg.Wait()
	return longest, heap
}
