package state

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// NoteAccessKey remembers an access key id as this daemon's own, before it is first used.
func (tx *Tx) NoteAccessKey(id string, at time.Time) error {
	if err := tx.sub(bucketOwn, "keys").Put([]byte(id), stamp(at)); err != nil {
		return fmt.Errorf("note own access key: %w", err)
	}
	return nil
}

// OwnAccessKeys returns every access key id noted and not yet forgotten.
func (tx *Tx) OwnAccessKeys() []string {
	var ids []string
	_ = tx.sub(bucketOwn, "keys").ForEach(func(k, _ []byte) error { // the function returns no error
		ids = append(ids, string(k))
		return nil
	})
	return ids
}

// NoteRequest remembers the request id of a changing call this daemon made.
func (tx *Tx) NoteRequest(requestID string, at time.Time) error {
	if err := tx.sub(bucketOwn, "requests").Put([]byte(requestID), stamp(at)); err != nil {
		return fmt.Errorf("note own request: %w", err)
	}
	return nil
}

// IsOwnRequest reports whether a changing call was this daemon's.
func (tx *Tx) IsOwnRequest(requestID string) bool {
	return requestID != "" && tx.sub(bucketOwn, "requests").Get([]byte(requestID)) != nil
}

// dropOwn forgets access keys and requests noted before the given time, at most limit of each.
func (tx *Tx) dropOwn(before time.Time, limit int) (int, error) {
	most := 0
	for _, sub := range []string{"keys", "requests"} {
		n, err := dropStamped(tx.sub(bucketOwn, sub), func(v []byte) bool {
			return len(v) == 8 && entryTime(v).Before(before)
		}, limit)
		if err != nil {
			return 0, err
		}
		most = max(most, n)
	}
	return most, nil
}

// dropStamped deletes the entries whose value is old, at most limit.
func dropStamped(b *bbolt.Bucket, old func(value []byte) bool, limit int) (int, error) {
	var drop [][]byte
	cursor := b.Cursor()
	for k, v := cursor.First(); k != nil && len(drop) < limit; k, v = cursor.Next() {
		if old(v) {
			drop = append(drop, bytes.Clone(k))
		}
	}
	for _, k := range drop {
		if err := b.Delete(k); err != nil {
			return 0, fmt.Errorf("drop old entries: %w", err)
		}
	}
	return len(drop), nil
}

func stamp(at time.Time) []byte { return uint64Bytes(uint64(at.Unix())) } //nolint:gosec // times are after 1970
