package usage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// Tuple is a line of a batch with ids in place of names.
type Tuple struct {
	Key, Principal uint32
	Service, Shape uint32
	Network        Network
	Operation      uint8
	Hour           uint32
	Calls
}

// Bytes of the log and of records begin with the version they are written in.
const formatVersion = 1

// ErrDamaged says that bytes are not what was written.
var ErrDamaged = errors.New("damaged usage record")

// EncodeTuples writes the tuples of one transaction. It sorts them.
func EncodeTuples(tuples []Tuple) []byte {
	slices.SortFunc(tuples, func(a, b Tuple) int { return cmp.Compare(a.Key, b.Key) })
	newest := uint32(0)
	for i := range tuples {
		newest = max(newest, tuples[i].Hour)
	}
	b := make([]byte, 0, 16+24*len(tuples))
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, uint64(len(tuples)))
	b = binary.AppendUvarint(b, uint64(newest))
	key := uint32(0)
	for i := range tuples {
		t := &tuples[i]
		b = binary.AppendUvarint(b, uint64(t.Key-key))
		key = t.Key
		b = binary.AppendUvarint(b, uint64(t.Principal))
		b = append(b, t.Operation)
		b = binary.AppendUvarint(b, uint64(t.Network))
		b = binary.AppendUvarint(b, uint64(t.Service))
		b = binary.AppendUvarint(b, uint64(t.Shape))
		if t.Shape != None {
			b = binary.BigEndian.AppendUint64(b, t.Contexts)
		}
		b = binary.AppendUvarint(b, uint64(newest-t.Hour))
		b = binary.AppendUvarint(b, uint64(t.First))
		b = binary.AppendUvarint(b, uint64(t.Last-t.First))
		b = binary.AppendUvarint(b, uint64(t.Count))
	}
	return b
}

// DecodeTuples calls fn with each tuple of a transaction, until it returns false. A tuple is fn's only until the next.
func DecodeTuples(raw []byte, fn func(*Tuple) bool) error {
	r := reader{b: raw}
	r.version()
	n := r.uvarint(math.MaxUint32)
	newest := r.number()
	key := uint32(0)
	for range n {
		var t Tuple
		t.Key = key + uint32(r.uvarint(uint64(math.MaxUint32-key))) //nolint:gosec // bounded
		key = t.Key
		t.Principal = r.number()
		t.Operation = r.byte()
		t.Network = Network(r.uvarint(math.MaxUint64))
		t.Service, t.Shape = r.number(), r.number()
		if t.Shape != None {
			t.Contexts = r.fixed()
		}
		t.Hour = newest - uint32(r.uvarint(uint64(newest)))                 //nolint:gosec // bounded
		t.First = uint16(r.uvarint(hourSeconds - 1))                        //nolint:gosec // bounded
		t.Last = t.First + uint16(r.uvarint(uint64(hourSeconds-1-t.First))) //nolint:gosec // bounded
		t.Count = r.number()
		if r.err != nil {
			return r.err
		}
		if !fn(&t) {
			return nil
		}
	}
	return r.end()
}
