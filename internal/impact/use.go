package impact

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/usage"
)

// Window sums up a time up to now.
type Window struct {
	Name       string    `json:"name"` // 24h, 7d, 30d
	From       time.Time `json:"from"` // whole hours or UTC days
	Calls      uint64    `json:"calls"`
	Principals int       `json:"principals"` // at least so many
}

// Principal is somebody who used the key in the last 30 days.
type Principal struct {
	ARN        string    `json:"principal_arn"`
	Account    string    `json:"account,omitempty"` // another account than the key's; empty: the key's own, or a service
	Calls24h   uint64    `json:"calls_24h"`
	Calls7d    uint64    `json:"calls_7d"`
	Calls30d   uint64    `json:"calls_30d"`
	LastUse    time.Time `json:"last_use"`
	Operations []string  `json:"operations,omitempty"`
	Networks   []string  `json:"networks,omitempty"` // IPv4 /24, IPv6 /48
	Services   []string  `json:"services,omitempty"` // through which it called
	Itself     bool      `json:"itself,omitempty"`   // it calls KMS itself
	Aliases    []string  `json:"aliases,omitempty"`  // by which it named the key
	Grants     []string  `json:"grants,omitempty"`   // ids of grants to it
}

// Network is where calls came from.
type Network struct {
	Prefix     string    `json:"prefix"` // IPv4 /24, IPv6 /48
	Principals int       `json:"principals"`
	LastUse    time.Time `json:"last_use"` // by one of them, from wherever
}

// Grant is one grant, and whether its grantee uses the key.
type Grant struct {
	inventory.Grant
	Service  string    `json:"service,omitempty"`   // the grantee, where it is a service
	Resource string    `json:"resource,omitempty"`  // that it is for alone
	LastUse  time.Time `json:"last_use,omitzero"`   // of the key by the grantee, however it is allowed to, in 30 days
	Calls30d uint64    `json:"calls_30d,omitempty"` // the same
	Foreign  string    `json:"account,omitempty"`   // the grantee's account, where it is not the key's
}

// used fills in who used the key, and returns the use of the last 30 days.
func (a *Assessment) used(f *Facts) *usage.Usage {
	summary := func(ago time.Duration) *usage.Usage {
		return f.Record.Summarize(usage.NewWindow(f.Now.Add(-ago), f.Now), f.Name)
	}
	hours, week, month := summary(day), summary(7*day), summary(30*day)
	for _, w := range []struct {
		name string
		u    *usage.Usage
	}{{"24h", hours}, {"7d", week}, {"30d", month}} {
		b := w.u.Brief(0)
		a.Windows = append(a.Windows, Window{w.name, w.u.From, b.Calls, b.Principals})
	}
	inHours, inWeek, aliases := callsOf(hours), callsOf(week), map[string][]string{}
	for _, by := range month.Aliases {
		aliases[by.Principal] = append(aliases[by.Principal], by.Alias)
	}
	networks := map[string]*Network{}
	a.Principals = make([]Principal, 0, len(month.Principals))
	for i := range month.Principals {
		p := &month.Principals[i]
		a.Principals = append(a.Principals, Principal{
			ARN: p.ARN, Account: foreign(p.ARN, f.Key.Account), Calls24h: inHours[p.ARN], Calls7d: inWeek[p.ARN],
			Calls30d: p.Calls, LastUse: p.LastUse, Operations: p.Operations, Networks: p.Networks, Services: p.Services,
			Aliases: aliases[p.ARN], Itself: len(p.Networks) > 0 || len(p.Services) == 0, // services call from no address
		})
		for _, prefix := range p.Networks {
			if networks[prefix] == nil {
				networks[prefix] = &Network{Prefix: prefix}
			}
			n := networks[prefix]
			n.Principals, n.LastUse = n.Principals+1, later(n.LastUse, p.LastUse)
		}
	}
	if month.Others != nil {
		a.Others = month.Others.Calls
	}
	slices.SortFunc(a.Principals, func(x, y Principal) int {
		return cmp.Or(y.LastUse.Compare(x.LastUse), cmp.Compare(x.ARN, y.ARN))
	})
	for _, n := range networks {
		a.Networks = append(a.Networks, *n)
	}
	slices.SortFunc(a.Networks, func(x, y Network) int {
		return cmp.Or(y.LastUse.Compare(x.LastUse), cmp.Compare(x.Prefix, y.Prefix))
	})
	return month
}

func callsOf(u *usage.Usage) map[string]uint64 {
	calls := make(map[string]uint64, len(u.Principals))
	for i := range u.Principals {
		calls[u.Principals[i].ARN] = u.Principals[i].Calls
	}
	return calls
}

// granted fills in the grants, and which principals have one.
func (a *Assessment) granted(f *Facts) {
	if f.Key.Grants == nil {
		return
	}
	a.GrantCount = f.Key.Grants.Count
	byName := make(map[string][]*Principal)
	for i := range a.Principals {
		name := granteeName(a.Principals[i].ARN)
		byName[name] = append(byName[name], &a.Principals[i])
	}
	for _, g := range f.Key.Grants.List {
		one := Grant{Grant: g, Service: servicePrincipal(g.Grantee), Foreign: foreign(g.Grantee, f.Key.Account)}
		_, one.Resource, _ = about(&g)
		for _, p := range byName[granteeName(g.Grantee)] {
			p.Grants = append(p.Grants, g.ID)
			one.LastUse, one.Calls30d = later(one.LastUse, p.LastUse), one.Calls30d+p.Calls30d
		}
		a.Grants = append(a.Grants, one)
	}
}

// granteeName is what a principal and the grantee of a grant to it have in common. Principals have no session names; a
// grant may be to one session of a role, whose ARN has no path, and a service may be named with its Region or without.
func granteeName(principal string) string {
	principal = strings.TrimPrefix(principal, "service:")
	if service := label(principal); service != "" {
		return service
	}
	parts := strings.SplitN(principal, ":", 6)
	if len(parts) != 6 {
		return principal
	}
	switch kind, name, _ := strings.Cut(parts[5], "/"); kind {
	case "assumed-role":
		role, _, _ := strings.Cut(name, "/")
		return parts[4] + "/" + role
	case "role":
		return parts[4] + "/" + name[strings.LastIndex(name, "/")+1:]
	}
	return principal
}

// foreign is the account of a principal where it is not the key's own.
func foreign(principal, own string) string {
	account, ok := strings.CutPrefix(principal, "account:")
	if parts := strings.SplitN(principal, ":", 6); !ok && len(parts) == 6 && parts[0] == "arn" {
		account = parts[4]
	}
	if len(account) != 12 || account == own || strings.Trim(account, "0123456789") != "" {
		return ""
	}
	return account
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
