package state

import (
	"fmt"
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
// quarantined from the same queue before; kept is false when only its hash was kept.
func (tx *Tx) Quarantine(q Quarantined) (again, kept bool, err error) {
	items, hashes := tx.sub(bucketQuarantine, "items"), tx.sub(bucketQuarantine, "hashes")
	hash := shortHash(q.Queue, q.Object, string(q.Body))
	if hashes.Get(hash[:]) != nil {
		return true, true, nil
	}
	held, err := tx.quarantined()
	if err != nil {
		return false, false, err
	}
	pointer := uint64(0)
	switch kept = held.Items < MaxQuarantined && held.Bytes+len(q.Body) <= MaxQuarantineBytes; {
	case kept:
		if q.Seq, err = items.NextSequence(); err != nil {
			return false, false, fmt.Errorf("quarantine: %w", err)
		}
		if err := putJSON(items, uint64Bytes(q.Seq), q); err != nil {
			return false, false, fmt.Errorf("quarantine: %w", err)
		}
		pointer = q.Seq
		held.Items++
		held.Bytes += len(q.Body)
	case held.Hashes >= maxQuarantineHash:
		return false, false, nil
	}
	held.Hashes++
	if err := hashes.Put(hash[:], uint64Bytes(pointer)); err != nil {
		return false, false, fmt.Errorf("quarantine: %w", err)
	}
	return false, kept, tx.setQuarantined(held)
}

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
	return page[Quarantined](tx.sub(bucketQuarantine, "items"), after, limit, true, nil)
}

// QuarantineCount is how many bodies are kept and their bytes.
func (tx *Tx) QuarantineCount() (items, bytes int, err error) {
	h, err := tx.quarantined()
	return h.Items, h.Bytes, err
}

// dropQuarantine forgets what was quarantined before the given time.
func (tx *Tx) dropQuarantine(before time.Time) (int, error) {
	items, hashes := tx.sub(bucketQuarantine, "items"), tx.sub(bucketQuarantine, "hashes")
	total, err := tx.quarantined()
	if err != nil {
		return 0, err
	}
	dropped := 0
	cursor := items.Cursor()
	for k, _ := cursor.First(); k != nil; k, _ = cursor.First() {
		q, _, err := getJSON[Quarantined](items, k)
		if err != nil {
			return dropped, err
		}
		if !q.At.Before(before) {
			break
		}
		hash := shortHash(q.Queue, q.Object, string(q.Body))
		if err := hashes.Delete(hash[:]); err != nil {
			return dropped, fmt.Errorf("empty the quarantine: %w", err)
		}
		if err := items.Delete(k); err != nil {
			return dropped, fmt.Errorf("empty the quarantine: %w", err)
		}
		total.Items--
		total.Hashes--
		total.Bytes -= len(q.Body)
		dropped++
	}
	return dropped, tx.setQuarantined(total)
}
