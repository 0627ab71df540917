package state

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// stamped says which entries of a sub-bucket are old by the time in their value.
type stamped struct {
	bucket, sub string
	old         func(value []byte) bool
	dropped     func(tx *Tx, n int) error // keeps totals true; nil: there are none
}

// ownCalls are access keys or requests noted before the given time.
func ownCalls(sub string, before time.Time) stamped {
	return stamped{bucket: bucketOwn, sub: sub, old: func(v []byte) bool {
		return len(v) == 8 && entryTime(v).Before(before)
	}}
}

// dropStamped removes old entries. They are in no order of time, so all are looked at: while intake goes on, a part in
// each transaction, and those found once more before they are removed.
func (db *DB) dropStamped(s stamped) func() (int, error) {
	return func() (total int, err error) {
		for after, more := []byte(nil), true; more; {
			var found [][]byte
			err := db.View(func(tx *Tx) error {
				found, after, more = s.find(tx.sub(s.bucket, s.sub).Cursor(), after)
				return nil
			})
			if err == nil && len(found) > 0 {
				err = db.Update(func(tx *Tx) error {
					n, err := s.remove(tx, found)
					total += n
					return err
				})
			}
			if err != nil {
				return total, err
			}
		}
		return total, nil
	}
}

// lookAtOnce bounds how many entries one transaction looks at.
const lookAtOnce = 20_000

// find looks for old entries from a key on; next is where to go on, if there are more.
func (s *stamped) find(cursor *bbolt.Cursor, from []byte) (found [][]byte, next []byte, more bool) {
	k, v := cursor.Seek(from)
	for looked := 0; k != nil; k, v = cursor.Next() {
		if looked == lookAtOnce || len(found) == dropAtOnce {
			return found, bytes.Clone(k), true
		}
		looked++
		if s.old(v) {
			found = append(found, bytes.Clone(k))
		}
	}
	return found, nil, false
}

// remove removes the entries that are still old.
func (s *stamped) remove(tx *Tx, keys [][]byte) (n int, err error) {
	b := tx.sub(s.bucket, s.sub)
	for _, k := range keys {
		if v := b.Get(k); v == nil || !s.old(v) {
			continue
		}
		if err := b.Delete(k); err != nil {
			return n, fmt.Errorf("drop old entries: %w", err)
		}
		n++
	}
	if s.dropped == nil || n == 0 {
		return n, nil
	}
	return n, s.dropped(tx, n)
}
