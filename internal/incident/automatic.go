package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"rotd/internal/finding"
)

// Findings that belong together become one incident. Two of them begin it: they share a key or whoever did it, and
// their events are at most an hour apart. From then on it follows whoever began it, and what that one touched: what
// they do joins it, and what happens to those keys. It follows nobody else, so that a role which half the fleet shares
// does not glue everything together by meeting one of its keys.
const (
	// Within is how far apart, by event time, things may be that belong together.
	Within = time.Hour
	// Longest is for how long after its first event something may join an incident: what comes later pages anew.
	Longest = 24 * time.Hour
	// QuietAfter closes an incident whose findings are all over when nothing new came for so long.
	QuietAfter = 24 * time.Hour
)

// Bounds of an incident that rotd opens. Findings past MaxMembers are only counted.
const (
	MaxMembers = 50
	maxActors  = 8
	// maxLinks is how many of its keys draw others in. What touches more is wide enough to meet everybody.
	maxLinks = 20
)

// ByRotd is who opens and closes incidents when no person does.
const ByRotd = "rotd"

// Automatic is what rotd keeps of an incident that it opened itself.
type Automatic struct {
	Story    string           `json:"story,omitempty"` // a Story's name; "": they only share a key or principal
	Severity finding.Severity `json:"severity"`        // of the gravest finding, and at least the story's
	Told     finding.Severity `json:"told"`            // the gravest that somebody was paged for
	First    time.Time        `json:"first"`           // event
	Last     time.Time        `json:"last"`            // event
	Heard    time.Time        `json:"heard"`           // when rotd last learnt something new about it
	News     int              `json:"news"`            // how often it did
	Members  []Member         `json:"members"`         // findings, as they came
	More     int              `json:"more,omitzero"`   // findings past MaxMembers
}

// Member is a finding as an incident keeps it.
type Member struct {
	Finding   string           `json:"finding_id"`
	RuleID    string           `json:"rule_id"`
	Severity  finding.Severity `json:"severity"`
	Title     string           `json:"title"`
	Subject   finding.Subject  `json:"subject"`
	Key       string           `json:"key_arn,omitempty"`
	Alias     string           `json:"alias,omitempty"`
	Account   string           `json:"account,omitempty"`
	Region    string           `json:"region,omitempty"`
	Principal string           `json:"principal_arn,omitempty"`
	Action    string           `json:"action_id,omitempty"` // what rotd answers it with
	At        time.Time        `json:"at"`                  // of its first event
	Over      bool             `json:"over,omitzero"`
	Alone     bool             `json:"told_alone,omitzero"` // it was told by itself, before there was an incident
	New       bool             `json:"new,omitzero"`        // something about it was not told yet
}

// consequences are the checks that read what an event did: they join an incident about their key, which tells of it.
// How else a key is has nothing to do with what happens.
var consequences = []string{
	"key-pending-deletion", "key-policy-public", "key-policy-external-account", "rotation-disabled",
	"rotation-period-too-long", "material-missing",
}

// Correlates reports whether a finding may be part of an incident at all: something happened, nobody meant it to, and
// its time can be believed.
func Correlates(f *finding.Finding) bool {
	return !f.Expected && !f.Late && (f.EventID != "" || slices.Contains(consequences, f.RuleID))
}

// Begins reports whether a finding may begin an incident, as an event that is grave enough does; others only join one.
func Begins(f *finding.Finding) bool { return f.EventID != "" && f.Severity >= finding.Medium }

// Links are what ties a finding to others: its key, related multi-Region keys being one, and whoever did it.
func Links(f *finding.Finding) []string {
	var links []string
	if f.KeyARN != "" {
		links = append(links, "key "+oneKey(f.KeyARN))
	}
	if who := actor(f); who != "" {
		links = append(links, "by "+who)
	}
	return links
}

// actor is whoever did it, "" when that ties nothing together: AWS's services and their roles work for everybody, and
// an account that a record names in place of a principal may be anybody in it.
func actor(f *finding.Finding) string {
	who := f.PrincipalARN
	if strings.HasPrefix(who, "service:") || strings.Contains(who, ":role/aws-service-role/") ||
		who == "account:"+f.Account {
		return ""
	}
	return who
}

// oneKey is the same for related multi-Region keys.
func oneKey(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && strings.HasPrefix(parts[5], "key/mrk-") {
		return parts[4] + " " + parts[5]
	}
	return arn
}

// Together are those of the findings that begin an incident with f: none when there is nothing but f's own event.
func Together(f *finding.Finding, others []*finding.Finding) []*finding.Finding {
	var with []*finding.Finding
	twoEvents := false
	for _, o := range others {
		fits := o.ID != f.ID && o.IncidentID == "" && Correlates(o) && Begins(o)
		if fits && apart(f.LastSeen, o.FirstSeen, o.LastSeen) <= Within {
			with = append(with, o)
			twoEvents = twoEvents || o.EventID != f.EventID
		}
	}
	if !twoEvents {
		return nil
	}
	slices.SortStableFunc(with, func(a, b *finding.Finding) int { return a.FirstSeen.Compare(b.FirstSeen) })
	return with
}

// apart is how far a time is from a span of time.
func apart(at, from, to time.Time) time.Duration { return max(from.Sub(at), at.Sub(to), 0) }

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

// Takes reports whether a finding joins the incident.
func (i *Incident) Takes(f *finding.Finding) bool {
	a := i.Automatic
	if a == nil || i.Closed != nil || apart(f.LastSeen, a.First, a.Last) > Within || f.LastSeen.Sub(a.First) > Longest {
		return false
	}
	return slices.ContainsFunc(Links(f), i.Draws)
}

// Draws reports whether what shares this link with the incident joins it; see Links.
func (i *Incident) Draws(link string) bool {
	if who, by := strings.CutPrefix(link, "by "); by {
		return slices.Contains(i.Principals, who)
	}
	return slices.ContainsFunc(i.Keys[:min(len(i.Keys), maxLinks)], func(arn string) bool {
		return link == "key "+oneKey(arn)
	})
}

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

// ToldAlone reports whether a finding of it was told by itself.
func (i *Incident) ToldAlone(id string) bool {
	at := i.member(id)
	return at >= 0 && i.Automatic.Members[at].Alone
}

func (i *Incident) member(id string) int {
	return slices.IndexFunc(i.Automatic.Members, func(m Member) bool { return m.Finding == id })
}

// Graver reports whether it became graver than anybody was paged for.
func (i *Incident) Graver() bool { return i.Automatic.Severity > i.Automatic.Told }

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
	i.Automatic.Told = max(i.Automatic.Told, i.Automatic.Severity)
	for k := range i.Automatic.Members {
		i.Automatic.Members[k].New = false
	}
}

// Excerpt is a copy of it that is small enough to be sent, with at most so many findings: what is new before what was
// told, the latest first.
func (i *Incident) Excerpt(most int) *Incident {
	copied, a := *i, *i.Automatic
	copied.Automatic, copied.Notes = &a, nil
	a.Members = slices.Clone(a.Members)
	slices.SortStableFunc(a.Members, func(a, b Member) int {
		if a.New != b.New {
			return cmp.Compare(old(a), old(b))
		}
		return b.At.Compare(a.At)
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

// name says what the incident is about, as far as it is known.
func (i *Incident) name() {
	a := i.Automatic
	a.Story, i.Reason = "", i.inCommon()
	if s := storyOf(a.Members); s != nil {
		a.Story, i.Reason, a.Severity = s.Name, s.Title, max(a.Severity, s.AtLeast)
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
