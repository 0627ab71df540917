package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// MaxLate bounds how many eventIDs of untrusted time are remembered.
const MaxLate = 100_000

const sliceSeconds = 3600

// MarkSeen remembers an event and reports whether it was new. Its time must be one the daemon trusts: each hour of
// eventTime has a slice of its own.
func (tx *Tx) MarkSeen(eventID string, at time.Time) (fresh bool, err error) {
	second := uint32(at.Unix()) //nolint:gosec // trusted times lie between 15 days ago and an hour ahead
	return tx.markSeen(second, eventKey(eventID))
}

// MarkShared remembers a sharedEventID and reports whether it was new: records that share one tell of one call, to
// several accounts. Their times may differ a little, so that those of a minute are looked for together.
func (tx *Tx) MarkShared(sharedEventID string, at time.Time) (fresh bool, err error) {
	minute := uint32(at.Unix()) / 60 * 60 //nolint:gosec // as above
	return tx.markSeen(minute, shortHash("shared", sharedEventID))
}

// Events make most of a busy state: eight bytes each, and as few records as can be searched in no time. Records are
// those of a second and of two bits of the ids; a flood in one second, which may be somebody's doing, gets entries of
// its own when they are full, so that an event never costs more than one full record.
const (
	shortID      = 8
	seenGroups   = 4
	seenTogether = 64
)

func (tx *Tx) markSeen(second uint32, id [16]byte) (fresh bool, err error) {
	slice, err := tx.seenSlice(second / sliceSeconds)
	if err != nil {
		return false, err
	}
	short := shortened(id)
	var key [4 + shortID]byte
	binary.BigEndian.PutUint32(key[:], second)
	key[4] = byte(short % seenGroups)
	together := slice.Get(key[:5])
	for at := 0; at+shortID <= len(together); at += shortID {
		if binary.BigEndian.Uint64(together[at:]) == short {
			return false, nil
		}
	}
	if len(together) < seenTogether*shortID {
		all := make([]byte, len(together), len(together)+shortID)
		copy(all, together)
		err = slice.Put(key[:5], binary.BigEndian.AppendUint64(all, short))
	} else {
		binary.BigEndian.PutUint64(key[4:], short)
		if slice.Get(key[:]) != nil {
			return false, nil
		}
		err = slice.Put(key[:], present())
	}
	if err != nil {
		return false, fmt.Errorf("mark event %x: %w", id, err)
	}
	return true, nil
}

// shortened folds an id. That two ids of one second fold into the same takes 2^32 of them; whoever could choose one to
// be taken for another event would have to know that event's id before CloudTrail makes it.
func shortened(id [16]byte) uint64 {
	return binary.BigEndian.Uint64(id[:8]) ^ binary.BigEndian.Uint64(id[8:])
}

// seenSlice opens an hour's slice, the one used last without looking it up again.
func (tx *Tx) seenSlice(hour uint32) (*bbolt.Bucket, error) {
	if tx.slice != nil && tx.sliceAt == hour {
		return tx.slice, nil
	}
	b, err := tx.bucket(bucketSeen).CreateBucketIfNotExists(uint32Bytes(hour))
	if err != nil {
		return nil, fmt.Errorf("open the slice of hour %d: %w", hour, err)
	}
	tx.slice, tx.sliceAt = b, hour
	return b, nil
}

// MarkLate remembers an event whose time is not to be trusted, by arrival, and reports whether it was new.
func (tx *Tx) MarkLate(eventID string) (fresh bool, err error) {
	ids, order := tx.sub(bucketLate, "ids"), tx.sub(bucketLate, "order")
	id := eventKey(eventID)
	if ids.Get(id[:]) != nil {
		return false, nil
	}
	seq, err := order.NextSequence()
	if err != nil {
		return false, fmt.Errorf("mark late event %s: %w", eventID, err)
	}
	if err := order.Put(uint64Bytes(seq), id[:]); err != nil {
		return false, fmt.Errorf("mark late event %s: %w", eventID, err)
	}
	if err := ids.Put(id[:], uint64Bytes(seq)); err != nil {
		return false, fmt.Errorf("mark late event %s: %w", eventID, err)
	}
	bound := uint64(tx.bounds.late) //nolint:gosec // positive
	if seq <= bound {
		return true, nil
	}
	oldest := uint64Bytes(seq - bound)
	if gone := order.Get(oldest); gone != nil {
		if err := ids.Delete(gone); err != nil {
			return false, fmt.Errorf("forget a late event: %w", err)
		}
	}
	if err := order.Delete(oldest); err != nil {
		return false, fmt.Errorf("forget a late event: %w", err)
	}
	return true, nil
}

// dropSeen drops the oldest slice if it ends before the given time, and returns how many it dropped. It is one at a
// time: bbolt looks at every entry of a bucket that it deletes.
func (tx *Tx) dropSeen(before time.Time) (int, error) {
	end := uint32(before.Unix() / sliceSeconds) //nolint:gosec // a time of this century
	seen := tx.bucket(bucketSeen)
	oldest, _ := seen.Cursor().First()
	if oldest == nil || binary.BigEndian.Uint32(oldest) >= end {
		return 0, nil
	}
	tx.slice = nil
	if err := seen.DeleteBucket(bytes.Clone(oldest)); err != nil {
		return 0, fmt.Errorf("drop a slice of eventIDs: %w", err)
	}
	return 1, nil
}

// eventKey packs an eventID into 16 bytes: a UUID as itself, anything else hashed.
func eventKey(eventID string) [16]byte {
	var key [16]byte
	if len(eventID) == 36 && eventID[8] == '-' && eventID[13] == '-' && eventID[18] == '-' && eventID[23] == '-' {
		var compact [32]byte
		n := copy(compact[:], eventID[:8])
		n += copy(compact[n:], eventID[9:13])
		n += copy(compact[n:], eventID[14:18])
		n += copy(compact[n:], eventID[19:23])
		copy(compact[n:], eventID[24:])
		if _, err := hex.Decode(key[:], compact[:]); err == nil && lowerHex(compact[:]) {
			return key
		}
	}
	return shortHash(eventID)
}

// lowerHex keeps two spellings of one UUID two eventIDs: CloudTrail writes lower case.
func lowerHex(s []byte) bool {
	for _, c := range s {
		if c >= 'A' && c <= 'F' {
			return false
		}
	}
	return true
}

func shortHash(parts ...string) [16]byte {
	text := make([]byte, 0, 256) // on the stack: names are short, and asked for with every event
	for _, part := range parts {
		text = append(append(text, part...), 0)
	}
	sum := sha256.Sum256(text)
	return [16]byte(sum[:16])
}
