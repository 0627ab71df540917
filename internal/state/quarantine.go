package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Bounds of the quarantine: past them only a hash is kept and the message counted.
const (
	MaxQuarantined     = 10_000
	MaxQuarantineBytes = 64 << 20
	maxQuarantineHash  = 200_000
)

// Quarantined is a message or record that could not be decoded, kept as it came.
type Quarantined struct {
	Seq       uint64    `json:"seq"`
	Queue     string    `json:"queue,omitempty"`
	Object    string    `json:"object,omitempty"` // s3://… of the log file a record came from
	MessageID string    `json:"message_id,omitempty"`
	SenderID  string    `json:"sender_id,omitempty"`
	At        time.Time `json:"at"`
	Reason    string    `json:"reason"` // stable word
	Detail    string    `json:"detail"`
	Body      []byte    `json:"body"`
}

// Quarantine keeps what could not be decoded, durable with the transaction. again is true when the same body was
// quarantined from the same queue before; kept is false when there is no copy of it, but at most its hash.
func (tx *Tx) Quarantine(q Quarantined) (again, kept bool, err error) {
	hashes, hash := tx.sub(bucketQuarantine, "hashes"), q.hash()
	if raw := hashes.Get(hash[:]); raw != nil {
		return true, len(raw) == 16 && binary.BigEndian.Uint64(raw) != 0, nil
	}
	held, err := tx.quarantined()
	if err != nil {
		return false, false, err
	}
	kept = held.Items < tx.bounds.quarantined && held.Bytes+len(q.Body) <= tx.bounds.quarantineBytes
	q.Seq = 0
	switch {
	case kept:
		items := tx.sub(bucketQuarantine, "items")
		if q.Seq, err = items.NextSequence(); err != nil {
			return false, false, fmt.Errorf("quarantine: %w", err)
		}
		if err := putJSON(items, uint64Bytes(q.Seq), q); err != nil {
			return false, false, fmt.Errorf("quarantine: %w", err)
		}
		held.Items++
		held.Bytes += len(q.Body)
	case held.Hashes >= tx.bounds.quarantineHashes:
		return false, false, nil
	}
	held.Hashes++
	if err := hashes.Put(hash[:], slices.Concat(uint64Bytes(q.Seq), stamp(q.At))); err != nil {
		return false, false, fmt.Errorf("quarantine: %w", err)
	}
	return false, kept, tx.setQuarantined(held)
}

// hash tells one quarantined body from another.
func (q *Quarantined) hash() [16]byte { return shortHash(q.Queue, q.Object, string(q.Body)) }

// held is how much the quarantine holds, kept as a total because counting a bucket reads all of it.
type held struct {
	Items, Bytes, Hashes int
}

func (tx *Tx) quarantined() (held, error) {
	h, _, err := getJSON[held](tx.bucket(bucketMeta), []byte("quarantined"))
	return h, err
}

func (tx *Tx) setQuarantined(h held) error {
	return putJSON(tx.bucket(bucketMeta), []byte("quarantined"), h)
}

// QuarantineList copies a page of the quarantine, newest first; see page.
func (tx *Tx) QuarantineList(after string, limit int) ([]Quarantined, string, error) {
	return page[Quarantined](tx, tx.sub(bucketQuarantine, "items"), after, limit, true, nil)
}

// QuarantineCount is how many bodies are kept and their bytes.
func (tx *Tx) QuarantineCount() (items, size int, err error) {
	h, err := tx.quarantined()
	return h.Items, h.Bytes, err
}

// dropQuarantine forgets what was quarantined before the given time, at most limit bodies, the oldest first.
func (tx *Tx) dropQuarantine(before time.Time, limit int) (int, error) {
	total, err := tx.quarantined()
	if err != nil {
		return 0, err
	}
	items, hashes := tx.sub(bucketQuarantine, "items"), tx.sub(bucketQuarantine, "hashes")
	dropped := 0
	for ; dropped < limit; dropped++ {
		k, _ := items.Cursor().First()
		if k == nil {
			break
		}
		q, _, err := getJSON[Quarantined](items, k)
		if err != nil {
			return 0, err
		}
		if !q.At.Before(before) {
			break
		}
		hash := q.hash()
		if err := errors.Join(hashes.Delete(hash[:]), items.Delete(k)); err != nil {
			return 0, fmt.Errorf("empty the quarantine: %w", err)
		}
		total.Items--
		total.Hashes--
		total.Bytes -= len(q.Body)
	}
	return dropped, tx.setQuarantined(total)
}

// bareHashes are those of what was only counted, quarantined before the given time.
func bareHashes(before time.Time) stamped {
	return stamped{
		bucket: bucketQuarantine, sub: "hashes",
		old: func(v []byte) bool {
			return len(v) == 16 && binary.BigEndian.Uint64(v) == 0 && entryTime(v[8:]).Before(before)
		},
		dropped: func(tx *Tx, n int) error {
			total, err := tx.quarantined()
			if err != nil {
				return err
			}
			total.Hashes -= n
			return tx.setQuarantined(total)
		},
	}
}
