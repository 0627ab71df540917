package incident

import (
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

// Bounds of an incident that rotd opens. Of findings past MaxMembers the gravest are kept, the others counted.
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
	// ToldStory is the Story that it was told with last.
	ToldStory string `json:"told_story,omitempty"`
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
// its time can be believed. What a suppression hides was told to nobody.
func Correlates(f *finding.Finding) bool {
	return !f.Expected && !f.Late && !f.Hidden && (f.EventID != "" || slices.Contains(consequences, f.RuleID))
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
