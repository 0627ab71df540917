package usage

import (
	"cmp"
	"slices"
	"time"
)

// Bound takes out what is too old and what is too much: of principals, networks, services and shapes those used last
// are kept. The counts of principals, services and shapes that have to go are added up under Others. principals is how
// many may be kept, MaxPrincipals at most. What a key holds is bounded apart, see Held.
func (r *Record) Bound(now time.Time, principals int) {
	hour, day := oldestHour(now), oldestDay(now)
	r.Trimmed = DayOf(HourOf(now))
	for i := range r.Pairs {
		r.Pairs[i].trim(hour, day)
	}
	r.Pairs = slices.DeleteFunc(r.Pairs, func(p Pair) bool { return len(p.Days) == 0 })
	r.crowd(min(principals, MaxPrincipals))
	for i := range r.Pairs {
		r.Pairs[i].bound()
	}
	r.Services = boundNamed(r.Services, hour, day, MaxServices)
	r.Shapes = boundNamed(r.Shapes, hour, day, MaxShapes)
	r.boundAliases(day)
	r.Held.bound(now)
}

// crowd adds the pairs beyond a number that were not used for longest to that of Others.
func (r *Record) crowd(most int) {
	excess := r.Principals() - most
	if excess <= 0 {
		return
	}
	byAge := make([]*Pair, 0, len(r.Pairs))
	for i := range r.Pairs {
		if r.Pairs[i].Principal != Others {
			byAge = append(byAge, &r.Pairs[i])
		}
	}
	slices.SortFunc(byAge, func(a, b *Pair) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), compare(a.Principal, b.Principal))
	})
	others := Pair{Principal: Others, First: byAge[0].First, Last: byAge[0].Last}
	if i, ok := r.others(); ok {
		others = r.Pairs[i]
	}
	gone := make(map[uint32]bool, excess+1)
	gone[Others] = true
	for _, p := range byAge[:excess] {
		others.merge(p)
		gone[p.Principal] = true
	}
	r.Pairs = slices.DeleteFunc(r.Pairs, func(p Pair) bool { return gone[p.Principal] })
	r.Pairs = slices.Insert(r.Pairs, 0, others)
}

// others is where the pair of Others stands: no id is lower.
func (r *Record) others() (at int, ok bool) {
	return 0, len(r.Pairs) > 0 && r.Pairs[0].Principal == Others
}

// Principals is how many are kept one by one.
func (r *Record) Principals() int {
	if _, ok := r.others(); ok {
		return len(r.Pairs) - 1
	}
	return len(r.Pairs)
}

func (t *Track) trim(hour, day uint32) {
	t.Hours, t.Days = t.Hours.from(hour, KeepHours), t.Days.from(day, KeepDays)
}

func (p *Pair) trim(hour, day uint32) {
	p.Track.trim(hour, day)
	for _, set := range []*[]Seen{&p.Operations, &p.Networks, &p.Services, &p.Shapes} {
		*set = slices.DeleteFunc(*set, func(s Seen) bool { return DayOf(s.Last) < day })
	}
}

func (p *Pair) bound() {
	p.Networks = p.boundSet(p.Networks, MaxNetworks, moreNetworks)
	p.Services = p.boundSet(p.Services, MaxServices, moreServices)
	p.Shapes = p.boundSet(p.Shapes, MaxShapes, moreShapes)
}

// boundSet keeps those seen last. A set that is not full any more has lost an older member to age, and those that were
// left out were older still.
func (p *Pair) boundSet(set []Seen, most int, flag uint8) []Seen {
	switch {
	case len(set) < most:
		p.More &^= flag
	case len(set) > most:
		p.More |= flag
		slices.SortFunc(set, func(a, b Seen) int { return cmp.Or(compare(b.Last, a.Last), cmp.Compare(a.ID, b.ID)) })
		set = set[:most]
		slices.SortFunc(set, func(a, b Seen) int { return cmp.Compare(a.ID, b.ID) })
	}
	return set
}

// boundNamed trims each, and adds up under Others what was not seen for longest.
func boundNamed(all []Named, hour, day uint32, most int) []Named {
	for i := range all {
		all[i].trim(hour, day)
	}
	all = slices.DeleteFunc(all, func(n Named) bool { return len(n.Days) == 0 })
	excess := len(all) - most
	if len(all) > 0 && all[0].ID == Others {
		excess--
	}
	if excess <= 0 {
		return all
	}
	slices.SortFunc(all, func(a, b Named) int { // that of Others first, then the oldest
		if (a.ID == Others) != (b.ID == Others) {
			return compare(a.ID, b.ID)
		}
		return cmp.Or(compare(a.Last, b.Last), compare(a.ID, b.ID))
	})
	if all[0].ID != Others {
		all[0].ID = Others // it would be the first to go
		excess--
	}
	for i := 1; i <= excess; i++ {
		all[0].addAll(&all[i].Track)
		all[0].Last = max(all[0].Last, all[i].Last)
		all[0].Contexts |= all[i].Contexts
	}
	all = slices.Delete(all, 1, 1+excess)
	slices.SortFunc(all, func(a, b Named) int { return compare(a.ID, b.ID) })
	return all
}
