package usage

import (
	"encoding/binary"
	"math"
	"slices"
)

// Count is how many calls fell into an hour or a day.
type Count struct {
	Slot  uint32 // hours or days since 1970
	Calls uint32
}

// Series are counts, the oldest first, without slots in which there was no call.
type Series []Count

// add counts calls; they come nearly in order.
func (s Series) add(slot, calls uint32) Series {
	i := len(s)
	for i > 0 && s[i-1].Slot > slot {
		i--
	}
	if i > 0 && s[i-1].Slot == slot {
		s[i-1].Calls = plus(s[i-1].Calls, calls)
		return s
	}
	return slices.Insert(s, i, Count{slot, calls})
}

func (s Series) addAll(other Series) Series {
	for _, c := range other {
		s = s.add(c.Slot, c.Calls)
	}
	return s
}

// from is the part from a slot on, no longer than so many slots and a little: what lies ahead belongs to clocks that
// differ.
func (s Series) from(slot uint32, keep int) Series {
	i, _ := slices.BinarySearchFunc(s, slot, func(c Count, slot uint32) int { return compare(c.Slot, slot) })
	return s[max(i, len(s)-keep-dayHours):]
}

// plus adds and stays at the most that fits.
func plus(a, b uint32) uint32 { return a + min(b, math.MaxUint32-a) }

func compare(a, b uint32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// append writes a series whose last slot is at most newest. Where slots follow one another, as they mostly do, a count
// under 64 takes one byte.
func (s Series) append(b []byte, newest uint32) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	for i, c := range s {
		switch {
		case i == 0:
			b = binary.AppendUvarint(b, uint64(newest-c.Slot))
			b = binary.AppendUvarint(b, uint64(c.Calls))
		case c.Slot == s[i-1].Slot+1:
			b = binary.AppendUvarint(b, uint64(c.Calls)<<1)
		default:
			b = binary.AppendUvarint(b, uint64(c.Calls)<<1|1)
			b = binary.AppendUvarint(b, uint64(c.Slot-s[i-1].Slot))
		}
	}
	return b
}

// series reads a series, into the room that is left behind.
func (r *reader) series(newest uint32, room *[]Count) Series {
	n := r.Count(math.MaxUint16)
	begin := len(*room)
	slot := uint32(0)
	for i := range n {
		var calls uint64
		if i == 0 {
			slot = newest - uint32(r.Uvarint(uint64(newest))) //nolint:gosec // bounded
			calls = r.Uvarint(math.MaxUint32)
		} else {
			token := r.Uvarint(math.MaxUint32<<1 | 1)
			gap := uint64(1)
			if token&1 != 0 {
				gap = r.Uvarint(uint64(newest))
			}
			if gap == 0 || gap > uint64(newest-slot) {
				r.Fail()
			}
			slot += uint32(gap)
			calls = token >> 1
		}
		if r.Err() != nil {
			return nil
		}
		*room = append(*room, Count{slot, uint32(calls)}) //nolint:gosec // bounded
	}
	end := len(*room)
	return (*room)[begin:end:end]
}
