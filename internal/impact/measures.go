package impact

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/usage"
)

// Kind says what a measure does.
type Kind string

// The measures of containment, the mildest first.
const (
	CancelDeletion Kind = "cancel-deletion"
	Enable         Kind = "enable"
	RevokeGrant    Kind = "revoke-grant"  // one, by its id
	RevokeGrants   Kind = "revoke-grants" // all
	RetireAlias    Kind = "retire-alias"  // DeleteAlias
	Disable        Kind = "disable"
)

// Measure is one thing that can be done about the key, and whom that hits.
type Measure struct {
	Kind    Kind   `json:"measure"`
	Subject string `json:"subject,omitempty"` // the grant's id, the alias
	// Applies says that it can be done now; Why says why not, or what to know about it.
	Applies      bool     `json:"applies"`
	Why          string   `json:"why,omitempty"`
	Breaks       []Break  `json:"breaks"` // empty: nothing
	Irreversible bool     `json:"irreversible,omitempty"`
	Undo         string   `json:"undo,omitempty"` // a sentence or a command
	Warnings     []string `json:"warnings,omitempty"`
	Command      string   `json:"command"` // the same with the AWS CLI
}

// Break is what stops for somebody.
type Break struct {
	Who      string `json:"who"`
	What     string `json:"what"`
	Evidence string `json:"evidence,omitempty"` // why they are thought to need the key
	// NoReturn says what cannot be undone any more, NoReturnAt from when on, if the measure is taken now; zero with a
	// NoReturn: from the beginning on.
	NoReturn   string    `json:"no_return,omitempty"`
	NoReturnAt time.Time `json:"no_return_at,omitzero"`
	Recovers   string    `json:"recovers,omitempty"` // how, once the key can be used again
	Source     string    `json:"source,omitempty"`   // AWS's documentation
	Unknown    bool      `json:"unknown,omitempty"`  // rotd does not know what happens
}

// FirstNoReturn is when the first of what a measure breaks cannot be undone any more; false when there is no such time.
func (m *Measure) FirstNoReturn() (at time.Time, ok bool) {
	for i := range m.Breaks {
		if t := m.Breaks[i].NoReturnAt; !t.IsZero() && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	return at, ok
}

// weigh fills in the measures.
func (a *Assessment) weigh(f *Facts, month *usage.Usage) {
	k := f.Key
	a.down(k)
	if k.GoneAt != nil || k.Manager == "AWS" {
		return // nothing of this can be done about it
	}
	a.Measures = append(a.Measures, cancelDeletion(k), a.enable(k))
	for i := range a.Grants {
		a.Measures = append(a.Measures, a.revoke(k, &a.Grants[i]))
	}
	if a.GrantCount > 0 {
		a.Measures = append(a.Measures, a.revokeAll(k))
	}
	for _, alias := range k.Aliases {
		a.Measures = append(a.Measures, a.retire(k, alias, month))
	}
	a.Measures = append(a.Measures, a.disable(k))
}

func cancelDeletion(k *inventory.Key) Measure {
	return Measure{
		Kind: CancelDeletion, Applies: k.State == "PendingDeletion", Breaks: []Break{},
		Why: either(k.State == "PendingDeletion", "The key is left disabled: enable it next.",
			"The key is not going to be deleted: it is "+k.State+"."),
		Command: awsCLI("kms cancel-key-deletion", k.Region, "key-id", k.ARN),
	}
}

func (a *Assessment) enable(k *inventory.Key) Measure {
	m := Measure{
		Kind: Enable, Applies: k.State == "Disabled", Breaks: []Break{},
		Why:     either(k.State == "Disabled", "", "The key is not disabled: it is "+k.State+"."),
		Undo:    awsCLI("kms disable-key", k.Region, "key-id", k.ARN),
		Command: awsCLI("kms enable-key", k.Region, "key-id", k.ARN),
	}
	if k.State == "PendingDeletion" {
		m.Why = "Cancel the deletion first: that leaves the key disabled."
	}
	m.Warnings = append(m.Warnings, "Whoever may use the key can use it again, an intruder too: "+
		counted(a.GrantCount, "grant stands", "grants stand")+".")
	return m
}

func (a *Assessment) revoke(k *inventory.Key, g *Grant) Measure {
	return Measure{
		Kind: RevokeGrant, Subject: g.ID, Applies: true, Breaks: []Break{a.revoked(g)}, Irreversible: true,
		Why:      "KMS needs up to 5 minutes for it. The grantee may still be allowed by the key policy or IAM.",
		Command:  awsCLI("kms revoke-grant", k.Region, "key-id", k.ARN, "grant-id", g.ID),
		Warnings: a.elsewhere("have grants of their own"),
	}
}

// revoked is what its grantee loses with a grant.
func (a *Assessment) revoked(g *Grant) Break {
	b := Break{
		Who: g.Grantee, What: "Loses " + strings.Join(g.Operations, ", ") + " by this grant",
		NoReturn: "a grant that is revoked cannot be brought back, only made anew by who may make it",
	}
	if g.Resource != "" {
		b.What += ", which is for " + g.Resource
	}
	b.What += "."
	switch {
	case g.Calls30d > 0:
		b.Evidence = fmt.Sprintf("%s in 30 days, the last %s", counted(g.Calls30d, "call", "calls"), stamp(g.LastUse))
	default:
		b.Evidence = "no call in 30 days that rotd knows of"
	}
	if g.Service == "" {
		return b
	}
	b.Evidence += "; an AWS service's own grant"
	s, _ := serviceOf(g.Grantee)
	if s.breaks == "" {
		b.What, b.Unknown = b.What+" "+unknownBreak, true
		return b
	}
	b.What, b.Source = b.What+" "+s.name+": "+cmp.Or(s.cut, "as if the key were disabled. "+s.breaks), s.source
	return b
}

func (a *Assessment) revokeAll(k *inventory.Key) Measure {
	m := Measure{
		Kind: RevokeGrants, Applies: true, Irreversible: true, Breaks: []Break{},
		Why: "All " + atLeast(a.GrantCount) + ", one by one.", Warnings: a.elsewhere("have grants of their own"),
		Command: awsCLI("kms list-grants", k.Region, "key-id", k.ARN, "query", "Grants[].GrantId", "output", "text") +
			"  # then revoke-grant each",
	}
	for i := range a.Grants {
		m.Breaks = append(m.Breaks, a.revoked(&a.Grants[i]))
	}
	if more := a.GrantCount - len(a.Grants); more > 0 {
		m.Breaks = append(m.Breaks, Break{
			Who: counted(more, "grant more", "grants more"), What: "rotd does not keep them. " + unknownBreak, Unknown: true,
		})
	}
	return m
}

func (a *Assessment) retire(k *inventory.Key, alias string, month *usage.Usage) Measure {
	m := Measure{
		Kind: RetireAlias, Subject: alias, Applies: true, Breaks: []Break{},
		Why:     "The key itself goes on: whoever names it by its id or ARN notices nothing, and AWS services mostly do.",
		Undo:    awsCLI("kms create-alias", k.Region, "alias-name", alias, "target-key-id", k.ID),
		Command: awsCLI("kms delete-alias", k.Region, "alias-name", alias),
	}
	for _, by := range month.Aliases {
		if by.Alias == alias {
			m.Breaks = append(m.Breaks, Break{
				Who: by.Principal, What: "Names the key by this alias: its calls fail with NotFoundException.",
				Evidence: "last in the hour of " + stamp(by.LastHour), Recovers: "by itself, once the alias is there again",
			})
		}
	}
	if len(m.Breaks) == 0 {
		m.Why += " Nobody was seen to name it by this alias in 30 days."
	}
	if month.MoreAliases {
		m.Warnings = append(m.Warnings, "More principals name the key by aliases than rotd keeps.")
	}
	if strings.Contains(strings.ToLower(k.Policy), "kms:resourcealiases") {
		m.Warnings = append(m.Warnings, "The key policy asks for aliases (kms:ResourceAliases): without this one it may let "+
			"others in, or fewer.")
	}
	return m
}

// disable is the whole blast radius.
func (a *Assessment) disable(k *inventory.Key) Measure {
	m := Measure{
		Kind: Disable, Applies: k.State == "Enabled", Breaks: []Break{},
		Why: either(k.State == "Enabled", "Every cryptographic call with the key fails at once with DisabledException.",
			"The key is not enabled: it is "+k.State+"."),
		Undo:     awsCLI("kms enable-key", k.Region, "key-id", k.ARN),
		Command:  awsCLI("kms disable-key", k.Region, "key-id", k.ARN),
		Warnings: a.elsewhere("go on working with the same material"),
	}
	if m.Applies {
		m.Breaks = a.without(a.At)
	}
	return m
}

// Down is what a key that cannot be used has stopped.
type Down struct {
	// Since is when rotd first read the state as it is: the key may have been out of use for longer, and then what
	// cannot be undone comes sooner.
	Since  time.Time `json:"since"`
	Breaks []Break   `json:"breaks"`
}

// down fills in what does not work while the key cannot be used.
func (a *Assessment) down(k *inventory.Key) {
	switch k.State {
	case "Disabled", "PendingDeletion", "PendingImport", "Unavailable", "PendingReplicaDeletion":
		since := k.StateSince
		if since.IsZero() {
			since = k.ReadAt
		}
		a.Down = &Down{Since: since, Breaks: a.without(since)}
	}
}

// without is what stops when nobody can use the key from a time on: what cannot be undone first, and of that the
// soonest; then what is not known.
func (a *Assessment) without(since time.Time) []Break {
	breaks := []Break{}
	for i := range a.Services {
		breaks = append(breaks, a.stopped(&a.Services[i], since))
	}
	if b, ok := a.callers(); ok {
		breaks = append(breaks, b)
	}
	slices.SortStableFunc(breaks, func(x, y Break) int {
		switch {
		case x.NoReturnAt.IsZero() != y.NoReturnAt.IsZero():
			return either(x.NoReturnAt.IsZero(), 1, -1)
		case x.Unknown != y.Unknown:
			return either(x.Unknown, -1, 1)
		}
		return x.NoReturnAt.Compare(y.NoReturnAt)
	})
	return breaks
}

// callers are those who call KMS themselves.
func (a *Assessment) callers() (b Break, ok bool) {
	var names []string
	calls := uint64(0)
	for i := range a.Principals {
		if p := &a.Principals[i]; p.Itself {
			names, calls = append(names, p.ARN), calls+p.Calls30d
		}
	}
	if len(names) == 0 {
		return b, false
	}
	const shown = 3
	who := strings.Join(names[:min(len(names), shown)], ", ")
	if more := len(names) - shown; more > 0 {
		who += fmt.Sprintf(" and %d more", more)
	}
	return Break{
		Who: who, What: "Own calls to KMS fail at once. What was encrypted stays as it is.",
		Evidence: counted(calls, "call", "calls") + " in 30 days, through services included", Recovers: "by itself",
	}, true
}

// stopped is what a service stops doing without the key, from a time on.
func (a *Assessment) stopped(u *ServiceUse, since time.Time) Break {
	var s service
	if i := slices.IndexFunc(services, func(s service) bool { return s.name == u.Name }); i >= 0 {
		s = services[i]
	}
	b := Break{Who: u.Name, Evidence: u.evidence(s.what)}
	switch {
	case s.breaks != "":
	case u.Service == awsInternal:
		b.What, b.Unknown = "CloudTrail does not say which service this is"+a.unnamed()+". "+unknownBreak, true
		return b
	default:
		b.What, b.Unknown = unknownBreak, true
		return b
	}
	b.What, b.NoReturn, b.Recovers, b.Source = s.breaks, s.noReturn, s.recovers, s.source
	if s.after > 0 {
		b.NoReturnAt = since.Add(s.after)
	}
	return b
}

// evidence says why a service is thought to need the key.
func (u *ServiceUse) evidence(what noun) string {
	var why []string
	if u.Resources > 0 {
		text := fmt.Sprintf("%s (%s", counted(u.Resources, what.one, what.many), strings.Join(u.Examples, ", "))
		if more := u.Resources - len(u.Examples); more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		if u.Claimed > 0 {
			text += fmt.Sprintf("; %d by a caller's word alone", u.Claimed)
		}
		why = append(why, text+")")
	}
	if u.Calls > 0 {
		why = append(why, counted(u.Calls, "call", "calls")+" in 30 days")
	}
	if u.Grants > 0 {
		why = append(why, counted(u.Grants, "grant", "grants"))
	}
	return strings.Join(why, ", ")
}

// unnamed are the services that hold something and never called by name.
func (a *Assessment) unnamed() string {
	var names []string
	for i := range a.Services {
		if u := &a.Services[i]; u.Resources > 0 && u.Service == "" {
			names = append(names, u.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "; it may be " + strings.Join(names, " or ")
}

// elsewhere warns of related multi-Region keys.
func (a *Assessment) elsewhere(what string) []string {
	if len(a.Related) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("Related multi-Region keys %s: %s.", what, strings.Join(a.Related, ", "))}
}

func either[T any](ok bool, yes, no T) T {
	if ok {
		return yes
	}
	return no
}
