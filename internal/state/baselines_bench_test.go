package state

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"rotd/internal/baseline"
)

// BenchmarkBaselinesOfAFleet has keys with 50 principals each, one of which reads secrets in bulk at night and five of
// which read a few each day. What is learnt of three days is written as commits do, key by key and beside all else.
func BenchmarkBaselinesOfAFleet(b *testing.B) {
	keys, path := *fleetKeys, filepath.Join(b.TempDir(), "state.db")
	db, err := Open(options(path))
	if err != nil {
		b.Fatal(err)
	}
	db.bolt.NoSync = true // nothing here has to last
	for b.Loop() {
		for d := range 3 {
			for from := 0; from < keys; from += 100 {
				to := min(from+100, keys)
				update(b, db, func(tx *Tx) error { return learnFleet(tx, from, to, day().AddDate(0, 0, d), d == 0) })
			}
		}
	}
	runtime.GC()
	b.ReportMetric(anonymousMiB(b), "rss-anon-MiB")
	pairs := float64(keys * fleetPrincipals)
	view(b, db, func(tx *Tx) error {
		s := tx.sub(bucketBaselines, baselineKeys).Stats()
		b.ReportMetric(float64(s.LeafInuse)/pairs, "record-B/pair")
		b.ReportMetric(float64(s.LeafAlloc+s.BranchAlloc)/(1<<20), "keys-pages-MiB")
		s = tx.sub(bucketBaselines, baselinePrincipals).Stats()
		b.ReportMetric(float64(s.LeafAlloc+s.BranchAlloc)/(1<<20), "principals-pages-MiB")
		return nil
	})
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "file-MiB")
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
}

// learnFleet learns of a day of some keys' use.
func learnFleet(tx *Tx, from, to int, when time.Time, first bool) error {
	for key := from; key < to; key++ {
		if first {
			if err := tx.PutKey(testKey(key)); err != nil {
				return err
			}
		}
		k, err := tx.KeyBaseline(keyARN(key))
		if err != nil {
			return err
		}
		for p := range fleetPrincipals {
			id := baseline.IDOf(fleetPrincipal(key, p))
			who, err := tx.PrincipalBaseline(id)
			if err != nil {
				return err
			}
			for n := range secretsOf(p) {
				var context baseline.ContextMaker
				context.Add("SecretARN", fmt.Sprint("secret ", n))
				use := baseline.Use{
					At: when.Add(time.Duration(p)*time.Minute + time.Duration(n)*time.Second), Principal: id,
					Network: uint64(10<<16 + p%11), Context: context.Context(), Decrypts: p < 6, Symmetric: true,
				}
				var o baseline.Observed
				k.Observe(&use, &o)
				who.Observe(&use, &o)
			}
			if err := tx.PutPrincipalBaseline(id, who); err != nil {
				return err
			}
		}
		if err := tx.PutKeyBaseline(keyARN(key), k); err != nil {
			return err
		}
	}
	return nil
}

// secretsOf is how many secrets a key's p-th principal uses on a day.
func secretsOf(p int) int {
	if p == 0 {
		return 40
	}
	return 2
}

// anonymousMiB is the process's own memory, without mapped files.
func anonymousMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc")
	}
	_, after, _ := bytes.Cut(status, []byte("RssAnon:"))
	kib, err := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
