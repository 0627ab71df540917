package state

import (
	"bytes"
	"encoding/hex"
	"slices"
)

// A name of a room is kept under its owner's hash and its own, so that all of a room stands together.
const (
	ownerBytes = 8
	roomyBytes = ownerBytes + 16
)

// room is a part of the memory that keeps so many names and no more.
type room struct {
	name  string
	owner []byte // nil: everybody
	most  int
}

// Room returns the part of the memory that belongs to an owner: names in it are its own, and of more than most what
// expires first is forgotten, so that whoever fills it takes nothing from others. It must not be kept beyond the
// transaction.
func (m *Memory) Room(owner string, most int) *Memory {
	hash := shortHash("room", owner)
	return &Memory{tx: m.tx, common: m.common, room: room{name: owner, owner: hash[:ownerBytes], most: most}}
}

// Crowded returns the owners whose rooms were full in this transaction, so that something was forgotten early, with how
// much each may keep.
func (m *Memory) Crowded() map[string]int { return m.crowded }

// hash is what a name is kept under.
func (r *room) hash(name string) []byte {
	hash := shortHash(name)
	return slices.Concat(r.owner, hash[:])
}

// roomTotal names the count of what a room keeps.
func roomTotal(owner []byte) string { return bucketMemory + "/" + hex.EncodeToString(owner) }

// enter counts a new name of the room, and makes room for it when there is none.
func (m *Memory) enter() error {
	if m.room.owner == nil {
		return nil
	}
	if m.tx.total(roomTotal(m.room.owner)) >= m.room.most {
		if err := m.makeRoom(); err != nil {
			return err
		}
	}
	return m.tx.count(roomTotal(m.room.owner), 1)
}

// leave counts a forgotten name's room down.
func (tx *Tx) leave(hash []byte) error {
	if len(hash) != roomyBytes {
		return nil
	}
	return tx.count(roomTotal(hash[:ownerBytes]), -1)
}

// makeRoom forgets the sixteenth of a full room that expires first: a room is gone over once for many names.
func (m *Memory) makeRoom() error {
	var ends [][]byte // expiry and hash
	cursor := m.tx.sub(bucketMemory, "values").Cursor()
	for k, v := cursor.Seek(m.room.owner); bytes.HasPrefix(k, m.room.owner); k, v = cursor.Next() {
		if len(k) == roomyBytes {
			ends = append(ends, slices.Concat(v[:8], k))
		}
	}
	total := roomTotal(m.room.owner)
	if err := m.tx.count(total, len(ends)-m.tx.total(total)); err != nil { // a bit may have fallen over in it
		return err
	}
	over := len(ends) - m.room.most
	if over < 0 {
		return nil
	}
	m.crowded[m.room.name] = m.room.most
	slices.SortFunc(ends, bytes.Compare)
	for _, end := range ends[:min(len(ends), over+1+m.room.most/16)] {
		if err := m.tx.forget(end[8:]); err != nil {
			return err
		}
	}
	return nil
}
