package state

import (
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// A bbolt file never shrinks: pages freed are used again, but not given back. Rewriting it is worth a longer start only
// when both much of the file and many bytes would be won.
const (
	worthShare = 50       // hundredths of the file
	worthBytes = 64 << 20 // bytes
	// compactStep bounds one transaction of the rewriting, in bytes.
	compactStep = 8 << 20
)

// Compaction says what came of rewriting the file.
type Compaction struct {
	Before, After int64 // bytes; After is that of the file that is used now
	Took          time.Duration
	Kept          string // why the file stayed as it was; "" when it was rewritten
}

// Usage is how much of the file is in use.
type Usage struct {
	Bytes int64 `json:"bytes"`
	Free  int64 `json:"free"` // bytes that hold nothing
}

// Usage tells how much of the file is in use, as of the last commit.
func (db *DB) Usage() (Usage, error) {
	var inUse int64 // up to the last page in use
	if err := db.bolt.View(func(btx *bbolt.Tx) error { inUse = btx.Size(); return nil }); err != nil {
		return Usage{}, fmt.Errorf("measure the state: %w", err)
	}
	info, err := db.file.Stat()
	if err != nil {
		return Usage{}, fmt.Errorf("measure the state: %w", err)
	}
	stats := db.bolt.Stats()
	free := int64(stats.FreePageN+stats.PendingPageN) * int64(db.bolt.Info().PageSize)
	return Usage{Bytes: info.Size(), Free: info.Size() - inUse + free}, nil
}

// worthCompacting reports whether rewriting wins enough.
func (b *bounds) worthCompacting(u Usage) bool {
	return u.Free >= b.compactBytes && u.Free*100 >= u.Bytes*b.compactShare
}

// compactIfWorth rewrites the file when that is worth it or asked for. Whatever goes wrong before the new file has
// replaced the old one leaves the old one in use, and Opened says why.
func (db *DB) compactIfWorth(o Options) error {
	// bbolt counts its free pages when a writer ends, and finds them all anew when one rolls back: so this one commits.
	if err := db.bolt.Update(func(*bbolt.Tx) error { return nil }); err != nil {
		return nil //nolint:nilerr // what cannot be written to is not compacted; who writes next says so
	}
	usage, err := db.Usage()
	if err != nil {
		return err
	}
	wished := false
	if err := db.View(func(tx *Tx) error { wished = tx.compactionAsked(); return nil }); err != nil {
		return err
	}
	if !o.Compact && !wished && !db.bounds.worthCompacting(usage) {
		return nil
	}
	begun := time.Now()
	c := &Compaction{Before: usage.Bytes, After: usage.Bytes}
	db.Opened.Compaction = c
	file, err := db.rewrite(usage)
	if err != nil {
		c.Kept = err.Error()
	} else if err := db.take(file); err != nil {
		return err
	}
	c.After, c.Took = db.Size(), time.Since(begun)
	if wished { // one that cannot be taken back now is looked at again at the next start
		_ = db.Update(func(tx *Tx) error { return tx.AskCompaction(nil) })
	}
	return nil
}

// errNotSmaller keeps the original.
var errNotSmaller = errors.New("the file would not have become smaller")

// rewrite writes what is in the file into a new one beside it, and gives it out, locked, when it is durable, verified,
// the same to the last entry, and smaller.
func (db *DB) rewrite(usage Usage) (*os.File, error) {
	if err := db.bounds.hasRoom(db.path, usage.Bytes-usage.Free); err != nil {
		return nil, err
	}
	part := db.path + compactPart
	err := db.writeCompact(part)
	if err == nil {
		err = giveTo(part, db.path)
	}
	var file *os.File
	if err == nil {
		file, err = lockedFile(part)
	}
	if err != nil {
		return nil, errors.Join(err, removeIfThere(part))
	}
	info, err := file.Stat()
	if err == nil {
		err = verify(file)
	}
	if err == nil && info.Size() >= usage.Bytes {
		err = errNotSmaller
	}
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		_ = file.Close()
		return nil, errors.Join(err, removeIfThere(part))
	}
	return file, nil
}

// writeCompact copies every entry into a new file at path, and compares.
func (db *DB) writeCompact(path string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("compact the state: %v", r)
		}
	}()
	file, err := lockedFile(path)
	if err != nil {
		return err
	}
	compact := &DB{file: file, path: path, bounds: db.bounds}
	if err := compact.openBolt(false); err != nil {
		_ = file.Close()
		return err
	}
	compact.bolt.NoSync = true // it is synced once, at the end
	compact.bolt.AllocSize = compactStep
	if err = bbolt.Compact(compact.bolt, db.bolt, compactStep); err == nil {
		err = sameContent(db.bolt, compact.bolt)
	}
	if err == nil {
		err = compact.bolt.Sync()
	}
	if err = errors.Join(err, compact.bolt.Close()); err != nil {
		return fmt.Errorf("compact the state: %w", err)
	}
	return nil
}

// take puts the rewritten file in the place of the one in use. Its lock is held from before it has the state's name.
func (db *DB) take(file *os.File) error {
	if err := os.Rename(db.path+compactPart, db.path); err != nil {
		_ = file.Close()
		db.Opened.Compaction.Kept = err.Error()
		return removeIfThere(db.path + compactPart)
	}
	old := db.bolt
	db.file, db.bolt = file, nil
	if err := errors.Join(syncFolder(filepath.Dir(db.path)), old.Close()); err != nil {
		return fmt.Errorf("replace the state by the compacted one: %w", err)
	}
	return db.openBolt(false)
}

// sameContent compares every bucket, sequence and entry of two files.
func sameContent(a, b *bbolt.DB) error {
	seed := maphash.MakeSeed()
	sumA, err := content(a, seed)
	if err != nil {
		return err
	}
	sumB, err := content(b, seed)
	if err != nil {
		return err
	}
	if sumA != sumB {
		return errors.New("the new file does not hold what the old one does")
	}
	return nil
}

func content(db *bbolt.DB, seed maphash.Seed) (sum uint64, err error) {
	var h maphash.Hash
	h.SetSeed(seed)
	err = db.View(func(btx *bbolt.Tx) error {
		return btx.ForEach(func(name []byte, b *bbolt.Bucket) error { return hashBucket(&h, name, b) })
	})
	return h.Sum64(), err
}

// hashBucket hashes a bucket's name, sequence and entries, each with its length, and the end of the bucket.
func hashBucket(h *maphash.Hash, name []byte, b *bbolt.Bucket) error {
	write := func(kind byte, parts ...[]byte) {
		_ = h.WriteByte(kind) // never fails
		for _, p := range parts {
			_, _ = h.Write(uint64Bytes(uint64(len(p))))
			_, _ = h.Write(p)
		}
	}
	write('b', name, uint64Bytes(b.Sequence()))
	err := b.ForEach(func(k, v []byte) error {
		if v == nil {
			return hashBucket(h, k, b.Bucket(k))
		}
		write('e', k, v)
		return nil
	})
	write('.')
	return err
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { //nolint:gosec // beside the state
		return err
	}
	return nil
}
