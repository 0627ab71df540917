package baseline

import (
	"cmp"
	"slices"
	"time"
)

// Key is what is learnt of one key's use.
type Key struct {
	since uint32 // hour of the first use
	// Calls that could have had an encryption context and had one, up to maxCounted; and the hour of the last that had
	// none, 0 when there never was one.
	withContext, bare uint32

	pairs     []pair // by principal
	full      bool   // principals found no room: who is not among them may have been
	newcomers newcomers

	newest uint32 // slot of the newest use observed since the record was read
}

const maxCounted = 1 << 20

// pair is the key's use by one principal.
type pair struct {
	principal   ID
	first, last uint32 // hours
	windows     []window
	bursts      []burst
	today       []today
	past        []past
}

// Observed is what was known of a use's key and principal before the use, and what it makes of the hour's counts.
type Observed struct {
	// KeyFor is for how long the key's use has been learnt, at the use's time; a rule that compares with what is usual
	// waits until that is long enough.
	KeyFor time.Duration
	// NewPrincipal says that the principal had not used the key, as far back as is known. UsedFor is how long ago it did
	// first, and Newcomers is how many others had used it for the first time within the four weeks before that: where
	// they often come they are nothing unusual.
	NewPrincipal bool
	UsedFor      time.Duration
	Newcomers    int
	Others       int  // how many other principals are known to have used the key
	Crowded      bool // more used it than are known
	Keys         int  // how many keys the principal is known to have used

	// NewNetwork says that the principal had not called from the network, OtherNetworks from how many it had, and
	// NewNetworks how many of them were new within the four weeks before: somebody who travels.
	NewNetwork                 bool
	OtherNetworks, NewNetworks int
	// PrincipalFor is for how long the principal's calls have been learnt.
	PrincipalFor time.Duration

	// WithContext counts the key's calls that had an encryption context. AlwaysContext says that none ever lacked one, and
	// Bare that this one does.
	WithContext         int
	AlwaysContext, Bare bool

	// Hour is what the principal has read with the key in the fullest hour around the use, of the use's class of
	// context: zero when the use reads nothing or has no context.
	Class Class
	Hour  Counts
	Day   Counts // the same on the use's day, of secrets and parameters

	pair       *pair
	principal  *Principal
	hour       uint32
	firstOfKey bool // the key's record did not have the principal
}

// Usual is what the principal usually reads with the key within an hour like the use's, of the use's class. Hours in
// which it reads few things are left out.
func (o *Observed) Usual(times Times) Usual {
	if o.pair == nil {
		return Usual{}
	}
	return usual(o.pair.bursts, setOf(o.Class), o.hour, times)
}

// UsualDay is what the principal usually reads with the key on a day on which it reads more than a few things, of the
// use's class.
func (o *Observed) UsualDay() Usual {
	if o.pair == nil {
		return Usual{}
	}
	return o.pair.usualDay(o.Class, o.hour/dayHours)
}

// UsualOfPrincipal is what the principal usually reads within an hour, of the use's class or one like it, with
// whichever key at any time; the hours around the use are left out.
func (o *Observed) UsualOfPrincipal() Usual {
	if o.principal == nil {
		return Usual{}
	}
	return usual(o.principal.bursts, alike(o.Class), less(o.hour/partHours*partHours, partHours), AnyTime)
}

// monthHours is four weeks: as many of each day of the week.
const monthHours = 4 * 7 * 24

// Observe advances what is known of the key by a use, and sets the facts about it in o. The principal's Observe
// follows.
func (k *Key) Observe(u *Use, o *Observed) {
	hour := hourOf(u.At)
	k.newest = max(k.newest, slotOf(u.At))
	if k.since == 0 || hour < k.since {
		k.since = max(hour, 1)
	}
	o.KeyFor = time.Duration(less(hour, k.since)) * time.Hour
	o.WithContext, o.AlwaysContext = int(k.withContext), k.bare == 0
	o.Bare = u.Symmetric && u.Context.Class == NoContext
	if u.Symmetric {
		if u.Context.Class == NoContext {
			k.bare = max(k.bare, hour, 1)
		} else if k.withContext < maxCounted {
			k.withContext++
		}
	}

	i, known := slices.BinarySearchFunc(k.pairs, u.Principal, func(p pair, id ID) int {
		return cmp.Compare(p.principal, id)
	})
	o.NewPrincipal = !known && !k.full && len(k.pairs) > 0 // of the first of all nothing is known
	o.Others, o.Crowded, o.firstOfKey = len(k.pairs), k.full, !known
	if !known {
		o.Newcomers = k.newcomers.within(monthHours, hour)
		i = k.admit(i, u.Principal, hour)
	}
	p := &k.pairs[i]
	p.first, p.last = min(p.first, hour), max(p.last, hour)
	if o.UsedFor = time.Duration(hour-p.first) * time.Hour; known {
		o.Others--
		o.Newcomers = max(k.newcomers.within(monthHours, p.first)-1, 0) // without itself
	}
	o.Class, o.pair, o.hour = u.Context.Class, p, hour
	if u.Decrypts && u.Context.Class != NoContext {
		o.Hour, o.Day = p.count(u), p.countDay(u, hour)
	}
}

// admit makes a pair for a newcomer, at its place in the order.
func (k *Key) admit(at int, principal ID, hour uint32) int {
	if hour >= k.since+settlingHours {
		k.newcomers = k.newcomers.add(hour)
	}
	if len(k.pairs) >= MaxPrincipals {
		oldest := 0
		for i := range k.pairs {
			if k.pairs[i].last < k.pairs[oldest].last {
				oldest = i
			}
		}
		k.pairs, k.full = slices.Delete(k.pairs, oldest, oldest+1), true
		if oldest < at {
			at--
		}
	}
	k.pairs = slices.Insert(k.pairs, at, pair{principal: principal, first: hour, last: hour})
	return at
}

// count counts a reading use in its window.
func (p *pair) count(u *Use) Counts {
	at := slotOf(u.At)
	i := slices.IndexFunc(p.windows, func(w window) bool { return w.class == u.Context.Class })
	if i < 0 {
		i = p.open(u.Context.Class, at)
	}
	w := &p.windows[i]
	w.advance(at, p.learner(w.class))
	if !w.add(at, u.Context.Thing) {
		return Counts{}
	}
	return w.fullest(at)
}

// open makes a window for a class, in place of the one that was not used for longest when there are too many.
func (p *pair) open(class Class, at uint32) int {
	if len(p.windows) < maxWindows {
		p.windows = append(p.windows, newWindow(class, at))
		return len(p.windows) - 1
	}
	oldest := 0
	for i := range p.windows {
		if p.windows[i].newest < p.windows[oldest].newest {
			oldest = i
		}
	}
	w := &p.windows[oldest]
	w.close(w.newest+2*ringSlots, p.learner(w.class))
	*w = newWindow(class, at)
	return oldest
}

func (p *pair) learner(class Class) func(hour uint32, calls, distinct int) {
	return func(hour uint32, calls, distinct int) {
		if distinct > Small(class) {
			p.bursts = learn(p.bursts, burst{hour, class, uint32(calls), uint32(distinct)}) //nolint:gosec // counted
		}
	}
}

// Tidy forgets what is too old and closes the windows that are over, by the time of the newest use: a backlog's time is
// not the clock's.
func (k *Key) Tidy() {
	hour, at := k.newest/hourSlots, k.newest
	for i := range k.pairs {
		p := &k.pairs[i]
		p.windows = slices.DeleteFunc(p.windows, func(w window) bool {
			if !w.over(at) {
				return false
			}
			w.close(at, p.learner(w.class))
			return true
		})
		p.closeDays(hour)
	}
	k.pairs = slices.DeleteFunc(k.pairs, func(p pair) bool { return p.last < less(hour, KeepHours) })
}

// Principals is how many principals are known to have used the key.
func (k *Key) Principals() int { return len(k.pairs) }
