package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

const (
	maxNote = 1 << 10
	// MaxCounted bounds the ids a series remembers: rules compare small counts.
	MaxCounted = 64
)

// Memory is what rules remember, inside one transaction. A storage error is kept and returned by Err, so that rules
// stay free of it: the transaction must not commit when Err is not nil.
type Memory struct {
	tx  *Tx
	err error
}

// Memory returns the rules' memory in this transaction.
func (tx *Tx) Memory() *Memory { return &Memory{tx: tx} }

// Err is the first storage error that happened.
func (m *Memory) Err() error { return m.err }

// Count notes that id happened in series at a time, and returns how many distinct ids fall into the window that ends
// there, this one included.
func (m *Memory) Count(series, id string, at time.Time, window time.Duration) int {
	type entry = [16]byte // 8 bytes time, 8 bytes of the id's hash
	hash := shortHash(id)
	raw := m.get(series, at)
	entries := make([]entry, 0, len(raw)/16+1)
	known := false
	for ; len(raw) >= 16; raw = raw[16:] {
		e := entry(raw[:16])
		known = known || [8]byte(e[8:]) == [8]byte(hash[:8])
		entries = append(entries, e)
	}
	if !known {
		var e entry
		binary.BigEndian.PutUint64(e[:8], uint64(at.Unix())) //nolint:gosec // event times are after 1970
		copy(e[8:], hash[:8])
		entries = append(entries, e)
		slices.SortFunc(entries, func(a, b entry) int { return slices.Compare(a[:], b[:]) })
		if len(entries) > MaxCounted {
			entries = entries[len(entries)-MaxCounted:]
		}
		value := make([]byte, 0, 16*len(entries))
		for _, e := range entries {
			value = append(value, e[:]...)
		}
		newest := time.Unix(int64(binary.BigEndian.Uint64(entries[len(entries)-1][:8])), 0) //nolint:gosec // from at
		m.put(series, value, newest.Add(2*window))
	}
	n := 0
	for _, e := range entries {
		t := time.Unix(int64(binary.BigEndian.Uint64(e[:8])), 0) //nolint:gosec // from at
		if !t.After(at) && t.After(at.Add(-window)) {
			n++
		}
	}
	return n
}

// Note keeps a short value under a name until at+keep.
func (m *Memory) Note(name, value string, at time.Time, keep time.Duration) {
	if len(value) > maxNote {
		value = value[:maxNote]
	}
	m.put(name, []byte(value), at.Add(keep))
}

// Noted returns what was noted under name, "" when nothing is that is still valid at the given time.
func (m *Memory) Noted(name string, at time.Time) string { return string(m.get(name, at)) }

func (m *Memory) get(name string, at time.Time) []byte {
	hash := shortHash(name)
	raw := m.tx.sub(bucketMemory, "values").Get(hash[:])
	if len(raw) < 8 || int64(binary.BigEndian.Uint64(raw[:8])) <= at.Unix() { //nolint:gosec // written by put
		return nil
	}
	return raw[8:]
}

func (m *Memory) put(name string, value []byte, expires time.Time) {
	if m.err != nil {
		return
	}
	hash := shortHash(name)
	values, expiry := m.tx.sub(bucketMemory, "values"), m.tx.sub(bucketMemory, "expiry")
	if before := values.Get(hash[:]); len(before) >= 8 {
		if m.err = expiry.Delete(append(append([]byte(nil), before[:8]...), hash[:]...)); m.err != nil {
			return
		}
	}
	stamp := uint64Bytes(uint64(expires.Unix())) //nolint:gosec // event times are after 1970
	if m.err = values.Put(hash[:], append(slices.Clone(stamp), value...)); m.err != nil {
		return
	}
	m.err = expiry.Put(append(stamp, hash[:]...), nil)
}

// dropMemory forgets what expired before the given time, and the entries that expire first beyond maxEntries.
func (tx *Tx) dropMemory(before time.Time, maxEntries int) (int, error) {
	values, expiry := tx.sub(bucketMemory, "values"), tx.sub(bucketMemory, "expiry")
	excess := expiry.Stats().KeyN - maxEntries
	return dropFront(expiry, func(i int, k []byte) bool {
		return i < excess || int64(binary.BigEndian.Uint64(k[:8])) < before.Unix() //nolint:gosec // written by put
	}, func(k []byte) error { return values.Delete(k[8:]) })
}

// dropFront deletes keys from the front of a bucket as long as gone says so, at most 50,000 in one transaction.
func dropFront(b *bbolt.Bucket, gone func(i int, k []byte) bool, also func(k []byte) error) (int, error) {
	const most = 50_000
	var drop [][]byte
	cursor := b.Cursor()
	for k, _ := cursor.First(); k != nil && len(drop) < most && gone(len(drop), k); k, _ = cursor.Next() {
		drop = append(drop, slices.Clone(k))
	}
	for _, k := range drop {
		if err := b.Delete(k); err != nil {
			return 0, fmt.Errorf("drop old entries: %w", err)
		}
		if also != nil {
			if err := also(k); err != nil {
				return 0, fmt.Errorf("drop old entries: %w", err)
			}
		}
	}
	return len(drop), nil
}
