package baseline

import (
	"math"
	"math/bits"
	"time"
)

// A window is an hour of six slots of ten minutes. Two slots more are kept, so that an hour by the clock is whole when
// it is learnt, 20 minutes after its end: a use may come 15 minutes late.
const (
	slotSeconds = 600
	hourSlots   = 6
	ringSlots   = hourSlots + 2
)

// Window is the span over which Counts go.
const Window = hourSlots * slotSeconds * time.Second

// things is a set of 512 bits in which each thing sets one. United over many uses it tells how many things there were:
// to some percent up to a thousand.
type things [8]uint64

func (s *things) add(thing uint64) {
	bit := thing >> 55
	s[bit>>6] |= 1 << (bit & 63)
}

func (s *things) unite(other *things) {
	for i := range s {
		s[i] |= other[i]
	}
}

// distinct estimates the number of things by linear counting: Whang, Vander-Zanden, Taylor, "A Linear-Time
// Probabilistic Counting Algorithm for Database Applications", 1990.
func (s *things) distinct() int {
	const size = 512
	empty := size
	for _, word := range s {
		empty -= bits.OnesCount64(word)
	}
	if empty == 0 {
		empty = 1 // more than can be told
	}
	return int(math.Round(-size * math.Log(float64(empty)/size)))
}

// slot is what happened in ten minutes.
type slot struct {
	calls  uint32
	things things
}

// window counts what a principal reads of one class with one key, by ten minutes.
type window struct {
	class  Class
	newest uint32 // number of the newest slot, counted from 1970
	learnt uint32 // hour up to which hours were learnt
	slots  [ringSlots]slot
}

func slotOf(t time.Time) uint32 {
	return uint32(max(t.Unix(), 0) / slotSeconds) //nolint:gosec // until the year 80,000
}

func newWindow(class Class, at uint32) window {
	return window{class: class, newest: at, learnt: less(at/hourSlots, 1)}
}

// advance makes room for a slot that may be newer than the newest, and calls learn with the hours that are whole now
// and in which something happened.
func (w *window) advance(to uint32, learn func(hour uint32, calls, distinct int)) {
	if to <= w.newest {
		return
	}
	w.close(to, learn)
	for n := w.newest + 1; n <= to && n <= w.newest+ringSlots; n++ {
		w.slots[n%ringSlots] = slot{}
	}
	w.newest = to
}

// close learns the hours that are whole at a slot.
func (w *window) close(at uint32, learn func(hour uint32, calls, distinct int)) {
	whole := less(less(at, 2)/hourSlots, 1)
	for hour := w.learnt + 1; hour <= min(whole, w.newest/hourSlots); hour++ {
		if c := w.between(hour*hourSlots, hour*hourSlots+hourSlots-1); c.Calls > 0 {
			learn(hour, c.Calls, c.Distinct)
		}
	}
	w.learnt = max(w.learnt, whole)
}

// over reports whether nothing of the window can matter any more at a slot.
func (w *window) over(at uint32) bool {
	return at >= w.newest+ringSlots && at >= (w.newest/hourSlots+1)*hourSlots+2
}

// add counts a use in its slot; one that comes too late for it counts nowhere.
func (w *window) add(at uint32, thing uint64) bool {
	if at+ringSlots <= w.newest {
		return false
	}
	s := &w.slots[at%ringSlots]
	if s.calls < math.MaxUint32 {
		s.calls++
	}
	s.things.add(thing)
	return true
}

// Counts are what a principal read with a key within an hour.
type Counts struct{ Calls, Distinct int }

// fullest is the fullest hour that a slot is part of: whichever of an hour's uses comes last finds it full.
func (w *window) fullest(at uint32) (most Counts) {
	for last := at; last <= w.newest && last < at+hourSlots; last++ {
		c := w.between(less(last, hourSlots-1), last)
		if c.Distinct > most.Distinct || c.Distinct == most.Distinct && c.Calls > most.Calls {
			most = c
		}
	}
	return most
}

// between counts what happened from one slot to another, as far as it is kept.
func (w *window) between(first, last uint32) Counts {
	var all things
	calls := 0
	for n := max(first, less(w.newest, ringSlots-1)); n <= min(last, w.newest); n++ {
		s := &w.slots[n%ringSlots]
		calls += int(s.calls)
		all.unite(&s.things)
	}
	if calls == 0 {
		return Counts{}
	}
	return Counts{calls, all.distinct()}
}
