package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"rotd/internal/counting"
)

const maxNote = 1 << 10

// Memory is what rules remember, inside one transaction. A storage error is kept and returned by Err, so that rules
// stay free of it: the transaction must not commit when Err is not nil.
type Memory struct {
	tx *Tx
	*common
	room room // the zero room is everybody's
}

// common is what a memory and its rooms have to tell at the end of their transaction.
type common struct {
	err     error
	crowded map[string]int // a room's owner → the most that it keeps
}

// Memory returns the rules' memory in this transaction.
func (tx *Tx) Memory() *Memory {
	return &Memory{tx: tx, common: &common{crowded: make(map[string]int)}}
}

// Err is the first storage error that happened.
func (m *Memory) Err() error { return m.err }

// Count notes that id happened in series at a time, and returns how many distinct ids the fullest window has that holds
// that time.
func (m *Memory) Count(series, id string, at time.Time, window time.Duration) int {
	hash := shortHash(id)
	// What has expired is read too: events of a backlog come late and out of order, and the window judges each entry.
	_, raw := m.load(series)
	entries, changed := decodeSeries(raw).With(counting.Entry{At: at.Unix(), ID: [8]byte(hash[:8])}, window)
	n := entries.Fullest(at, window)
	if changed {
		entries = entries.Newest()
		newest := time.Unix(entries[len(entries)-1].At, 0)
		m.put(series, encodeSeries(entries), newest.Add(2*window))
	}
	return n
}

// A series is kept as 16 bytes an entry: the time and the id's hash.
const entryBytes = 16

func encodeSeries(s counting.Series) []byte {
	value := make([]byte, 0, entryBytes*len(s))
	for _, e := range s {
		value = binary.BigEndian.AppendUint64(value, uint64(e.At)) //nolint:gosec // event times are after 1970
		value = append(value, e.ID[:]...)
	}
	return value
}

func decodeSeries(raw []byte) counting.Series {
	s := make(counting.Series, 0, len(raw)/entryBytes)
	for ; len(raw) >= entryBytes; raw = raw[entryBytes:] {
		s = append(s, counting.Entry{At: entryTime(raw).Unix(), ID: [8]byte(raw[8:entryBytes])})
	}
	return s
}

func entryTime(raw []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(raw)), 0) //nolint:gosec // written by encodeSeries and stamp
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
	expires, value := m.load(name)
	if expires <= at.Unix() {
		return nil
	}
	return value
}

// load returns what is kept under a name, whether it has expired or not.
func (m *Memory) load(name string) (expires int64, value []byte) {
	raw := m.tx.sub(bucketMemory, "values").Get(m.room.hash(name))
	if len(raw) < 8 {
		return 0, nil
	}
	return int64(binary.BigEndian.Uint64(raw)), raw[8:] //nolint:gosec // written by put
}

// put keeps a value under a name; past a bound what expires first is forgotten for it.
func (m *Memory) put(name string, value []byte, expires time.Time) {
	if m.err != nil {
		return
	}
	hash := m.room.hash(name)
	if m.err = m.tx.forget(hash); m.err != nil {
		return
	}
	if m.err = m.enter(); m.err != nil {
		return
	}
	if m.tx.total(bucketMemory) >= m.tx.bounds.memory {
		// A total that a bit fell over in may say full where nothing is.
		if first, _ := m.tx.sub(bucketMemory, "expiry").Cursor().First(); first != nil {
			if m.err = m.tx.forget(slices.Clone(first[8:])); m.err != nil {
				return
			}
		}
	}
	stamp := stamp(expires)
	if m.err = m.tx.sub(bucketMemory, "values").Put(hash, slices.Concat(stamp, value)); m.err != nil {
		return
	}
	if m.err = m.tx.sub(bucketMemory, "expiry").Put(slices.Concat(stamp, hash), present()); m.err != nil {
		return
	}
	m.err = m.tx.count(bucketMemory, 1)
}

// forget removes what is kept under a name's hash, if anything is.
func (tx *Tx) forget(hash []byte) error {
	values := tx.sub(bucketMemory, "values")
	raw := values.Get(hash)
	if len(raw) < 8 {
		return nil
	}
	if err := tx.sub(bucketMemory, "expiry").Delete(slices.Concat(raw[:8], hash)); err != nil {
		return fmt.Errorf("forget what a rule remembered: %w", err)
	}
	if err := values.Delete(hash); err != nil {
		return fmt.Errorf("forget what a rule remembered: %w", err)
	}
	if err := tx.leave(hash); err != nil {
		return err
	}
	return tx.count(bucketMemory, -1)
}

// dropMemory forgets what expired before the given time, at most limit entries.
func (tx *Tx) dropMemory(before time.Time, limit int) (int, error) {
	var drop [][]byte
	cursor := tx.sub(bucketMemory, "expiry").Cursor()
	for k, _ := cursor.First(); k != nil && len(drop) < limit && entryTime(k[:8]).Before(before); k, _ = cursor.Next() {
		drop = append(drop, slices.Clone(k[8:]))
	}
	for _, hash := range drop {
		if err := tx.forget(hash); err != nil {
			return 0, err
		}
	}
	return len(drop), nil
}
