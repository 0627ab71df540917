package cost

import (
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

const (
	day = 24 * time.Hour
	// Ahead is how far a comparison looks.
	Ahead = 365 * day
	// soon is the time before a scheduled rotation in which nothing is rotated on demand besides.
	soon = 30 * day
)

// Outlook is what keys cost now, and what policies would make of it within Ahead.
type Outlook struct {
	Now          Money `json:"month_now"`
	Then         Money `json:"month_then"`
	Rotations    int   `json:"rotations"`    // of material, to come
	Replacements int   `json:"replacements"` // new keys to come, the old ones kept: each is charged as a key
}

// Of says what a key's policy, followed to the letter, makes of it; nil is no policy.
func (p Prices) outlook(k *inventory.Key, pol *policy.Policy, now time.Time, grace time.Duration) Outlook {
	month := p.Of(k)
	o := Outlook{Now: month.Total(), Then: month.Total()}
	if month.Free != "" || pol == nil {
		return o
	}
	o.Rotations, o.Replacements = coming(k, pol.Rotation, now, grace)
	done := rotations(k)
	o.Then += p.rotations(done+o.Rotations) - p.rotations(done) + Money(o.Replacements)*p.KeyMonth
	return o
}

// coming counts what a policy asks of a key within Ahead.
func coming(k *inventory.Key, want policy.Rotation, now time.Time, grace time.Duration) (rotations, replacements int) {
	e := remediation.Eligibility(k)
	last, _ := k.LastRotated()
	overdue := want.MaxAge > 0 && now.Sub(last) > want.MaxAge+grace
	switch {
	case want.Method == policy.Replace && e.Kind == remediation.KindReplaceOnly && len(k.Aliases) > 0:
		return 0, times(last.Add(want.MaxAge), want.MaxAge, now)
	case want.Method == policy.OnDemand && e.OnDemand:
		return times(last.Add(want.MaxAge), want.MaxAge, now), 0
	case !e.Automatic || want.PeriodDays() == 0:
		return 0, 0
	case want.Method != policy.Auto && want.Method != policy.Automatic:
		return 0, 0
	}
	period := time.Duration(want.PeriodDays()) * day
	next := now.Add(period) // turning it on, or changing the period, begins anew
	if r := k.Rotation; r != nil && r.Enabled && r.PeriodDays == want.PeriodDays() && r.Next != nil {
		next = *r.Next
	}
	rotations = times(next, period, now)
	if want.Method == policy.Auto && overdue && next.Sub(now) > soon {
		rotations++ // on demand, once
	}
	return rotations, 0
}

// times counts how often something happens within Ahead that is first due at a time and then every so often.
func times(first time.Time, every time.Duration, now time.Time) int {
	if every <= 0 {
		return 0
	}
	if first.Before(now) {
		first = now
	}
	left := now.Add(Ahead).Sub(first)
	if left < 0 {
		return 0
	}
	return int(left/every) + 1
}

// Comparison is what changes when one set of policies comes in another's place. Add keys one by one.
type Comparison struct {
	prices       Prices
	before, then policy.Set
	now          time.Time
	grace        time.Duration

	Keys    int                `json:"keys"`
	Moved   map[Move]int       `json:"-"`       // keys that change policy
	Asked   int                `json:"changed"` // keys of which something else is asked, whatever the policy's name
	Current Outlook            `json:"current"`
	Other   Outlook            `json:"other"`
	By      map[string]Outlook `json:"-"` // the other set's outlook by its policies' names, "" for none
}

// Move is a change of policy by name; "" is none.
type Move struct{ From, To string }

// NewComparison begins a comparison of the set in force with another, as of a time.
func NewComparison(p Prices, before, then policy.Set, now time.Time, grace time.Duration) *Comparison {
	return &Comparison{
		prices: p, before: before, then: then, now: now, grace: grace,
		Moved: make(map[Move]int), By: make(map[string]Outlook),
	}
}

// Add takes one key into account; keys that no policy concerns are passed over.
func (c *Comparison) Add(k *inventory.Key) {
	if k.GoneAt != nil || k.Manager == "AWS" {
		return
	}
	c.Keys++
	old, other := c.before.For(k), c.then.For(k)
	if from, to := name(old), name(other); from != to {
		c.Moved[Move{from, to}]++
	}
	if asks(old) != asks(other) {
		c.Asked++
	}
	c.Current.add(c.prices.outlook(k, old, c.now, c.grace))
	o := c.prices.outlook(k, other, c.now, c.grace)
	c.Other.add(o)
	by := c.By[name(other)]
	by.add(o)
	c.By[name(other)] = by
}

func (o *Outlook) add(more Outlook) {
	o.Now += more.Now
	o.Then += more.Then
	o.Rotations += more.Rotations
	o.Replacements += more.Replacements
}

func name(p *policy.Policy) string {
	if p == nil {
		return ""
	}
	return p.Name
}

// asks is what a policy asks of its keys, without the reason.
func asks(p *policy.Policy) policy.Rotation {
	if p == nil {
		return policy.Rotation{}
	}
	r := p.Rotation
	r.Rationale = ""
	return r
}
