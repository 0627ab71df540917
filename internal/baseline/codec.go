package baseline

import (
	"encoding/binary"
	"math"
	"math/bits"

	"rotd/internal/compact"
)

// Records begin with the version they are written in.
const formatVersion = 1

// Append writes the key's record.
func (k *Key) Append(b []byte) []byte {
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, uint64(k.since)<<1|bit(k.full))
	b = binary.AppendUvarint(b, uint64(k.withContext))
	b = binary.AppendUvarint(b, uint64(k.bare))
	b = k.newcomers.append(b)
	b = binary.AppendUvarint(b, uint64(len(k.pairs)))
	for i := range k.pairs {
		b = k.pairs[i].append(b, k.since)
	}
	return b
}

// append writes a pair; most have neither windows nor bursts.
func (p *pair) append(b []byte, since uint32) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(p.principal))
	b = binary.AppendUvarint(b, uint64(p.first-since))
	b = binary.AppendUvarint(b, uint64(p.last-p.first))
	days := bit(len(p.today)+len(p.past) > 0)
	b = append(b, byte(len(p.windows))|byte(days)<<7, byte(len(p.bursts))) //nolint:gosec // bounded
	for i := range p.windows {
		b = p.windows[i].append(b)
	}
	b = appendBursts(b, p.bursts)
	if days == 0 {
		return b
	}
	b = append(b, byte(len(p.today)), byte(len(p.past))) //nolint:gosec // bounded
	for i := range p.today {
		t := &p.today[i]
		b = append(b, byte(t.class))
		b = binary.AppendUvarint(b, uint64(t.day))
		b = binary.AppendUvarint(b, uint64(t.calls))
		b = t.things.append(b)
	}
	for _, d := range p.past {
		b = append(b, byte(d.class))
		b = binary.AppendUvarint(b, uint64(d.day))
		b = binary.AppendUvarint(b, uint64(d.calls))
		b = binary.AppendUvarint(b, uint64(d.distinct))
	}
	return b
}

func appendBursts(b []byte, bursts []burst) []byte {
	hour := uint32(0)
	for _, x := range bursts {
		b = append(b, byte(x.class))
		b = binary.AppendUvarint(b, uint64(x.hour-hour))
		b = binary.AppendUvarint(b, uint64(x.calls))
		b = binary.AppendUvarint(b, uint64(x.distinct))
		hour = x.hour
	}
	return b
}

// append writes the slots in which something happened.
func (w *window) append(b []byte) []byte {
	b = append(b, byte(w.class))
	b = binary.AppendUvarint(b, uint64(w.newest))
	b = binary.AppendUvarint(b, uint64(w.learnt))
	var used byte
	for i := range w.slots {
		if w.slots[i].calls > 0 {
			used |= 1 << i
		}
	}
	b = append(b, used)
	for i := range w.slots {
		if s := &w.slots[i]; s.calls > 0 {
			b = binary.AppendUvarint(b, uint64(s.calls))
			b = s.things.append(b)
		}
	}
	return b
}

// listed is up to how many bits of a set are written one by one, in two bytes each.
const listed = 24

func (s *things) append(b []byte) []byte {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	if n > listed {
		b = append(b, math.MaxUint8)
		for _, word := range s {
			b = binary.BigEndian.AppendUint64(b, word)
		}
		return b
	}
	b = append(b, byte(n))
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			b = binary.AppendUvarint(b, uint64(i<<6|bits.TrailingZeros64(word))) //nolint:gosec // below 512
		}
	}
	return b
}

func (n newcomers) append(b []byte) []byte {
	b = append(b, byte(len(n))) //nolint:gosec // bounded
	for _, hour := range n {
		b = binary.AppendUvarint(b, uint64(hour))
	}
	return b
}

// Append writes the principal's record.
func (p *Principal) Append(b []byte) []byte {
	b = append(b, formatVersion)
	b = binary.AppendUvarint(b, uint64(p.since)<<1|bit(p.full))
	b = p.newcomers.append(b)
	b = binary.AppendUvarint(b, uint64(len(p.networks)))
	network := uint64(0)
	for _, s := range p.networks {
		b = binary.AppendUvarint(b, s.network-network)
		b = binary.AppendUvarint(b, uint64(s.last))
		network = s.network
	}
	b = binary.AppendUvarint(b, uint64(p.keys))
	b = append(b, byte(len(p.bursts))) //nolint:gosec // bounded
	return appendBursts(b, p.bursts)
}

// DecodeKey reads a key's record. Bytes that are not what Append wrote are an error that is compact.ErrDamaged.
func DecodeKey(raw []byte) (*Key, error) {
	r := reader{compact.NewReader(raw)}
	r.Version(formatVersion)
	head := r.Uvarint(math.MaxUint32<<1 | 1)
	k := &Key{since: uint32(head >> 1), full: head&1 != 0} //nolint:gosec // bounded
	k.withContext, k.bare = r.Number(), r.Number()
	k.newcomers = r.newcomers()
	k.pairs = make([]pair, r.Count(MaxPrincipals))
	for i := range k.pairs {
		p := &k.pairs[i]
		r.pair(p, k.since)
		if i > 0 && p.principal <= k.pairs[i-1].principal {
			r.Fail()
		}
	}
	return k, r.End()
}

// DecodePrincipal reads a principal's record, as DecodeKey does.
func DecodePrincipal(raw []byte) (*Principal, error) {
	r := reader{compact.NewReader(raw)}
	r.Version(formatVersion)
	head := r.Uvarint(math.MaxUint32<<1 | 1)
	p := &Principal{since: uint32(head >> 1), full: head&1 != 0} //nolint:gosec // bounded
	p.newcomers = r.newcomers()
	p.networks = make([]seen, r.Count(MaxNetworks))
	network := uint64(0)
	for i := range p.networks {
		by := r.Uvarint(math.MaxUint64 - network)
		if by == 0 {
			r.Fail()
		}
		network += by
		p.networks[i] = seen{network, r.Number()}
	}
	p.keys = r.Number()
	p.bursts = r.bursts(r.Byte())
	return p, r.End()
}

// reader reads what the functions above wrote.
type reader struct{ compact.Reader }

func (r *reader) newcomers() newcomers {
	n := r.Byte()
	if n == 0 {
		return nil
	}
	if n > MaxNewcomers {
		r.Fail()
		return nil
	}
	all := make(newcomers, n)
	for i := range all {
		all[i] = r.Number()
	}
	return all
}

func (r *reader) pair(p *pair, since uint32) {
	p.principal = ID(r.Fixed())
	p.first = r.From(since)
	p.last = r.From(p.first)
	head, bursts := r.Byte(), r.Byte()
	windows, days := head&^(1<<7), head>>7 == 1
	if windows > maxWindows {
		r.Fail()
		return
	}
	for range windows {
		p.windows = append(p.windows, r.window())
	}
	p.bursts = r.bursts(bursts)
	if days {
		r.days(p)
	}
}

func (r *reader) days(p *pair) {
	open, over := r.Byte(), r.Byte()
	if open > maxOpen || over > MaxDays {
		r.Fail()
		return
	}
	for range open {
		t := today{class: r.class(), day: r.day(), calls: r.Number()}
		r.things(&t.things)
		p.today = append(p.today, t)
	}
	for range over {
		p.past = append(p.past, past{class: r.class(), day: r.day(), calls: r.Number(), distinct: r.Number()})
	}
}

// day is a day that an hour can lie in.
func (r *reader) day() uint32 {
	return uint32(r.Uvarint(math.MaxUint32/dayHours - 2)) //nolint:gosec // bounded
}

func (r *reader) bursts(n uint8) []burst {
	if n > MaxBursts {
		r.Fail()
	}
	if n == 0 || r.Err() != nil {
		return nil
	}
	all, hour := make([]burst, n), uint32(0)
	for i := range all {
		x := burst{class: r.class()}
		x.hour = r.From(hour)
		x.calls, x.distinct = r.Number(), r.Number()
		all[i], hour = x, x.hour
	}
	return all
}

func (r *reader) class() Class {
	c := Class(r.Byte())
	if c >= classes {
		r.Fail()
	}
	return c
}

func (r *reader) window() (w window) {
	w.class = r.class()
	w.newest, w.learnt = r.Number(), r.Number()
	if w.learnt+hourSlots/2 < w.newest/hourSlots {
		r.Fail()
	}
	used := r.Byte()
	for i := range w.slots {
		if used&(1<<i) == 0 {
			continue
		}
		s := &w.slots[i]
		if s.calls = r.Number(); s.calls == 0 {
			r.Fail()
		}
		r.things(&s.things)
	}
	return w
}

func (r *reader) things(s *things) {
	n := r.Byte()
	if n == math.MaxUint8 {
		for i := range s {
			s[i] = r.Fixed()
		}
		return
	}
	if n > listed {
		r.Fail()
		return
	}
	for range n {
		bit := r.Uvarint(64*uint64(len(s)) - 1)
		s[bit>>6] |= 1 << (bit & 63)
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
