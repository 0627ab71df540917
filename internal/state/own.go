package state

import (
	"encoding/binary"
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

// dropOwn forgets access keys and requests noted before the given time.
func (tx *Tx) dropOwn(before time.Time) (int, error) {
	total := 0
	for _, sub := range []string{"keys", "requests"} {
		n, err := dropStamped(tx.sub(bucketOwn, sub), before)
		total += n
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// dropStamped deletes the entries whose value is a stamp before the given time.
func dropStamped(b *bbolt.Bucket, before time.Time) (int, error) {
	var drop [][]byte
	_ = b.ForEach(func(k, v []byte) error { // the function returns no error
		if len(v) == 8 && int64(binary.BigEndian.Uint64(v)) < before.Unix() { //nolint:gosec // written by stamp
			drop = append(drop, append([]byte(nil), k...))
		}
		return nil
	})
	for _, k := range drop {
		if err := b.Delete(k); err != nil {
			return 0, fmt.Errorf("drop old entries: %w", err)
		}
	}
	return len(drop), nil
}

func stamp(at time.Time) []byte { return uint64Bytes(uint64(at.Unix())) } //nolint:gosec // wall clock, after 1970
