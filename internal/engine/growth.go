package engine

import (
	"slices"
	"time"

	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/notify"
	"rotd/internal/state"
)

// grew keeps what these findings add to an incident, and has it told: at once when somebody has to be woken for that,
// else together with what else comes.
func (n *notebook) grew(i *incident.Incident, by ...*finding.Finding) error {
	memory := n.tx.Memory()
	for _, f := range by {
		for _, link := range incident.Links(f) {
			if i.Draws(link) {
				memory.Note(linkName(link), i.ID, i.Automatic.First, incident.Longest+incident.Within)
			}
		}
	}
	if err := memory.Err(); err != nil {
		return err
	}
	if i.Pages() {
		return n.tellIncident(i, notify.IncidentRaised, by...)
	}
	if err := n.tx.PutIncident(i); err != nil {
		return err
	}
	return n.tellLater(i)
}

// tellLater has what is new about an incident told with what else comes within the wait.
func (n *notebook) tellLater(i *incident.Incident) error {
	n.tally.grown = true
	return n.changeFollowed(i.ID, func(f *state.Followed) {
		if f.Due.IsZero() {
			f.Due = n.now.Add(n.settings.IncidentWait)
		}
	})
}

// tellIncident tells all that is new about an incident, the gravest of it whole: one of these findings, else as kept.
func (n *notebook) tellIncident(i *incident.Incident, kind notify.Kind, by ...*finding.Finding) error {
	newest, err := n.newest(i, by)
	if err != nil {
		return err
	}
	alert := n.incidentAlert(i, newest, kind)
	i.SetTold()
	if err := n.tx.PutIncident(i); err != nil {
		return err
	}
	if err := n.changeFollowed(i.ID, func(f *state.Followed) { f.Due = time.Time{} }); err != nil {
		return err
	}
	return n.tell(alert)
}

func (n *notebook) newest(i *incident.Incident, by []*finding.Finding) (*finding.Finding, error) {
	id := i.Newest()
	if id == "" {
		return nil, nil //nolint:nilnil // "none" is an answer, not an error
	}
	if at := slices.IndexFunc(by, func(f *finding.Finding) bool { return f.ID == id }); at >= 0 {
		return by[at], nil
	}
	return n.finding(id)
}

func (n *notebook) changeFollowed(id string, change func(*state.Followed)) error {
	followed, err := n.tx.Followed()
	if err = n.tx.PassOver(err); err != nil {
		return err
	}
	for k := range followed {
		if followed[k].ID == id {
			before := followed[k]
			if change(&followed[k]); followed[k] == before {
				return nil
			}
			return n.tx.SetFollowed(followed)
		}
	}
	return nil
}

// overIn keeps in its incident that a finding is over. told: the incident tells of it.
func (n *notebook) overIn(f *finding.Finding, quietly bool) (told bool, err error) {
	if f.IncidentID == "" {
		return false, nil
	}
	i, err := n.followed(f.IncidentID)
	if err != nil || i == nil {
		return false, err
	}
	news := i.Ends(f.ID, quietly)
	if err := n.tx.PutIncident(i); err != nil {
		return false, err
	}
	if news {
		err = n.tellLater(i)
	}
	return !i.ToldAlone(f.ID), err
}

// tellGrown tells of the incidents that grew and are due, and returns when the next is; zero when none is.
func (e *Engine) tellGrown(now time.Time) (next time.Time, err error) {
	var due []string
	if err := e.db.View(func(tx *state.Tx) error {
		followed, err := tx.Followed()
		for _, f := range followed {
			switch {
			case f.Due.IsZero():
			case !f.Due.After(now):
				due = append(due, f.ID)
			case next.IsZero() || f.Due.Before(next):
				next = f.Due
			}
		}
		return tx.PassOver(err)
	}); err != nil || len(due) == 0 {
		return next, err
	}
	return next, e.note(now, func(n *notebook) error {
		for _, id := range due {
			i, err := n.followed(id)
			if err != nil {
				return err
			}
			if i == nil {
				err = n.changeFollowed(id, func(f *state.Followed) { f.Due = time.Time{} })
			} else {
				err = n.tellIncident(i, notify.IncidentGrew)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// unfollow ends that findings join an incident, if rotd opened it; what is new about it is told first.
func (n *notebook) unfollow(i *incident.Incident) error {
	if i.Automatic == nil {
		return nil
	}
	if i.HasNews() {
		if err := n.tellIncident(i, notify.IncidentGrew); err != nil {
			return err
		}
	}
	return n.dropFollowed(i.ID)
}

// dropFollowed forgets an incident that nothing joins any more.
func (n *notebook) dropFollowed(id string) error {
	followed, err := n.tx.Followed()
	if err = n.tx.PassOver(err); err != nil {
		return err
	}
	return n.tx.SetFollowed(slices.DeleteFunc(followed, func(f state.Followed) bool { return f.ID == id }))
}

// closeOver closes the incidents that rotd opened whose findings are all over and that nothing new came to for a day.
func (e *Engine) closeOver(now time.Time) error {
	return e.note(now, func(n *notebook) error {
		followed, err := n.tx.Followed()
		if err = n.tx.PassOver(err); err != nil {
			return err
		}
		for _, f := range followed {
			i, err := n.tx.Incident(f.ID)
			if err = n.tx.PassOver(err); err != nil {
				return err
			}
			if i == nil { // it cannot be read: nothing joins it any more
				err = n.dropFollowed(f.ID)
			} else if now.Sub(i.Automatic.Heard) >= incident.QuietAfter {
				err = n.closeIfOver(i)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// closeIfOver closes an incident none of whose findings is open, but for those that suppressions hide.
func (n *notebook) closeIfOver(i *incident.Incident) error {
	for _, m := range i.Automatic.Members {
		f, err := n.finding(m.Finding)
		if err != nil || f != nil && f.Status == finding.Open && !f.Hidden && f.IncidentID == i.ID {
			return err
		}
	}
	if err := n.closeIncident(i, incident.ByRotd, "its findings are over, and nothing new came for 24 h"); err != nil {
		return err
	}
	return n.tx.PutIncident(i)
}
