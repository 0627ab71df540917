package baseline

import (
	"slices"
	"time"
)

// Principal is what is learnt of one principal over all keys.
type Principal struct {
	since     uint32 // hour of the first use
	networks  []seen // by network
	full      bool   // networks found no room: one that is not among them may have been
	newcomers newcomers
	keys      uint32  // how many keys met it as somebody new
	bursts    []burst // of all keys

	newest uint32 // hour of the newest use observed since the record was read
}

// seen is a network and when it was last seen.
type seen struct {
	network uint64
	last    uint32 // hour
}

// Observe advances what is known of the principal by a use, and sets the facts about it in o.
func (p *Principal) Observe(u *Use, o *Observed) {
	hour := hourOf(u.At)
	p.newest = max(p.newest, hour)
	if p.since == 0 || hour < p.since {
		p.since = max(hour, 1)
	}
	o.PrincipalFor = time.Duration(less(hour, p.since)) * time.Hour
	o.Keys, o.principal = int(p.keys), p
	if o.firstOfKey {
		p.keys++
	}
	if o.Hour.Distinct > Small(o.Class) {
		b := burst{hour, o.Class, uint32(o.Hour.Calls), uint32(o.Hour.Distinct)} //nolint:gosec // counted
		p.bursts = learn(p.bursts, b)
	}
	o.OtherNetworks, o.NewNetworks = len(p.networks), p.newcomers.within(monthHours, hour)
	if u.Network == 0 {
		return
	}
	i, known := slices.BinarySearchFunc(p.networks, u.Network, func(s seen, n uint64) int {
		switch {
		case s.network < n:
			return -1
		case s.network > n:
			return 1
		}
		return 0
	})
	if known {
		p.networks[i].last = max(p.networks[i].last, hour)
		return
	}
	o.NewNetwork = !p.full
	if hour >= p.since+dayHours { // in its first day everything is new to a principal
		p.newcomers = p.newcomers.add(hour)
	}
	p.networks = slices.Insert(p.networks, i, seen{u.Network, hour})
	if len(p.networks) > MaxNetworks {
		oldest := 0
		for i, s := range p.networks {
			if s.last < p.networks[oldest].last {
				oldest = i
			}
		}
		p.networks, p.full = slices.Delete(p.networks, oldest, oldest+1), true
	}
}

// Tidy forgets what is too old by the time of the newest use.
func (p *Principal) Tidy() {
	oldest := less(p.newest, KeepHours)
	p.networks = slices.DeleteFunc(p.networks, func(s seen) bool { return s.last < oldest })
}

// Last is the time of the principal's last known use from a network, to the hour.
func (p *Principal) Last() (last time.Time) {
	hour := max(p.since, p.newest)
	for _, s := range p.networks {
		hour = max(hour, s.last)
	}
	return time.Unix(int64(hour)*3600, 0).UTC()
}
