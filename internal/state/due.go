package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"rotd/internal/inventory"
)

// DueList is one of the lists of keys that are to be asked again for facts that are dear to ask for.
type DueList string

// The lists.
const (
	DueFacts DueList = "facts" // rotations and grants
	DueUse   DueList = "use"   // last use
)

// at is when a key is due in the list; zero: it was never asked.
func (l DueList) at(key *inventory.Key) time.Time {
	if l == DueUse {
		return key.UseDueAt()
	}
	return key.FactsDueAt()
}

// dueKey is `<account>/<region> NUL <due: uint64 unix seconds><key id>`.
func dueKey(key *inventory.Key, due time.Time) []byte {
	return append(append(duePlace(key.Account, key.Region), dueStamp(due)...), key.ID...)
}

func duePlace(account, region string) []byte { return append([]byte(account+"/"+region), 0) }

func dueStamp(due time.Time) []byte {
	if due.IsZero() {
		return uint64Bytes(0)
	}
	return stamp(due)
}

// putDue moves a key in the lists to where it belongs now; before is the key as it was stored, after as it will be.
// Nil: it was not, or it will not be.
func (tx *Tx) putDue(before, after *inventory.Key) error {
	for _, list := range []DueList{DueFacts, DueUse} {
		var was, is []byte
		if before != nil && before.HasCostlyFacts() {
			was = dueKey(before, list.at(before))
		}
		if after != nil && after.HasCostlyFacts() {
			is = dueKey(after, list.at(after))
		}
		if bytes.Equal(was, is) {
			continue
		}
		b := tx.sub(bucketDue, string(list))
		if was != nil {
			if err := b.Delete(was); err != nil {
				return fmt.Errorf("take a key from the list of %s due: %w", list, err)
			}
		}
		if is != nil {
			if err := b.Put(is, present()); err != nil {
				return fmt.Errorf("put a key into the list of %s due: %w", list, err)
			}
		}
	}
	return nil
}

// Due returns the keys of a place that are due, the longest first, at most limit.
func (tx *Tx) Due(list DueList, account, region string, now time.Time, limit int) ([]*inventory.Key, error) {
	var due []*inventory.Key
	prefix := duePlace(account, region)
	cursor := tx.sub(bucketDue, string(list)).Cursor()
	for k, _ := cursor.Seek(prefix); bytes.HasPrefix(k, prefix) && len(due) < limit; k, _ = cursor.Next() {
		rest := k[len(prefix):]
		if len(rest) < 8 {
			continue // a bit of the length fell over
		}
		id := string(rest[8:])
		if binary.BigEndian.Uint64(rest) > uint64(now.Unix()) { //nolint:gosec // after 1970
			break
		}
		key, err := tx.Key(tx.Resolve(account, region, id))
		if err = tx.PassOver(err); err != nil { // one key's record: the next inventory writes it anew
			return nil, err
		}
		// What an unreadable record left behind in the list would be due for ever.
		if key != nil && bytes.Equal(k, dueKey(key, list.at(key))) {
			due = append(due, key)
		}
	}
	return due, nil
}

// NeverAsked reports whether some key of a place has never been asked for the facts of a list.
func (tx *Tx) NeverAsked(list DueList, account, region string) bool {
	first := append(duePlace(account, region), uint64Bytes(0)...)
	k, _ := tx.sub(bucketDue, string(list)).Cursor().Seek(first)
	return bytes.HasPrefix(k, first)
}
