package state

import (
	"fmt"
	"time"
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

func stamp(at time.Time) []byte { return uint64Bytes(uint64(at.Unix())) } //nolint:gosec // times are after 1970
