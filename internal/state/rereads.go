package state

import (
	"encoding/binary"
	"fmt"
	"time"
)

// MaxRereads bounds how many keys wait to be read again; the sweeps find what is past it.
const MaxRereads = 20_000

// Reread is one key that is to be read again.
type Reread struct {
	ARN string
	Due time.Time
}

// longestARN is more than any key ARN has; events name keys, and a longer name is none.
const longestARN = 1 << 10

// PlanReread asks for a key to be read again at a time, to the second.
func (tx *Tx) PlanReread(arn string, due time.Time) error {
	if tx.total(bucketRereads) >= tx.bounds.rereads || len(arn) > longestARN {
		return nil
	}
	if err := tx.put(bucketRereads, append(stamp(due), arn...), present()); err != nil {
		return fmt.Errorf("plan to read %s again: %w", arn, err)
	}
	return nil
}

// DueRereads returns what is due, earliest first, at most limit, and when the next one after them is.
func (tx *Tx) DueRereads(now time.Time, limit int) (due []Reread, next time.Time) {
	cursor := tx.bucket(bucketRereads).Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
		at := time.Unix(int64(binary.BigEndian.Uint64(k[:8])), 0).UTC() //nolint:gosec // written by stamp
		if at.After(now) || len(due) == limit {
			return due, at
		}
		due = append(due, Reread{ARN: string(k[8:]), Due: at})
	}
	return due, time.Time{}
}

// DoneReread removes what was read.
func (tx *Tx) DoneReread(r Reread) error {
	if err := tx.remove(bucketRereads, append(stamp(r.Due), r.ARN...)); err != nil {
		return fmt.Errorf("forget to read %s again: %w", r.ARN, err)
	}
	return nil
}
