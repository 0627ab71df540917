package state

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"iter"
)

// maxSubject bounds what an index key holds of a subject: events choose subjects, and bbolt refuses keys over 32 KiB.
const maxSubject = 1 << 10

// indexKey is `<subject> NUL <id>`, a subject longer than maxSubject hashed.
func indexKey(subject, id string) []byte {
	if len(subject) > maxSubject {
		sum := shortHash(subject)
		subject = "hash:" + hex.EncodeToString(sum[:])
	}
	return append(append([]byte(subject), 0), id...)
}

// setIndex adds or removes an index entry.
func (tx *Tx) setIndex(bucket string, key []byte, there bool) error {
	var err error
	if there {
		err = tx.put(bucket, key, present())
	} else {
		err = tx.remove(bucket, key)
	}
	if err != nil {
		return fmt.Errorf("index %q: %w", key, err)
	}
	return nil
}

// indexed yields the ids behind a subject, the newest first: ids are ULIDs.
func (tx *Tx) indexed(bucket, subject string) iter.Seq[string] {
	return func(yield func(string) bool) {
		prefix := indexKey(subject, "")
		after := bytes.Clone(prefix)
		after[len(after)-1]++ // the first key behind every `<subject> NUL …`
		cursor := tx.bucket(bucket).Cursor()
		k, _ := cursor.Seek(after)
		if k == nil {
			k, _ = cursor.Last()
		} else {
			k, _ = cursor.Prev()
		}
		for ; bytes.HasPrefix(k, prefix); k, _ = cursor.Prev() {
			if !yield(string(k[len(prefix):])) {
				return
			}
		}
	}
}

// lastPart is what follows the last NUL.
func lastPart(key []byte) string { return string(key[bytes.LastIndexByte(key, 0)+1:]) }
