package usage

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Summarize says what a record knows of a window. name gives the names of ids.
func (r *Record) Summarize(w Window, name func(id uint32) string) *Usage {
	s := summary{w: w, name: name, hour: HourOf(w.From)}
	u := &Usage{
		From: w.From, To: w.To, By: w.By(), Counts: s.points(),
		Principals: []Principal{}, Services: []Service{}, Contexts: []Context{},
	}
	for i := range r.Pairs {
		p := &r.Pairs[i]
		if first := time.Unix(p.First, 0).UTC(); u.FirstUse.IsZero() || first.Before(u.FirstUse) {
			u.FirstUse = first
		}
		calls := s.count(&p.Track, u.Counts)
		u.Calls += calls
		if calls == 0 {
			continue
		}
		if p.Principal == Others {
			others := s.principal(p, calls)
			u.Others = &others
			continue
		}
		u.Principals = append(u.Principals, s.principal(p, calls))
	}
	if last := r.LastUse(); last > 0 {
		u.LastUse = time.Unix(last, 0).UTC()
	}
	s.named(u, r)
	s.aliases(u, r)
	slices.SortFunc(u.Principals, func(a, b Principal) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), b.LastUse.Compare(a.LastUse), cmp.Compare(a.ARN, b.ARN))
	})
	return u
}

// summary is the making of one Usage.
type summary struct {
	w    Window
	name func(uint32) string
	hour uint32 // the window's first
}

// points are the window's hours or days, without calls.
func (s *summary) points() []Point {
	first, last, step := s.slot(s.hour), s.slot(HourOf(s.w.To)), uint32(1)
	if !s.w.ByHour {
		step = dayHours
	}
	points := make([]Point, 0, last-first+1)
	for slot := first; slot <= last; slot++ {
		points = append(points, Point{At: hourTime(slot * step)})
	}
	return points
}

// slot is the hour, or the day it lies in.
func (s *summary) slot(hour uint32) uint32 {
	if s.w.ByHour {
		return hour
	}
	return DayOf(hour)
}

// count sums up a track's part that lies in the window and adds it to the points. What clocks that differ put ahead of
// now counts as now.
func (s *summary) count(t *Track, points []Point) (calls uint64) {
	series, first := t.Days, s.slot(s.hour)
	if s.w.ByHour {
		series = t.Hours
	}
	for _, c := range series.from(first, math.MaxInt32) {
		calls += uint64(c.Calls)
		if len(points) > 0 {
			points[min(int(c.Slot-first), len(points)-1)].Calls += uint64(c.Calls)
		}
	}
	return calls
}

func (s *summary) principal(p *Pair, calls uint64) Principal {
	one := Principal{
		Calls: calls, FirstUse: time.Unix(p.First, 0).UTC(), LastUse: time.Unix(p.Last, 0).UTC(),
		Operations: s.seen(p.Operations, operationName),
		Networks:   s.seen(p.Networks, func(id uint64) string { return Network(id).String() }),
		Services:   s.seen(p.Services, s.nameOf),
		Contexts:   s.seen(p.Shapes, func(id uint64) string { return joined(s.nameOf(id)) }),
	}
	if p.Principal != Others {
		one.ARN = s.name(p.Principal)
	}
	for i, what := range [...]string{"networks", "services", "contexts"} {
		if p.More&(1<<i) != 0 {
			one.More = append(one.More, what)
		}
	}
	return one
}

// nameOf is a name, "others" for those that found no room.
func (s *summary) nameOf(id uint64) string {
	if id == Others {
		return "others"
	}
	return s.name(uint32(id)) //nolint:gosec // ids of names have 32 bits
}

// seen are the members of a set that were seen in the window, in order.
func (s *summary) seen(set []Seen, text func(id uint64) string) (all []string) {
	for _, one := range set {
		if one.Last >= s.hour {
			all = append(all, text(one.ID))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// named fills in calling services and contexts.
func (s *summary) named(u *Usage, r *Record) {
	for i := range r.Services {
		n := &r.Services[i]
		if calls := s.count(&n.Track, nil); calls > 0 {
			one := Service{Calls: calls, LastHour: hourTime(n.Last)}
			if n.ID != Others {
				one.Name = s.name(n.ID)
			}
			u.Services = append(u.Services, one)
		}
	}
	for i := range r.Shapes {
		n := &r.Shapes[i]
		if calls := s.count(&n.Track, nil); calls > 0 {
			one := Context{Names: []string{}, Calls: calls, LastHour: hourTime(n.Last)}
			one.Distinct, one.AtLeast = Distinct(n.Contexts)
			if n.ID != Others {
				one.Names = ShapeNames(s.name(n.ID))
			}
			u.Contexts = append(u.Contexts, one)
		}
	}
	slices.SortFunc(u.Services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.Name, b.Name))
	})
	slices.SortFunc(u.Contexts, func(a, b Context) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), slices.Compare(a.Names, b.Names))
	})
}
