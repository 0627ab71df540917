package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/incident"
	"rotd/internal/reencrypt"
	"rotd/internal/state"
)

// Errors a request about an incident can meet.
var (
	ErrUnknownIncident = errors.New("unknown incident")
	ErrClosedIncident  = errors.New("the incident is closed")
	ErrTooMuch         = errors.New("too much")
)

// IncidentRequest is a person's wish to open an incident.
type IncidentRequest struct {
	Keys       []string // ids, ARNs, aliases or alias ARNs; may be none when it is about principals
	Principals []string // ARNs
	Reason     string
	Ticket     string
	Before     time.Duration // so much of what happened before belongs to it
	Requester  string
}

// OpenIncident begins an incident.
func (e *Engine) OpenIncident(r IncidentRequest) (*incident.Incident, error) {
	if err := checkText("reason", r.Reason); err != nil {
		return nil, err
	}
	if len(r.Keys)+len(r.Principals) > incident.MaxKeys {
		return nil, fmt.Errorf("%w: at most %d keys and principals", ErrTooMuch, incident.MaxKeys)
	}
	now := time.Now().UTC()
	i := &incident.Incident{
		ID: e.newID("inc_", now), Reason: r.Reason, Ticket: r.Ticket, Keys: []string{}, Principals: r.Principals,
		Opened: incident.Mark{At: now, By: r.Requester}, Since: now.Add(-r.Before),
	}
	for _, name := range r.Keys {
		arn, err := e.ResolveKey(name)
		if err != nil {
			return nil, err
		}
		i.Keys = append(i.Keys, arn)
	}
	return i, e.note(now, func(n *notebook) error {
		err := n.audit(audit.Entry{
			Actor: r.Requester, Event: audit.IncidentOpened, Incident: i.ID, Detail: texts("reason", r.Reason, "ticket",
				r.Ticket, "keys", strings.Join(i.Keys, " "), "principals", strings.Join(i.Principals, " ")),
		})
		if err != nil {
			return err
		}
		return n.tx.PutIncident(i)
	})
}

// NoteIncident writes down what somebody has to say of an open incident.
func (e *Engine) NoteIncident(id, by, text string) (*incident.Incident, error) {
	if err := checkText("text", text); err != nil {
		return nil, err
	}
	return e.changeIncident(id, func(n *notebook, i *incident.Incident) error {
		if len(i.Notes) >= incident.MaxNotes {
			return fmt.Errorf("%w: it has %d notes", ErrTooMuch, len(i.Notes))
		}
		i.Notes = append(i.Notes, incident.Note{At: n.now, By: by, Text: text})
		return n.audit(audit.Entry{Actor: by, Event: audit.IncidentNoted, Incident: id, Detail: texts("text", text)})
	})
}

// CloseIncident ends an incident: nothing joins it any more.
func (e *Engine) CloseIncident(id, by, reason string) (*incident.Incident, error) {
	if err := checkText("reason", reason); err != nil {
		return nil, err
	}
	return e.changeIncident(id, func(n *notebook, i *incident.Incident) error {
		return n.closeIncident(i, by, reason)
	})
}

// closeIncident ends an incident. What is new about one that rotd follows is told before that.
func (n *notebook) closeIncident(i *incident.Incident, by, reason string) error {
	if err := n.unfollow(i); err != nil {
		return err
	}
	i.Closed = &incident.Mark{At: n.now, By: by, Reason: reason}
	return n.audit(audit.Entry{Actor: by, Event: audit.IncidentClosed, Incident: i.ID, Detail: texts("reason", reason)})
}

// changeIncident changes an open incident, and stores it.
func (e *Engine) changeIncident(id string, change func(*notebook, *incident.Incident) error) (
	i *incident.Incident, err error,
) {
	err = e.note(time.Now().UTC(), func(n *notebook) error {
		if i, err = openIncident(n.tx, id); err != nil {
			return err
		}
		if err := change(n, i); err != nil {
			return err
		}
		return n.tx.PutIncident(i)
	})
	return i, err
}

// openIncident reads an incident that must be open.
func openIncident(tx *state.Tx, id string) (*incident.Incident, error) {
	i, err := tx.Incident(id)
	switch {
	case err != nil:
		return nil, err
	case i == nil:
		return nil, fmt.Errorf("%w %q; `rotd incident list` shows those there are", ErrUnknownIncident, id)
	case i.Closed != nil:
		return nil, fmt.Errorf("%w since %s: open another one", ErrClosedIncident, i.Closed.At.Format(time.RFC3339))
	}
	return i, nil
}

// join ties an action to the incident it was begun for.
func (n *notebook) join(id, action, key string) error {
	i, err := openIncident(n.tx, id)
	if err != nil {
		return err
	}
	i.Join(action, key)
	return n.tx.PutIncident(i)
}

// forIncident makes sure that what is done for an incident is done while it is open; "" is none.
func (n *notebook) forIncident(id string) error {
	if id == "" {
		return nil
	}
	_, err := openIncident(n.tx, id)
	return err
}

// jobFor makes sure that the incident is open that a re-encryption is for, and ties the two together when it begins or
// goes on; "" is none.
func jobFor(tx *state.Tx, id string, job *reencrypt.Job) error {
	if id == "" {
		return nil
	}
	i, err := openIncident(tx, id)
	if err != nil || job.ID == "" || job.DryRun {
		return err
	}
	i.Involve(job.To)
	if job.From != "" {
		i.Involve(job.From)
	}
	job.Incident = id
	return errors.Join(tx.PutIncident(i), tx.PutJob(job))
}

// checkText says what is wrong with what somebody wrote.
func checkText(what, text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("%w (%s)", ErrNoReason, what)
	case len(text) > incident.MaxText:
		return fmt.Errorf("%w: the %s has %d bytes, at most %d are kept", ErrTooMuch, what, len(text), incident.MaxText)
	}
	return nil
}
