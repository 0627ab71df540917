package engine

import (
	"fmt"
	"slices"
	"strings"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/state"
)

// maxLone bounds the findings without an incident that are remembered of one key or principal.
const maxLone = 16

// correlate ties news about a finding to the incident it belongs to, and opens one where it is not the first of its
// kind. told: the incident tells of it.
func (n *notebook) correlate(f *finding.Finding, t finding.Transition) (told bool, err error) {
	about := f.EventID == "" || n.settings.Judge.Rule(f.RuleID) != nil // not about rotd itself
	if t == finding.NoTransition || n.baseline || f.ToldBy != "" || !about || !incident.Correlates(f) {
		return false, nil
	}
	i, lone, err := n.related(f)
	if err != nil {
		return false, err
	}
	switch {
	case i != nil:
		alone := f.IncidentID == "" && t != finding.Opened
		i.Add(f, n.now)
		if alone {
			i.KeepAlone(f.ID)
		}
		return true, n.grew(i, f)
	case f.IncidentID != "" || !incident.Begins(f):
		return false, nil
	}
	if with := incident.Together(f, lone); len(with) > 0 {
		if i, err = n.openIncidentOf(f, with); i != nil || err != nil {
			return i != nil, err
		}
	}
	return false, n.noteLone(f, lone)
}

// related returns the open incident that a finding belongs to, else findings without one that it may begin one with.
func (n *notebook) related(f *finding.Finding) (i *incident.Incident, lone []*finding.Finding, err error) {
	if f.IncidentID != "" {
		i, err = n.followed(f.IncidentID)
		return i, nil, err
	}
	memory := n.tx.Memory()
	for _, link := range incident.Links(f) {
		for id := range strings.FieldsSeq(memory.Noted(linkName(link), f.LastSeen)) {
			if strings.HasPrefix(id, "inc_") {
				if i, err = n.takenBy(id, f); i != nil || err != nil {
					return i, nil, err
				}
				continue
			}
			other, err := n.finding(id)
			if err != nil {
				return nil, nil, err
			}
			if other != nil && !slices.ContainsFunc(lone, func(l *finding.Finding) bool { return l.ID == id }) {
				lone = append(lone, other)
			}
		}
	}
	return nil, lone, nil
}

// takenBy returns an incident that a finding joins; nil when it does not.
func (n *notebook) takenBy(id string, f *finding.Finding) (*incident.Incident, error) {
	i, err := n.followed(id)
	if err != nil || i == nil || i.Takes(f) {
		return i, err
	}
	for _, m := range i.Automatic.Members { // what was repeated since is no news, but goes on
		member, err := n.finding(m.Finding)
		if err != nil {
			return nil, err
		}
		if member != nil && member.IncidentID == id {
			i.Lasts(member.LastSeen)
		}
	}
	if i.Takes(f) {
		return i, nil
	}
	return nil, nil //nolint:nilnil // "none" is an answer, not an error
}

// followed returns an open incident that rotd opened; nil when it is none, or cannot be read.
func (n *notebook) followed(id string) (*incident.Incident, error) {
	i, err := n.tx.Incident(id)
	if err = n.tx.PassOver(err); err != nil || i == nil || i.Automatic == nil || i.Closed != nil {
		return nil, err
	}
	return i, nil
}

func linkName(link string) string { return "incident:" + link }

// noteLone remembers a finding that has no incident yet.
func (n *notebook) noteLone(f *finding.Finding, lone []*finding.Finding) error {
	memory := n.tx.Memory()
	for _, link := range incident.Links(f) {
		ids := []string{f.ID}
		for _, l := range lone {
			if l.ID != f.ID && l.IncidentID == "" && slices.Contains(incident.Links(l), link) {
				ids = append(ids, l.ID)
			}
		}
		// An earlier event may come later: whether times fit is judged by the findings.
		memory.Note(linkName(link), strings.Join(ids[:min(len(ids), maxLone)], " "), f.LastSeen, 2*incident.Within)
	}
	return memory.Err()
}

// openIncidentOf opens an incident of findings that were told one by one and one that was not; nil without room for it:
// then that one is told by itself, too.
func (n *notebook) openIncidentOf(f *finding.Finding, told []*finding.Finding) (*incident.Incident, error) {
	followed, err := n.roomToFollow()
	if err != nil || len(followed) >= state.MaxFollowed {
		return nil, err
	}
	i := incident.Begin(n.e.newID("inc_", n.now), n.now, told)
	i.Open(f, n.now)
	for _, t := range told {
		if err := n.tx.PutFinding(t); err != nil {
			return nil, err
		}
	}
	if err := n.audit(audit.Entry{
		Event: audit.IncidentOpened, Incident: i.ID, Finding: f.ID, Key: f.KeyARN, Detail: texts("reason", i.Reason, "keys",
			strings.Join(i.Keys, " "), "principals", strings.Join(i.Principals, " ")),
	}); err != nil {
		return nil, err
	}
	if err := n.tx.SetFollowed(append(followed, state.Followed{ID: i.ID})); err != nil {
		return nil, err
	}
	return i, n.grew(i, append(told, f)...)
}

// roomToFollow returns the open incidents that rotd opened. Where there is no room for another, the one to which
// nothing new came for longest is closed, if it is so long ago that nothing can join it: what checks found may stay
// open in it for months.
func (n *notebook) roomToFollow() ([]state.Followed, error) {
	followed, err := n.tx.Followed()
	if err = n.tx.PassOver(err); err != nil || len(followed) < state.MaxFollowed {
		return followed, err
	}
	var quietest *incident.Incident
	for _, f := range followed {
		i, err := n.followed(f.ID)
		if err != nil {
			return nil, err
		}
		if i != nil && f.Due.IsZero() && (quietest == nil || i.Automatic.Heard.Before(quietest.Automatic.Heard)) {
			quietest = i
		}
	}
	if quietest == nil || n.now.Sub(quietest.Automatic.Heard) < incident.Longest+incident.Within {
		return followed, nil
	}
	why := fmt.Sprintf("nothing new came for longest, and there are %d others", len(followed)-1)
	if err := n.closeIncident(quietest, incident.ByRotd, why); err != nil {
		return nil, err
	}
	if err := n.tx.PutIncident(quietest); err != nil {
		return nil, err
	}
	followed, err = n.tx.Followed()
	return followed, n.tx.PassOver(err)
}
