package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"rotd/internal/usage"
)

// trimUsageAfter is after how many days the record of a key that nobody uses is trimmed; folding trims the others, and
// reading leaves out what is too old in any case.
const trimUsageAfter = 7

// dropUsage takes what is too old out of the records of keys that are used no more.
func (db *DB) dropUsage(now time.Time) (total int, err error) {
	db.folding.Lock()
	defer db.folding.Unlock()
	today := usage.DayOf(usage.HourOf(now))
	stale := func(_, v []byte) bool {
		header, err := usage.DecodeHeader(v)
		return err != nil || header.Trimmed+trimUsageAfter <= today
	}
	for after, more := []byte(nil), true; more; more = after != nil {
		var ids [][]byte
		if err := db.View(func(tx *Tx) error {
			ids, after = tx.usagePage(usageKeys, after, foldKeys, stale)
			return nil
		}); err != nil {
			return total, err
		}
		if len(ids) == 0 {
			continue
		}
		err := db.Update(func(tx *Tx) error {
			for _, id := range ids {
				if err := tx.trimUsage(binary.BigEndian.Uint32(id), now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return total, err
		}
		total += len(ids)
	}
	return total, nil
}

// trimUsage trims one record. One that has nothing left goes, and so does a damaged one.
func (tx *Tx) trimUsage(id uint32, now time.Time) error {
	rec, err := tx.usageRecord(id)
	if err != nil {
		rec = &usage.Record{}
	}
	rec.Bound(now, usage.MaxPrincipals)
	return tx.putUsage(id, encodeUsage(rec))
}

// keepUsageNames is for how many days a name is kept that no call had: for as long as something may refer to it, and
// until that is trimmed.
func keepUsageNames(kind byte) uint32 {
	days := usage.KeepDays
	switch kind {
	case kindName(kindResource)[0], kindName(kindKey)[0]: // a key's record has its resources
		days = usage.KeepHeld
	}
	return uint32(days) + trimUsageAfter + 8
}

// dropUsageNames forgets names that nothing can refer to any more.
func (db *DB) dropUsageNames(now time.Time) (total int, err error) {
	db.folding.Lock()
	defer db.folding.Unlock()
	today := usage.DayOf(usage.HourOf(now))
	stale := func(k, v []byte) bool { return binary.BigEndian.Uint32(v[4:])+keepUsageNames(k[0]) < today }
	for after, more := []byte(nil), true; more; more = after != nil {
		var keys [][]byte
		if err := db.View(func(tx *Tx) error {
			keys, after = tx.usagePage(usageNames, after, dropAtOnce, stale)
			return nil
		}); err != nil {
			return total, err
		}
		if len(keys) == 0 {
			continue
		}
		if err := db.Update(func(tx *Tx) error { return tx.forgetNames(keys, stale, &total) }); err != nil {
			return total, err
		}
	}
	return total, nil
}

// forgetNames forgets those names that nobody used meanwhile.
func (tx *Tx) forgetNames(keys [][]byte, stale func(k, v []byte) bool, total *int) error {
	names, ids := tx.sub(bucketUsage, usageNames), tx.sub(bucketUsage, usageIDs)
	for _, k := range keys {
		v := names.Get(k)
		if len(v) != 8 || !stale(k, v) {
			continue
		}
		if err := ids.Delete(slices.Clone(v[:4])); err != nil {
			return err
		}
		if err := names.Delete(k); err != nil {
			return err
		}
		for kind := range usageKinds {
			if kindName(kind)[0] != k[0] {
				continue
			}
			if err := tx.count(totalUsageNames(kind), -1); err != nil {
				return err
			}
		}
		*total++
	}
	return nil
}

// usagePage copies the keys of up to limit entries that follow after and are wanted; next is where to go on, nil at the
// end. It looks at a bounded number of entries.
func (tx *Tx) usagePage(sub string, after []byte, limit int, want func(k, v []byte) bool) (keys [][]byte, next []byte) {
	const scanLimit = 20_000
	cursor := tx.sub(bucketUsage, sub).Cursor()
	k, v := cursor.Seek(after)
	if k != nil && bytes.Equal(k, after) {
		k, v = cursor.Next()
	}
	for scanned := 0; k != nil; k, v = cursor.Next() {
		if len(keys) == limit || scanned == scanLimit {
			return keys, next
		}
		scanned++
		next = slices.Clone(k)
		if want(k, v) {
			keys = append(keys, next)
		}
	}
	return keys, nil
}
