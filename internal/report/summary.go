package report

import (
	"cmp"
	"slices"

	"rotd/internal/cost"
)

// Bounds of what is kept while the keys go by.
const (
	maxGroups  = 10_000 // told apart; more are one group
	maxShown   = 40     // rows of a table of groups
	maxFailing = 50     // keys named under one control
	maxSpecs   = 50     // kinds of keys told apart; KMS has some twenty
)

// Summary is what the whole fleet comes to.
type Summary struct {
	Total      Counts       `json:"total"`
	ByPolicy   []Group      `json:"by_policy"`
	ByAccount  []Group      `json:"by_account"`
	ByOwner    []Group      `json:"by_owner"`
	Checks     []CheckCount `json:"by_check"`
	Ages       []Bucket     `json:"by_age"` // share of the cryptoperiod that the material has used up
	Cost       Cost         `json:"cost_month"`
	Gone       int          `json:"gone"` // known from before; KMS no longer knows them, and they are not in this report
	Exceptions []Granted    `json:"exceptions"`
}

// Group is the keys that have something in common.
type Group struct {
	Name string `json:"name"` // "": none
	Rest bool   `json:"others,omitempty"`
	AWS  bool   `json:"aws_managed,omitempty"` // no policy is for them
	Counts
	Cost   cost.Money     `json:"cost_month"`
	Period *Cryptoperiod  `json:"cryptoperiod,omitempty"` // a policy's
	Specs  map[string]int `json:"key_specs,omitempty"`    // of a policy's keys, with how many
}

// CheckCount is one check over all keys.
type CheckCount struct {
	Check   string `json:"check"`
	Title   string `json:"title"`
	Missing bool   `json:"missing,omitempty"` // a control asks for it and it is not loaded
	Counts
}

// Bucket is a part of the cryptoperiod. The last one is beyond it.
type Bucket struct {
	From int `json:"from_percent"`
	To   int `json:"to_percent,omitempty"` // 0: open
	Keys int `json:"keys"`
}

// Cost is what the fleet costs each month.
type Cost struct {
	Currency  string     `json:"currency"`
	Keys      cost.Money `json:"keys"`
	Rotations cost.Money `json:"rotations"`
	Total     cost.Money `json:"total"`
	Free      int        `json:"free_keys"`
	AtLeast   int        `json:"keys_with_unread_rotations"` // the total is too low by what theirs cost
}

// Granted is an exception of the configuration, and how many keys it lets off.
type Granted struct {
	Exception
	Over bool `json:"expired"`
	Keys int  `json:"keys"` // that are out of order but for it
}

// tally adds rows up.
type tally struct {
	j        *Judging
	controls []*answering
	s        Summary
	policy   map[string]*Group
	account  map[string]*Group
	owner    map[string]*Group
	checks   map[string]*CheckCount
	order    []string // of the checks
	let      map[string]int
}

func newTally(j *Judging, f *Framework) *tally {
	t := &tally{
		j: j, policy: make(map[string]*Group), account: make(map[string]*Group), owner: make(map[string]*Group),
		checks: make(map[string]*CheckCount), let: make(map[string]int),
	}
	for from := 0; from <= 100; from += 10 {
		t.s.Ages = append(t.s.Ages, Bucket{From: from, To: from + 10})
	}
	t.s.Ages[len(t.s.Ages)-1].To = 0
	if f != nil {
		for i := range f.Controls {
			t.controls = append(t.controls, &answering{control: &f.Controls[i]})
		}
	}
	return t
}

func (t *tally) add(r *Row) {
	t.s.Total.add(r.Outcome)
	month := r.Cost.Total()
	for _, in := range []struct {
		groups map[string]*Group
		name   string
	}{{t.policy, policyGroup(r)}, {t.account, r.Account}, {t.owner, r.Owner}} {
		g := groupOf(in.groups, in.name)
		g.add(r.Outcome)
		g.Cost += month
	}
	if r.Policy != "" && r.Cryptoperiod != nil {
		groupOf(t.policy, r.Policy).ofPolicy(r)
	}
	for i := range r.Checks {
		t.check(&r.Checks[i])
	}
	for i := range r.Excepted {
		t.let[r.Excepted[i].Name]++
	}
	t.age(r)
	c := &t.s.Cost
	c.Keys += r.Cost.Key
	c.Rotations += r.Cost.Rotations
	if r.Cost.Free != "" {
		c.Free++
	}
	if r.Cost.AtLeast {
		c.AtLeast++
	}
	for _, a := range t.controls {
		a.add(r)
	}
}

func (t *tally) check(v *Verdict) {
	c := t.checks[v.Check]
	if c == nil {
		c = &CheckCount{Check: v.Check, Title: v.title}
		t.checks[v.Check] = c
		t.order = append(t.order, v.Check)
	}
	c.add(v.Outcome)
}

// age puts a key into the part of its cryptoperiod that its material has reached.
func (t *tally) age(r *Row) {
	if r.Cryptoperiod == nil || r.Cryptoperiod.MaxAgeDays == 0 || r.Outcome == NotJudged || r.AgeDays == nil {
		return
	}
	percent := *r.AgeDays * 100 / r.Cryptoperiod.MaxAgeDays
	t.s.Ages[min(max(percent, 0)/10, len(t.s.Ages)-1)].Keys++
}

// Names that no policy, account or owner has: tags hold no control characters.
const (
	othersGroup = "\x00others"
	awsGroup    = "\x00aws"
)

func policyGroup(r *Row) string {
	if r.Manager == "AWS" {
		return awsGroup
	}
	return r.Policy
}

// ofPolicy notes what a policy asks, and of which kinds of keys.
func (g *Group) ofPolicy(r *Row) {
	g.Period = r.Cryptoperiod
	if g.Specs == nil {
		g.Specs = make(map[string]int)
	}
	if len(g.Specs) < maxSpecs || g.Specs[r.Spec] > 0 {
		g.Specs[r.Spec]++
	}
}

// groupOf finds a group; past a bound, groups are one.
func groupOf(groups map[string]*Group, name string) *Group {
	if g := groups[name]; g != nil {
		return g
	}
	rest := len(groups) >= maxGroups
	if rest {
		name = othersGroup
		if g := groups[name]; g != nil {
			return g
		}
	}
	g := &Group{Name: name, Rest: rest, AWS: name == awsGroup}
	groups[name] = g
	return g
}

// done is the summary of everything added.
func (t *tally) done(gone int, exceptions []Exception) *Summary {
	s := &t.s
	s.ByPolicy, s.ByAccount, s.ByOwner = sorted(t.policy), sorted(t.account), sorted(t.owner)
	for _, a := range t.controls {
		for _, id := range a.control.Checks {
			if t.checks[id] == nil && s.Total.Keys > 0 {
				t.checks[id] = &CheckCount{Check: id, Title: "not loaded", Missing: true}
				t.order = append(t.order, id)
			}
		}
	}
	for _, id := range t.order {
		s.Checks = append(s.Checks, *t.checks[id])
	}
	s.Gone = gone
	s.Cost.Currency, s.Cost.Total = t.j.Prices.Currency, s.Cost.Keys+s.Cost.Rotations
	for _, e := range exceptions {
		s.Exceptions = append(s.Exceptions, Granted{
			Exception: e, Over: !t.j.Now.Before(e.Expires), Keys: t.let[e.Name],
		})
	}
	return s
}

// sorted lists groups, the largest first, and the many small ones as one.
func sorted(groups map[string]*Group) []Group {
	all := make([]Group, 0, len(groups))
	for _, g := range groups {
		if g.Rest || g.AWS {
			g.Name = ""
		}
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(compareBool(a.Rest, b.Rest), compareBool(a.AWS, b.AWS), cmp.Compare(b.Keys, a.Keys),
			cmp.Compare(a.Name, b.Name))
	})
	if len(all) <= maxShown {
		return all
	}
	rest := Group{Rest: true}
	for i := maxShown - 1; i < len(all); i++ {
		rest.plus(all[i].Counts)
		rest.Cost += all[i].Cost
	}
	return append(all[:maxShown-1:maxShown-1], rest)
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
