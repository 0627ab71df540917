package baseline

import "slices"

// Who reads slowly enough is in no hour's counts: of what is worth it, secrets and parameters, days are counted too.
// Days are UTC's. One is over an hour after its end, since a use may come 15 minutes late.

// daily reports whether days of a class are counted.
func daily(class Class) bool { return class == Secrets || class == Parameters }

// MaxDays bounds the days of a principal with a key that are remembered: four weeks of who reads things of one class.
const MaxDays = 28

// maxOpen is how many days of both classes are on at a time: one, and the one before it for an hour.
const maxOpen = 2 * 2

// today is what a principal reads of one class with a key on a day that is not over.
type today struct {
	day    uint32 // since 1970
	class  Class
	calls  uint32
	things things
}

// past is a day on which a principal read more than a few things with a key.
type past struct {
	day             uint32
	class           Class
	calls, distinct uint32
}

// overAt is the hour from which a day is over.
func overAt(day uint32) uint32 { return (day+1)*dayHours + 1 }

// countDay counts a reading use in its day. One that comes after the day is over counts nowhere.
func (p *pair) countDay(u *Use, hour uint32) Counts {
	p.closeDays(p.last)
	day := hour / dayHours
	if !daily(u.Context.Class) || p.last >= overAt(day) {
		return Counts{}
	}
	i := slices.IndexFunc(p.today, func(t today) bool { return t.day == day && t.class == u.Context.Class })
	if i < 0 {
		p.today = append(p.today, today{day: day, class: u.Context.Class})
		i = len(p.today) - 1
	}
	t := &p.today[i]
	t.calls++
	t.things.add(u.Context.Thing)
	return Counts{int(t.calls), t.things.distinct()}
}

// closeDays remembers the days that are over at an hour.
func (p *pair) closeDays(hour uint32) {
	p.today = slices.DeleteFunc(p.today, func(t today) bool {
		if hour < overAt(t.day) {
			return false
		}
		if n := t.things.distinct(); n > Small(t.class) {
			p.past = append(p.past, past{t.day, t.class, t.calls, uint32(n)}) //nolint:gosec // counted
		}
		return true
	})
	p.past = p.past[max(len(p.past)-MaxDays, 0):]
}

// usualDay sums up the days of a class before one.
func (p *pair) usualDay(class Class, day uint32) (u Usual) {
	var calls, distinct [MaxDays]int
	for _, d := range p.past {
		if d.class == class && d.day < day {
			calls[u.N], distinct[u.N] = int(d.calls), int(d.distinct)
			u.N++
		}
	}
	return u.of(calls[:u.N], distinct[:u.N])
}
