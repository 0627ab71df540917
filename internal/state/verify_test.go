package state

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

// TestVerifyFindsNothingWrongWithWhatBboltWrites: a false alarm would set a good state aside. Trees grow and shrink at
// random, with small and overflowing values and nested buckets, and are looked at after every commit.
func TestVerifyFindsNothingWrongWithWhatBboltWrites(t *testing.T) {
	for name, options := range map[string]*bbolt.Options{
		"as rotd opens it":         {NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: true},
		"as others open it":        {NoSync: true},
		"with pages of other size": {PageSize: 1024, NoSync: true},
	} {
		t.Run(name, func(t *testing.T) {
			bolt, err := bbolt.Open(filepath.Join(t.TempDir(), "b.db"), 0o600, options)
			if err != nil {
				t.Fatal(err)
			}
			db := &DB{bolt: bolt, path: bolt.Path()}
			if db.file, err = openRead(t, db.path); err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			random := rand.New(rand.NewPCG(3, 4))
			for commit := range 40 {
				grow := commit/10%2 == 0
				err := bolt.Update(func(btx *bbolt.Tx) error { return stir(btx, random, grow) })
				if err != nil {
					t.Fatal(err)
				}
				if err := db.Check(); err != nil {
					t.Fatalf("after commit %d: %v", commit, err)
				}
			}
		})
	}
}

// stir puts and deletes at random, more of the one when the tree is to grow, of the other when not.
func stir(btx *bbolt.Tx, random *rand.Rand, grow bool) error {
	for range 60 {
		top, err := btx.CreateBucketIfNotExists(fmt.Appendf(nil, "top %d", random.IntN(3)))
		if err != nil {
			return err
		}
		name := fmt.Appendf(nil, "sub %d", random.IntN(40))
		b, err := top.CreateBucketIfNotExists(name)
		if err != nil {
			return err
		}
		if random.IntN(4) == 0 {
			b = top // beside the sub-buckets
		}
		for range random.IntN(20) {
			key := fmt.Appendf(nil, "%0*d", 4+random.IntN(60), random.IntN(3000))
			if random.IntN(10) < 8 == grow {
				size := random.IntN(60)
				if random.IntN(50) == 0 {
					size = random.IntN(30_000)
				}
				err = b.Put(key, make([]byte, size))
			} else if k, _ := b.Cursor().Seek(key); k != nil && b.Get(k) != nil {
				err = b.Delete(append([]byte(nil), k...))
			}
			if err != nil {
				return err
			}
		}
		if !grow && random.IntN(20) == 0 {
			if err := top.DeleteBucket(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func openRead(t *testing.T, path string) (*os.File, error) {
	t.Helper()
	file, err := os.Open(path)
	if err == nil {
		t.Cleanup(func() { _ = file.Close() })
	}
	return file, err
}
