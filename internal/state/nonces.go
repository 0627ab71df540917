package state

import (
	"fmt"
	"time"
)

// usedNonces are those used before the given time.
func usedNonces(before time.Time) stamped {
	return stamped{bucket: bucketProofs, sub: "nonces", old: func(v []byte) bool {
		return len(v) == 8 && entryTime(v).Before(before)
	}}
}

// UseNonce remembers a nonce that somebody used to prove who they are. unused is false when it was used before.
func (tx *Tx) UseNonce(nonce string, at time.Time) (unused bool, err error) {
	b := tx.sub(bucketProofs, "nonces")
	if b.Get([]byte(nonce)) != nil {
		return false, nil
	}
	if err := b.Put([]byte(nonce), stamp(at)); err != nil {
		return false, fmt.Errorf("use up a nonce: %w", err)
	}
	return true, nil
}
