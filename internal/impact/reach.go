package impact

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rotd/internal/keypolicy"
	"rotd/internal/usage"
)

// ServiceUse is a service that has to do with the key, and what it has under it.
type ServiceUse struct {
	Service   string    `json:"service"`   // as CloudTrail or the grant names it; empty: known by its resources alone
	Name      string    `json:"name"`      // what people call it
	Calls     uint64    `json:"calls_30d"` // that went through it
	LastHour  time.Time `json:"last_hour,omitzero"`
	Grants    int       `json:"grants,omitempty"`
	What      string    `json:"what,omitempty"`      // what its resources are called
	Resources int       `json:"resources,omitempty"` // that calls named in the last 400 days, or grants are for
	// Claimed is how many of them nobody but a caller of KMS named: that may be made up.
	Claimed  int      `json:"claimed,omitempty"`
	Examples []string `json:"examples,omitempty"` // those named last, at most 3
}

// Account is another account that used the key or may.
type Account struct {
	ID    string   `json:"id"`  // 12 digits; o-…: an organization; *: any account; a network
	How   []string `json:"how"` // used it, key policy, grant
	Calls uint64   `json:"calls_30d"`
}

// served fills in the services: those that called, those that have a grant, and those whose resources are under the
// key.
func (a *Assessment) served(f *Facts, month *usage.Usage) {
	byID, order := map[string]*ServiceUse{}, []string{}
	of := func(principal string, s service) *ServiceUse {
		id := cmp.Or(s.id, label(principal), principal)
		if byID[id] == nil {
			byID[id] = &ServiceUse{Service: principal, Name: cmp.Or(s.name, principal), What: s.what.many}
			order = append(order, id)
		}
		return byID[id]
	}
	for _, one := range month.Services {
		if one.Name == "" {
			continue
		}
		s, _ := serviceOf(one.Name)
		u := of(one.Name, s)
		u.Calls, u.LastHour = u.Calls+one.Calls, later(u.LastHour, one.LastHour)
	}
	for i := range a.Grants {
		if g := &a.Grants[i]; g.Service != "" {
			s, _ := serviceOf(g.Grantee)
			of(g.Service, s).Grants++
		}
	}
	held := holdings(f)
	slices.SortStableFunc(held, func(x, y Held) int {
		if x.Vouched != y.Vouched {
			return either(x.Vouched, -1, 1)
		}
		return y.LastHour.Compare(x.LastHour)
	})
	for _, h := range held {
		u := of("", services[h.row()])
		if u.Resources++; len(u.Examples) < 3 {
			u.Examples = append(u.Examples, shortName(h.Value))
		}
		u.LastHour = later(u.LastHour, h.LastHour)
		u.Claimed += either(h.Vouched, 0, 1)
	}
	for _, id := range order {
		a.Services = append(a.Services, *byID[id])
	}
	slices.SortStableFunc(a.Services, func(x, y ServiceUse) int { return y.LastHour.Compare(x.LastHour) })
}

// shortName is a resource's name without what all ARNs of its kind begin with.
func shortName(value string) string {
	if parts := strings.SplitN(value, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[5]
	}
	return value
}

// reached fills in other accounts: those that used the key, those a grant is to, those the key policy lets in.
func (a *Assessment) reached(f *Facts) {
	byID := map[string]*Account{}
	add := func(id, how string, calls uint64) {
		if byID[id] == nil {
			byID[id] = &Account{ID: id}
		}
		one := byID[id]
		one.Calls += calls
		if !slices.Contains(one.How, how) {
			one.How = append(one.How, how)
		}
	}
	for i := range a.Principals {
		if p := &a.Principals[i]; p.Account != "" {
			add(p.Account, "used it", p.Calls30d)
		}
	}
	for i := range a.Grants {
		if g := &a.Grants[i]; g.Foreign != "" {
			add(g.Foreign, "grant", 0)
		}
	}
	for _, id := range policyAccounts(f) {
		add(id, "key policy", 0)
	}
	for _, one := range byID {
		a.Accounts = append(a.Accounts, *one)
	}
	slices.SortFunc(a.Accounts, func(x, y Account) int {
		return cmp.Or(cmp.Compare(y.Calls, x.Calls), cmp.Compare(x.ID, y.ID))
	})
}

// policyAccounts are accounts other than the owner's that the key policy lets in, whoever trusts them.
func policyAccounts(f *Facts) (ids []string) {
	policy, err := keypolicy.Parse([]byte(f.Key.Policy))
	if err != nil {
		return nil // unknowns say so
	}
	v := policy.Judge(keypolicy.Owner{
		Account: f.Key.Account, Partition: f.Key.Partition, Key: f.Key.ARN,
	}, nil)
	for _, e := range append(v.Public, v.External...) {
		id := cmp.Or(e.Account, string(e.Scope))
		if e.Scope == keypolicy.Anyone {
			id = "*"
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
