package traffic

import (
	"iter"
	"time"
)

// World is an organisation whose KMS traffic is wanted. Everything follows from its fields: the same World gives the
// same records, byte for byte.
type World struct {
	Seed     uint64
	Accounts int       // of the organisation; 0: 3
	Keys     int       // customer managed keys at the end, in eight weeks a tenth of them is made; 0: 120, at least 7
	Weeks    int       // 0: 8
	Start    time.Time // whole seconds, UTC; zero: Monday, 2 March 2026

	// Attacks happen besides; the ordinary records stay as they are without them.
	Attacks []Attack
}

// Record is one CloudTrail record as it is delivered.
type Record struct {
	JSON      []byte
	Time      time.Time // eventTime, to the millisecond, which the record itself does not say
	Delivered time.Time // never before Time
	Source    string    // the part of the world that made it, see doc.go; of an attack: "attack"
	Attack    string    // the name of the attack it belongs to; "": ordinary
	Own       bool      // made by rotd itself, which knows its own calls from its notes
}

// week is what most of the world goes by.
const week = 7 * 24 * time.Hour

func (w World) withDefaults() World {
	if w.Accounts == 0 {
		w.Accounts = 3
	}
	if w.Keys == 0 {
		w.Keys = 120
	}
	w.Keys = max(w.Keys, leastKeys)
	if w.Weeks == 0 {
		w.Weeks = 8
	}
	if w.Start.IsZero() {
		w.Start = time.Date(2026, time.March, 2, 0, 0, 0, 0, time.UTC)
	}
	w.Start = w.Start.UTC().Truncate(time.Second)
	return w
}

// End is when the last calls are made. The last records are delivered later.
func (w World) End() time.Time {
	w = w.withDefaults()
	return w.Start.Add(time.Duration(w.Weeks) * week)
}

// Records gives all records in the order of their delivery: some late, a few twice, a few hours late. A year of a large
// fleet needs no more memory than a day: what is held is the fleet and the records under way.
func (w World) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		f := newFleet(w.withDefaults())
		s := &stage{fleet: f}
		for i, a := range f.actors() {
			a.order = i
			if a.at < f.end {
				s.turns.push(a)
			}
		}
		for len(s.turns) > 0 {
			a := s.turns[0]
			for len(s.underWay) > 0 && s.underWay[0].delivered <= a.at {
				if !yield(s.take()) {
					return
				}
			}
			s.actor, s.now = a, a.at
			if a.at = a.turn(s); a.at >= f.end {
				s.turns.pop()
			} else {
				s.turns.sink(0)
			}
		}
		for len(s.underWay) > 0 {
			if !yield(s.take()) {
				return
			}
		}
	}
}
