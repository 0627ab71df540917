package usage

import (
	"cmp"
	"slices"
)

// Record is what is kept of one key's use.
type Record struct {
	// Folded is up to where the log is folded into the record, so that folding it again changes nothing.
	Folded uint64
	// Trimmed is the day on which what was too old was last taken out.
	Trimmed  uint32
	Pairs    []Pair  // by principal; the one of Others has what found no room
	Services []Named // by id
	Shapes   []Named // by id
	Aliases  []Naming
	Held     Held
}

// Pair is the key's use by one principal.
type Pair struct {
	Principal   uint32
	First, Last int64 // unix seconds
	Operations  []Seen
	Networks    []Seen
	Services    []Seen
	Shapes      []Seen
	More        uint8 // which of the sets had to leave some out
	Track
}

// Which sets of a pair left some out.
const (
	moreNetworks = 1 << iota
	moreServices
	moreShapes
)

// Track counts calls by the hour, for KeepHours, and by the day, for KeepDays.
type Track struct{ Hours, Days Series }

// Seen is one member of a set: a network, or the id of a name, and the hour it was last seen in.
type Seen struct {
	ID   uint64
	Last uint32
}

// Named is the key's use by one calling service, or with encryption contexts of one shape.
type Named struct {
	ID       uint32
	Last     uint32 // hour
	Contexts uint64 // of a shape, see Shaper
	Track
}

// Fold adds a tuple of this key. Bound has to follow the last.
func (r *Record) Fold(t *Tuple) {
	start := int64(t.Hour) * hourSeconds
	first, last := start+int64(t.First), start+int64(t.Last)
	p := r.pair(t.Principal, first)
	p.First, p.Last = min(p.First, first), max(p.Last, last)
	p.count(t.Hour, t.Count)
	p.Operations = see(p.Operations, uint64(t.Operation), t.Hour)
	if t.Network != 0 {
		p.Networks = see(p.Networks, uint64(t.Network), t.Hour)
	}
	if t.Service != None {
		p.Services = see(p.Services, uint64(t.Service), t.Hour)
		r.Services = named(r.Services, t.Service, 0, t)
	}
	if t.Shape != None {
		p.Shapes = see(p.Shapes, uint64(t.Shape), t.Hour)
		r.Shapes = named(r.Shapes, t.Shape, t.Contexts, t)
	}
	if t.Resource != None {
		r.Held.see(t.Resource, t.Hour, t.Vouched)
	}
	if t.Alias != None {
		r.nameBy(t.Principal, t.Alias, t.Hour)
	}
}

// pair finds a principal's pair or begins it.
func (r *Record) pair(principal uint32, first int64) *Pair {
	i, ok := slices.BinarySearchFunc(r.Pairs, principal, func(p Pair, id uint32) int { return compare(p.Principal, id) })
	if !ok {
		r.Pairs = slices.Insert(r.Pairs, i, Pair{Principal: principal, First: first, Last: first})
	}
	return &r.Pairs[i]
}

func (t *Track) count(hour, calls uint32) {
	t.Hours = t.Hours.add(hour, calls)
	t.Days = t.Days.add(DayOf(hour), calls)
}

func (t *Track) addAll(other *Track) {
	t.Hours, t.Days = t.Hours.addAll(other.Hours), t.Days.addAll(other.Days)
}

func see(set []Seen, id uint64, hour uint32) []Seen {
	i, ok := slices.BinarySearchFunc(set, id, func(s Seen, id uint64) int { return cmp.Compare(s.ID, id) })
	if !ok {
		return slices.Insert(set, i, Seen{id, hour})
	}
	set[i].Last = max(set[i].Last, hour)
	return set
}

func named(all []Named, id uint32, contexts uint64, t *Tuple) []Named {
	i, ok := slices.BinarySearchFunc(all, id, func(n Named, id uint32) int { return compare(n.ID, id) })
	if !ok {
		all = slices.Insert(all, i, Named{ID: id})
	}
	n := &all[i]
	n.Last = max(n.Last, t.Hour)
	n.Contexts |= contexts
	n.count(t.Hour, t.Count)
	return all
}

// merge adds another pair's use to this one's.
func (p *Pair) merge(other *Pair) {
	p.First, p.Last = min(p.First, other.First), max(p.Last, other.Last)
	p.addAll(&other.Track)
	p.More |= other.More
	for _, set := range []struct {
		into *[]Seen
		from []Seen
	}{
		{&p.Operations, other.Operations},
		{&p.Networks, other.Networks},
		{&p.Services, other.Services},
		{&p.Shapes, other.Shapes},
	} {
		for _, s := range set.from {
			*set.into = see(*set.into, s.ID, s.Last)
		}
	}
}

// LastUse is the newest use, in unix seconds; 0 when there is none.
func (r *Record) LastUse() (last int64) {
	for i := range r.Pairs {
		last = max(last, r.Pairs[i].Last)
	}
	return last
}
