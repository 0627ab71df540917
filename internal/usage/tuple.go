package usage

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"

	"rotd/internal/compact"
)

// Tuple is a line of a batch with ids in place of names.
type Tuple struct {
	Key, Principal uint32
	Service, Shape uint32
	Resource       uint32 // only with a shape
	Vouched        bool   // the resource's own service named it
	Alias          uint32
	Network        Network
	Operation      uint8
	Hour           uint32
	Calls
}

// Bytes of the log and of records begin with the version they are written in.
const formatVersion = 1

// EncodeTuples writes the tuples of one transaction. It sorts them. Their keys come first, so that who looks for one
// key's need not read the rest where it is not among them.
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
		b = binary.AppendUvarint(b, uint64(tuples[i].Key-key))
		key = tuples[i].Key
	}
	for i := range tuples {
		t := &tuples[i]
		b = binary.AppendUvarint(b, uint64(t.Principal))
		b = append(b, t.Operation)
		b = binary.AppendUvarint(b, uint64(t.Network))
		b = binary.AppendUvarint(b, uint64(t.Service))
		b = binary.AppendUvarint(b, uint64(t.Shape))
		if t.Shape != None {
			b = binary.BigEndian.AppendUint64(b, t.Contexts)
			b = binary.AppendUvarint(b, uint64(t.Resource)<<1|bit(t.Vouched))
		}
		b = binary.AppendUvarint(b, uint64(t.Alias))
		b = binary.AppendUvarint(b, uint64(newest-t.Hour))
		b = binary.AppendUvarint(b, uint64(t.First))
		b = binary.AppendUvarint(b, uint64(t.Last-t.First))
		b = binary.AppendUvarint(b, uint64(t.Count))
	}
	return b
}

// DecodeTuples calls fn with each tuple of a transaction, until it returns false. A tuple is fn's only until the next.
func DecodeTuples(raw []byte, fn func(*Tuple) bool) error { return decodeTuples(raw, None, fn) }

// DecodeTuplesOf calls fn with each of a key's tuples, as DecodeTuples does.
func DecodeTuplesOf(key uint32, raw []byte, fn func(*Tuple)) error {
	return decodeTuples(raw, key, func(t *Tuple) bool {
		if t.Key == key {
			fn(t)
		}
		return t.Key <= key // they are in order
	})
}

// reader reads what is written of use.
type reader struct{ compact.Reader }

// decodeTuples reads the tuples of a transaction in which a key is; None: of any.
func decodeTuples(raw []byte, of uint32, fn func(*Tuple) bool) error {
	r := reader{compact.NewReader(raw)}
	r.Version(formatVersion)
	n := r.Uvarint(math.MaxUint32)
	newest := r.Number()
	keys, key, found := r, uint32(0), of == None
	for i := uint64(0); i < n && r.Err() == nil; i++ {
		key += uint32(r.Uvarint(uint64(math.MaxUint32 - key))) //nolint:gosec // bounded
		found = found || key == of
	}
	if !found || r.Err() != nil {
		return r.Err()
	}
	key = 0
	for range n {
		key += uint32(keys.Uvarint(math.MaxUint32)) //nolint:gosec // bounded above
		t := Tuple{Key: key}
		r.tuple(&t, newest)
		if r.Err() != nil {
			return r.Err()
		}
		if !fn(&t) {
			return nil
		}
	}
	return r.End()
}

func (r *reader) tuple(t *Tuple, newest uint32) {
	t.Principal = r.Number()
	t.Operation = r.Byte()
	t.Network = Network(r.Uvarint(math.MaxUint64))
	t.Service, t.Shape = r.Number(), r.Number()
	if t.Shape != None {
		t.Contexts = r.Fixed()
		named := r.Uvarint(math.MaxUint32<<1 | 1)
		t.Resource, t.Vouched = uint32(named>>1), named&1 != 0 //nolint:gosec // bounded
	}
	t.Alias = r.Number()
	t.Hour = newest - uint32(r.Uvarint(uint64(newest)))                 //nolint:gosec // bounded
	t.First = uint16(r.Uvarint(hourSeconds - 1))                        //nolint:gosec // bounded
	t.Last = t.First + uint16(r.Uvarint(uint64(hourSeconds-1-t.First))) //nolint:gosec // bounded
	t.Count = r.Number()
}
