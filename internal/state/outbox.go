package state

import (
	"encoding/binary"
	"fmt"
)

// MaxOutbox bounds the alerts that wait to be told. Past it an alert is refused by PutAlert: the finding itself is
// kept, and the caller tells of the overflow once.
const MaxOutbox = 20_000

// Waiting is one alert of the outbox: what it says is the engine's, JSON.
type Waiting struct {
	Seq  uint64
	Data []byte
}

// PutAlert adds an alert to the outbox; stored is false when the outbox is full.
func (tx *Tx) PutAlert(data []byte) (stored bool, err error) {
	if tx.total(bucketOutbox) >= tx.bounds.outbox {
		return false, nil
	}
	seq, err := tx.bucket(bucketOutbox).NextSequence()
	if err != nil {
		return false, fmt.Errorf("add an alert: %w", err)
	}
	if err := tx.put(bucketOutbox, uint64Bytes(seq), data); err != nil {
		return false, fmt.Errorf("add an alert: %w", err)
	}
	return true, nil
}

// ReplaceAlert stores a waiting alert's progress; nil data removes it: it was told to everybody.
func (tx *Tx) ReplaceAlert(seq uint64, data []byte) error {
	var err error
	if data == nil {
		err = tx.remove(bucketOutbox, uint64Bytes(seq))
	} else {
		err = tx.put(bucketOutbox, uint64Bytes(seq), data)
	}
	if err != nil {
		return fmt.Errorf("update alert %d: %w", seq, err)
	}
	return nil
}

// WaitingAlerts copies the oldest alerts of the outbox, at most limit.
func (tx *Tx) WaitingAlerts(limit int) []Waiting {
	var alerts []Waiting
	cursor := tx.bucket(bucketOutbox).Cursor()
	for k, v := cursor.First(); k != nil && len(alerts) < limit; k, v = cursor.Next() {
		alerts = append(alerts, Waiting{Seq: binary.BigEndian.Uint64(k), Data: append([]byte(nil), v...)})
	}
	return alerts
}

// WaitingCount is how many alerts wait.
func (tx *Tx) WaitingCount() int { return tx.total(bucketOutbox) }
