package keypolicy

import "slices"

// report gathers what one statement lets outsiders do, before it is put into words.
type report struct {
	statement *Statement
	index     int
	loose     []loose
	found     []*found
	at        map[finding]int // by scope, account and verdict
}

// finding is one outsider as one statement lets them in.
type finding struct {
	list      list
	scope     Scope
	account   string
	principal string
}

type list int

const (
	external list = iota
	public
	narrowed
)

type found struct {
	finding

	actions    actionSet
	principals []string // at most maxItems+1 are kept
	more       int
	by         []string
}

func newReport(s *Statement, index int, rest []loose) *report {
	return &report{statement: s, index: index, loose: rest, at: make(map[finding]int)}
}

// everyone reports a principal that is anybody, as far as bounds let.
func (r *report) everyone(g group, value string) {
	f := finding{scope: Anyone, account: "*", principal: value}
	if len(g.bounds) == 0 {
		if g.actions.has(dangerousSet) {
			f.list = public
		}
		r.add(g, f)
		return
	}
	best := g.bounds[0]
	for _, b := range g.bounds[1:] {
		if b.tellsMoreThan(best) {
			best = b
		}
	}
	if len(best.outside) == 0 {
		f.list = narrowed
		r.add(g, f)
		return
	}
	for _, s := range best.outside {
		f.scope, f.account = s.reach()
		r.add(g, f)
	}
}

// tellsMoreThan prefers bounds that hold all callers to the owner and the trusted, then those that name accounts.
func (w weighed) tellsMoreThan(other weighed) bool {
	if (len(w.outside) == 0) != (len(other.outside) == 0) {
		return len(w.outside) == 0
	}
	if w.kind != other.kind {
		return w.kind < other.kind
	}
	return len(w.outside) < len(other.outside)
}

func (s scope) reach() (Scope, string) {
	switch s.kind {
	case accountScope:
		return Account, s.id
	case organizationScope:
		return Organization, s.id
	case networkScope:
		return Network, "*"
	default:
		return Unplaced, ""
	}
}

// named reports a principal of an untrusted account, unless a condition on the caller holds it to trusted ones: a
// member of a trusted organization, say. A trusted network is no such condition.
func (r *report) named(g group, p Principal) {
	for _, b := range g.bounds {
		if b.direct && len(b.outside) == 0 {
			return
		}
	}
	r.add(g, finding{scope: Account, account: p.Account, principal: p.Value})
}

// service reports the untrusted accounts and organizations for which a service may decrypt or administer.
func (r *report) service(g group, p Principal) {
	if !g.actions.has(dangerousSet) {
		return
	}
	for _, b := range g.bounds {
		if len(b.outside) == 0 {
			return
		}
	}
	for _, b := range g.bounds {
		if b.direct || b.kind > organizationScope {
			continue
		}
		for _, s := range b.outside {
			if scope, account := s.reach(); account != "" {
				r.add(g, finding{scope: scope, account: account, principal: p.Value})
			}
		}
	}
}

// add merges a finding into what is known of the same outsider under the same statement.
func (r *report) add(g group, f finding) {
	key := f
	if f.scope == Account {
		key.principal = "" // one exposure for an account, however many of its principals are named
	}
	i, ok := r.at[key]
	if !ok {
		if len(r.found) > maxExposures {
			return
		}
		i = len(r.found)
		r.at[key] = i
		r.found = append(r.found, &found{finding: f})
	}
	r.found[i].merge(g, f.principal)
}

func (f *found) merge(g group, principal string) {
	f.actions |= g.actions
	if !slices.Contains(f.principals, principal) {
		if len(f.principals) <= maxItems {
			f.principals = append(f.principals, principal)
		} else {
			f.more++
		}
	}
	for _, b := range g.bounds {
		if len(f.by) < maxItems && !slices.Contains(f.by, b.text) {
			f.by = append(f.by, b.text)
		}
	}
}

// into turns the findings into exposures.
func (r *report) into(v *Verdict, d *denials) {
	isPublic := false
	for _, f := range r.found {
		isPublic = isPublic || f.list == public
	}
	for _, f := range r.found {
		if isPublic && f.list == external && f.scope == Anyone {
			continue // the harmless rest of a statement that is public anyway
		}
		target := &v.External
		switch f.list {
		case external:
		case public:
			target = &v.Public
		case narrowed:
			target = &v.Narrowed
		}
		if len(*target) >= maxExposures {
			v.Truncated = true
			continue
		}
		*target = append(*target, r.exposure(f, d))
	}
}

func (r *report) exposure(f *found, d *denials) Exposure {
	e := Exposure{
		Statement:   r.index,
		Sid:         r.statement.Sid,
		Principal:   listed(f.principals),
		Scope:       f.scope,
		Account:     f.account,
		Actions:     (f.actions & dangerousSet).names(),
		Decrypts:    f.actions.has(decryptingSet),
		Administers: f.actions.has(administeringSet),
		Narrowed:    len(f.by) > 0,
		NarrowedBy:  f.by,
	}
	if f.list != narrowed {
		e.Unsure = d.maybe(f.actions)
	}
	e.Why = r.why(f, &e)
	return e
}
