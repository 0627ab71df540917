package state

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"rotd/internal/usage"
)

const (
	foldTuples = 1 << 16 // in memory at once
	foldRead   = 1 << 20 // bytes of log read in one transaction
	foldKeys   = 32      // records written in one transaction
)

// Folded says what folding the log of usage did.
type Folded struct {
	Tuples  int // read from the log
	Keys    int // records written
	Damaged int // log entries and records that could not be read, and were left out
}

// FoldUsage folds the log of usage, as it is now, into the keys' records. Each record says up to where the log is in
// it, so that it may end anywhere and begin again: the log is deleted last. Records are made outside of writing
// transactions, so that intake waits for little more than the disk.
func (db *DB) FoldUsage(ctx context.Context, now time.Time) (f Folded, err error) {
	db.folding.Lock()
	defer db.folding.Unlock()
	until, err := db.logEnd(&f)
	if err != nil || until == 0 {
		return f, err
	}
	parts := uint32(f.Tuples/foldTuples) + 1 //nolint:gosec // bounded by the log's bytes
	for part := range parts {
		byKey, err := db.logPart(until, part, parts)
		if err != nil {
			return f, err
		}
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(byKey)), foldKeys) {
			if err := ctx.Err(); err != nil {
				return f, err
			}
			if err := db.foldKeys(ids, byKey, until, now, &f); err != nil {
				return f, fmt.Errorf("fold usage: %w", err)
			}
		}
	}
	return f, db.dropUsageLog(until)
}

// logEnd counts the log's tuples and says where it ends, 0 when it is empty.
func (db *DB) logEnd(f *Folded) (until uint64, err error) {
	if err := db.View(func(tx *Tx) error {
		if k, _ := tx.sub(bucketUsage, usageLog).Cursor().Last(); k != nil {
			until = binary.BigEndian.Uint64(k)
		}
		return nil
	}); err != nil {
		return 0, err
	}
	f.Damaged, err = db.eachLogged(until, func(logged) { f.Tuples++ })
	return until, err
}

// eachLogged goes over the log's tuples up to a place and says how many entries were damaged. It reads in short
// transactions: when the file has to grow, who writes waits for all who read.
func (db *DB) eachLogged(until uint64, fn func(t logged)) (damaged int, err error) {
	for after := uint64(0); after < until && err == nil; {
		err = db.View(func(tx *Tx) error {
			cursor, read := tx.sub(bucketUsage, usageLog).Cursor(), 0
			k, v := cursor.Seek(uint64Bytes(after + 1))
			for ; k != nil && read < foldRead; k, v = cursor.Next() {
				if after = binary.BigEndian.Uint64(k); after > until {
					return nil
				}
				read += len(v)
				if usage.DecodeTuples(v, func(t *usage.Tuple) bool { fn(logged{after, *t}); return true }) != nil {
					damaged++
				}
			}
			if k == nil {
				after = until
			}
			return nil
		})
	}
	return damaged, err
}

// logged is a tuple and its place in the log.
type logged struct {
	seq uint64
	usage.Tuple
}

// logPart reads the tuples of a part of the keys.
func (db *DB) logPart(until uint64, part, parts uint32) (map[uint32][]logged, error) {
	byKey := make(map[uint32][]logged)
	_, err := db.eachLogged(until, func(t logged) {
		if t.Key%parts == part {
			byKey[t.Key] = append(byKey[t.Key], t)
		}
	})
	return byKey, err
}

// foldKeys makes new records and stores those of keys that the inventory knows.
func (db *DB) foldKeys(ids []uint32, byKey map[uint32][]logged, until uint64, now time.Time, f *Folded) error {
	var folded map[uint32]newRecord
	if err := db.View(func(tx *Tx) error {
		folded = tx.newRecords(ids, byKey, until, now, f)
		return nil
	}); err != nil {
		return err
	}
	return db.Update(func(tx *Tx) error {
		for _, id := range ids {
			rec, ok := folded[id]
			if !ok || !tx.hasKey(id) {
				continue
			}
			if err := tx.putUsage(id, rec); err != nil {
				return err
			}
			f.Keys++
		}
		return nil
	})
}

// newRecords makes the records of keys, the log until a place folded in.
func (tx *Tx) newRecords(
	ids []uint32, byKey map[uint32][]logged, until uint64, now time.Time, f *Folded,
) map[uint32]newRecord {
	folded := make(map[uint32]newRecord, len(ids))
	room := tx.bounds.usagePairs - tx.total(totalUsagePairs)
	for _, id := range ids {
		rec, err := tx.usageRecord(id)
		if err != nil {
			f.Damaged++
			rec = &usage.Record{}
		}
		before := rec.Principals()
		if rec.Folded >= until {
			continue // an earlier folding did not get as far as deleting the log
		}
		for _, t := range byKey[id] {
			if t.seq > rec.Folded {
				rec.Fold(&t.Tuple)
			}
		}
		rec.Folded = until
		rec.Bound(now, before+max(room, 0))
		room -= rec.Principals() - before
		folded[id] = encodeUsage(rec)
	}
	return folded
}

// usageRecord reads a key's record; an empty one when there is none.
func (tx *Tx) usageRecord(id uint32) (*usage.Record, error) {
	raw := tx.sub(bucketUsage, usageKeys).Get(uint32Bytes(id))
	if raw == nil {
		return &usage.Record{}, nil
	}
	return usage.Decode(raw)
}

// hasKey reports whether the inventory knows the key behind an id.
func (tx *Tx) hasKey(id uint32) bool {
	raw := tx.sub(bucketUsage, usageIDs).Get(uint32Bytes(id))
	return len(raw) > 1 && tx.bucket(bucketKeys).Get(raw[1:]) != nil
}

// dropUsageLog deletes the log up to where it is folded.
func (db *DB) dropUsageLog(until uint64) error {
	_, err := db.repeat(dropAtOnce, func(tx *Tx) (n int, err error) {
		log := tx.sub(bucketUsage, usageLog)
		var drop [][]byte
		bytes := 0
		cursor := log.Cursor()
		for k, v := cursor.First(); k != nil && len(drop) < dropAtOnce; k, v = cursor.Next() {
			if binary.BigEndian.Uint64(k) > until {
				break
			}
			drop = append(drop, slices.Clone(k))
			bytes += len(v)
		}
		return len(drop), tx.deleteLogged(log, drop, bytes)
	})()
	if err != nil {
		return fmt.Errorf("drop the folded log of usage: %w", err)
	}
	return nil
}

func (tx *Tx) deleteLogged(log *bbolt.Bucket, drop [][]byte, bytes int) error {
	for _, k := range drop {
		if err := log.Delete(k); err != nil {
			return err
		}
	}
	if bytes == 0 {
		return nil
	}
	return tx.count(totalUsageLog, -bytes)
}
