package usage

import (
	"encoding/binary"
	"fmt"
	"math"

	"rotd/internal/compact"
)

// Header is what can be read of a record without reading it whole.
type Header struct {
	Folded     uint64
	Trimmed    uint32
	Principals int
	LastUse    int64 // unix seconds
}

// Encode writes a record that was bounded.
//
// Times are written as what lies between them and the newest, ids as what lies between them: most take a byte.
func (r *Record) Encode() []byte {
	last := r.LastUse()
	b := make([]byte, 0, 64+256*len(r.Pairs))
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, r.Folded)
	b = binary.AppendUvarint(b, uint64(r.Trimmed))
	b = binary.AppendUvarint(b, uint64(r.Principals())) //nolint:gosec // bounded
	b = binary.AppendUvarint(b, uint64(last))           //nolint:gosec // after 1970
	b = binary.AppendUvarint(b, uint64(len(r.Pairs)))
	id := uint32(0)
	for i := range r.Pairs {
		p := &r.Pairs[i]
		b = binary.AppendUvarint(b, uint64(p.Principal-id))
		id = p.Principal
		b = p.append(b, last)
	}
	newest := uint32(last / hourSeconds) //nolint:gosec // after 1970
	b = appendNamed(b, r.Services, newest, false)
	b = appendNamed(b, r.Shapes, newest, true)
	b = r.appendAliases(b, newest)
	return r.Held.append(b)
}

func (p *Pair) append(b []byte, newest int64) []byte {
	b = binary.AppendUvarint(b, uint64(newest-p.Last))  //nolint:gosec // it is the newest
	b = binary.AppendUvarint(b, uint64(p.Last-p.First)) //nolint:gosec // the first is no later
	b = append(b, p.More)
	hour := uint32(p.Last / hourSeconds) //nolint:gosec // after 1970
	for _, set := range [...][]Seen{p.Operations, p.Networks, p.Services, p.Shapes} {
		b = binary.AppendUvarint(b, uint64(len(set)))
		id := uint64(0)
		for _, s := range set {
			b = binary.AppendUvarint(b, s.ID-id)
			id = s.ID
			b = binary.AppendUvarint(b, uint64(hour-s.Last))
		}
	}
	return p.appendCounts(b, hour)
}

func (t *Track) appendCounts(b []byte, newest uint32) []byte {
	return t.Days.append(t.Hours.append(b, newest), DayOf(newest))
}

func appendNamed(b []byte, all []Named, newest uint32, contexts bool) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	id := uint32(0)
	for i := range all {
		n := &all[i]
		b = binary.AppendUvarint(b, uint64(n.ID-id))
		id = n.ID
		b = binary.AppendUvarint(b, uint64(newest-n.Last))
		if contexts {
			b = binary.BigEndian.AppendUint64(b, n.Contexts)
		}
		b = n.appendCounts(b, n.Last)
	}
	return b
}

// DecodeHeader reads the beginning of a record.
func DecodeHeader(raw []byte) (Header, error) {
	r := reader{compact.NewReader(raw)}
	h := r.header()
	return h, r.Err()
}

func (r *reader) header() (h Header) {
	r.Version(formatVersion)
	h.Folded = r.Uvarint(math.MaxUint64)
	h.Trimmed = r.Number()
	h.Principals = r.Count(MaxPrincipals)
	h.LastUse = int64(r.Uvarint(math.MaxUint32 * hourSeconds)) //nolint:gosec // bounded
	return h
}

// Decode reads a record. Bytes that are not what Encode wrote are an error that is compact.ErrDamaged, never a panic.
func Decode(raw []byte) (*Record, error) {
	r := reader{compact.NewReader(raw)}
	h := r.header()
	rec := &Record{Folded: h.Folded, Trimmed: h.Trimmed}
	room := make([]Count, 0, len(raw)/2) // for all series together, and for all sets
	seen := make([]Seen, 0, len(raw)/16)
	n := r.Count(MaxPrincipals + 1)
	rec.Pairs = make([]Pair, n)
	for i := range rec.Pairs {
		r.pair(&rec.Pairs[i], h.LastUse, &room, &seen)
		if i > 0 {
			rec.Pairs[i].Principal = r.above(rec.Pairs[i-1].Principal, rec.Pairs[i].Principal)
		}
	}
	newest := uint32(h.LastUse / hourSeconds) //nolint:gosec // bounded
	rec.Services = r.named(newest, MaxServices+1, false, &room)
	rec.Shapes = r.named(newest, MaxShapes+1, true, &room)
	rec.Aliases = r.aliases(newest)
	rec.Held = r.held()
	if r.Err() == nil && rec.Principals() != h.Principals {
		r.Fail()
	}
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("%d bytes: %w", len(raw), err)
	}
	return rec, nil
}

// above adds what lies between an id and the one before; ids ascend.
func (r *reader) above(before, by uint32) uint32 {
	if by == 0 || by > math.MaxUint32-before {
		r.Fail()
		return 0
	}
	return before + by
}

func (r *reader) pair(p *Pair, newest int64, room *[]Count, seen *[]Seen) {
	p.Principal = r.Number()
	p.Last = newest - int64(r.Uvarint(uint64(newest)))  //nolint:gosec // bounded
	p.First = p.Last - int64(r.Uvarint(uint64(p.Last))) //nolint:gosec // bounded
	p.More = r.Byte()
	hour := uint32(p.Last / hourSeconds) //nolint:gosec // bounded
	p.Operations = r.set(math.MaxUint8+1, hour, seen)
	p.Networks = r.set(MaxNetworks, hour, seen)
	p.Services = r.set(MaxServices, hour, seen)
	p.Shapes = r.set(MaxShapes, hour, seen)
	p.Hours, p.Days = r.series(hour, room), r.series(DayOf(hour), room)
}

func (r *reader) set(limit int, hour uint32, seen *[]Seen) []Seen {
	n := r.Count(limit)
	begin, id := len(*seen), uint64(0)
	for i := range n {
		by := r.Uvarint(math.MaxUint64 - id)
		if i > 0 && by == 0 {
			r.Fail()
		}
		id += by
		last := hour - uint32(r.Uvarint(uint64(hour))) //nolint:gosec // bounded
		if r.Err() != nil {
			return nil
		}
		*seen = append(*seen, Seen{id, last})
	}
	end := len(*seen)
	return (*seen)[begin:end:end]
}

func (r *reader) named(newest uint32, limit int, contexts bool, room *[]Count) []Named {
	n := r.Count(limit)
	all := make([]Named, n)
	for i := range all {
		x := &all[i]
		x.ID = r.Number()
		if i > 0 {
			x.ID = r.above(all[i-1].ID, x.ID)
		}
		x.Last = newest - uint32(r.Uvarint(uint64(newest))) //nolint:gosec // bounded
		if contexts {
			x.Contexts = r.Fixed()
		}
		x.Hours, x.Days = r.series(x.Last, room), r.series(DayOf(x.Last), room)
	}
	return all
}
