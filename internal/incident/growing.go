package incident

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"rotd/internal/finding"
)

// Begin opens an incident of findings that were told one by one. What makes it one is added after that; see Add.
func Begin(id string, now time.Time, told []*finding.Finding) *Incident {
	i := &Incident{
		ID: id, Keys: []string{}, Opened: Mark{At: now, By: ByRotd},
		Automatic: &Automatic{First: told[0].FirstSeen, Last: told[0].LastSeen},
	}
	for _, f := range told {
		i.follow(f)
		i.Add(f, now)
		i.Automatic.Told = max(i.Automatic.Told, f.Severity)
	}
	for k := range i.Automatic.Members {
		i.Automatic.Members[k].Alone, i.Automatic.Members[k].New = true, false
	}
	i.Automatic.ToldStory = i.Automatic.Story
	return i
}

// Open adds the finding that makes an incident of those before it.
func (i *Incident) Open(f *finding.Finding, now time.Time) {
	i.follow(f)
	i.Add(f, now)
}

// follow makes whoever did it one of those whose doing joins the incident.
func (i *Incident) follow(f *finding.Finding) {
	if who := actor(f); who != "" && !slices.Contains(i.Principals, who) && len(i.Principals) < maxActors {
		i.Principals = append(i.Principals, who)
	}
}

// Lasts keeps that something about it happened at a time, as a finding of it that is repeated.
func (i *Incident) Lasts(at time.Time) { i.Automatic.Last = later(i.Automatic.Last, at) }

// Add adds a finding, or what is new about one that it has.
func (i *Incident) Add(f *finding.Finding, now time.Time) {
	a := i.Automatic
	f.IncidentID = i.ID
	a.First, a.Last = earlier(a.First, f.FirstSeen), later(a.Last, f.LastSeen)
	a.Heard, a.News, a.Severity = now, a.News+1, max(a.Severity, f.Severity)
	i.Since = a.First.Add(-Within)
	m := Member{
		Finding: f.ID, RuleID: f.RuleID, Severity: f.Severity, Title: f.Title, Subject: f.Subject,
		Key: f.KeyARN, Alias: f.Alias, Account: f.Account, Region: f.Region, Principal: f.PrincipalARN,
		At: f.FirstSeen, New: true,
	}
	if f.KeyARN != "" {
		i.Involve(f.KeyARN)
	}
	for _, action := range f.ActionIDs {
		m.Action = action
		i.Join(action, f.KeyARN)
	}
	switch at := i.member(f.ID); {
	case at >= 0:
		m.Alone = a.Members[at].Alone
		a.Members[at] = m
	case len(a.Members) < MaxMembers:
		a.Members = append(a.Members, m)
	default:
		a.More++
		if at := a.yields(&m); at >= 0 {
			a.Members[at] = m
		}
	}
	i.name()
}

// Ends keeps that a finding of it is over, and reports whether that is news which the incident has to tell: what was
// told by itself ends by itself, and a quiet end is told nowhere.
func (i *Incident) Ends(id string, quietly bool) (news bool) {
	at := i.member(id)
	if at < 0 {
		return false
	}
	m := &i.Automatic.Members[at]
	m.Over = true
	if m.Alone || quietly {
		return false
	}
	m.New = true
	i.Automatic.News++
	return true
}

// KeepAlone keeps that a finding of it had been told by itself before it joined.
func (i *Incident) KeepAlone(id string) {
	if at := i.member(id); at >= 0 {
		i.Automatic.Members[at].Alone = true
	}
}

// ToldAlone reports whether a finding of it was told by itself.
func (i *Incident) ToldAlone(id string) bool {
	at := i.member(id)
	return at >= 0 && i.Automatic.Members[at].Alone
}

func (i *Incident) member(id string) int {
	return slices.IndexFunc(i.Automatic.Members, func(m Member) bool { return m.Finding == id })
}

// HasNews reports whether something about it was not told yet.
func (i *Incident) HasNews() bool {
	return slices.ContainsFunc(i.Automatic.Members, func(m Member) bool { return m.New })
}

// Newest is the gravest finding that is new and not over, the latest of several; "" when there is none.
func (i *Incident) Newest() string {
	gravest := Member{Severity: -1}
	for _, m := range i.Automatic.Members {
		if m.New && !m.Over && m.Severity >= gravest.Severity {
			gravest = m
		}
	}
	return gravest.Finding
}

// SetTold keeps that everything about it was told.
func (i *Incident) SetTold() {
	i.Automatic.Told, i.Automatic.ToldStory = max(i.Automatic.Told, i.Automatic.Severity), i.Automatic.Story
	for k := range i.Automatic.Members {
		i.Automatic.Members[k].New = false
	}
}

// Excerpt is a copy of it that is small enough to be sent, with at most so many findings: what is new before what was
// told, the gravest first, then the latest.
func (i *Incident) Excerpt(most int) *Incident {
	copied, a := *i, *i.Automatic
	copied.Automatic, copied.Notes = &a, nil
	a.Members = slices.Clone(a.Members)
	slices.SortStableFunc(a.Members, func(a, b Member) int {
		return cmp.Or(cmp.Compare(old(a), old(b)), cmp.Compare(b.Severity, a.Severity), b.At.Compare(a.At))
	})
	if left := len(a.Members) - most; left > 0 {
		a.Members, a.More = a.Members[:most], a.More+left
	}
	slices.SortStableFunc(a.Members, func(a, b Member) int { return a.At.Compare(b.At) })
	return &copied
}

func old(m Member) int {
	if m.New {
		return 0
	}
	return 1
}

// Findings is how many findings belong to it.
func (a *Automatic) Findings() int { return len(a.Members) + a.More }

// yields is the finding that a further one takes the place of when there are too many: the mildest, and the latest of
// several, so that nobody fills an incident to keep the next finding from being named. What was told need be no milder
// than what was not; what was told by itself stays, since its end is told. It is -1 when there is none.
func (a *Automatic) yields(to *Member) int {
	at := -1
	for k := range a.Members {
		m := &a.Members[k]
		fits := !m.Alone && (m.Severity < to.Severity || m.Severity == to.Severity && !m.New)
		if fits && (at < 0 || m.Severity <= a.Members[at].Severity) {
			at = k
		}
	}
	return at
}

// name says what the incident is about, as far as it is known.
func (i *Incident) name() {
	a := i.Automatic
	if s := storyOf(a.Members); s != nil {
		a.Story = s.Name
	} else if a.More == 0 { // else what told it may have been left out since
		a.Story = ""
	}
	i.Reason = i.inCommon()
	if s := a.Tells(); s.Name != "" {
		i.Reason, a.Severity = s.Title, max(a.Severity, s.AtLeast)
	}
}

// inCommon names the gravest of findings without a story, and what it has in common with the others.
func (i *Incident) inCommon() string {
	a := i.Automatic
	first := &a.Members[0]
	gravest, sameKey, sameWho := first, first.Key != "", first.Principal != ""
	for k := range a.Members {
		m := &a.Members[k]
		if m.Severity > gravest.Severity {
			gravest = m
		}
		sameKey, sameWho = sameKey && m.Key == first.Key, sameWho && m.Principal == first.Principal
	}
	common := "about the same keys"
	switch {
	case sameKey:
		common = "about the same key"
	case sameWho:
		common = "by the same principal"
	}
	return fmt.Sprintf("%s, and %d more %s", gravest.Title, a.Findings()-1, common)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
