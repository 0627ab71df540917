// Package incident ties together what belongs to one incident: keys, principals, findings, actions and notes, and what
// happened around them in order of time. It is pure: what is in a state is handed in.
package incident

import (
	"slices"
	"time"
)

// Schema names the form of an exported incident.
const Schema = "rotd.incident/1"

// Bounds of one incident, so that nobody makes one that cannot be read any more.
const (
	MaxKeys  = 100
	MaxNotes = 500
	MaxText  = 4 << 10 // bytes of a reason or note
)

// Incident is what people say of it. Its texts are theirs, unless rotd opened it.
type Incident struct {
	ID         string    `json:"id"` // inc_ + ULID
	Reason     string    `json:"reason"`
	Ticket     string    `json:"ticket,omitempty"`
	Keys       []string  `json:"keys"`                 // ARNs; those that actions of it are about join
	Principals []string  `json:"principals,omitempty"` // ARNs of whom it is about
	Actions    []string  `json:"actions,omitempty"`    // act_…: begun with --incident
	Notes      []Note    `json:"notes,omitempty"`
	Opened     Mark      `json:"opened"`
	Closed     *Mark     `json:"closed,omitempty"` // nil: open
	Since      time.Time `json:"since"`            // what happened before is not looked at
	// Automatic is there when rotd opened it, by itself.
	Automatic *Automatic `json:"automatic,omitempty"`
}

// Mark says who did something, when and why.
type Mark struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
}

// Note is what somebody wrote down.
type Note struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// Status is open or closed.
func (i *Incident) Status() string {
	if i.Closed != nil {
		return "closed"
	}
	return "open"
}

// Until is when the incident ended, or now.
func (i *Incident) Until(now time.Time) time.Time {
	if i.Closed != nil {
		return i.Closed.At
	}
	return now
}

// Join adds an action that was begun for the incident, and its key.
func (i *Incident) Join(action, key string) {
	if !slices.Contains(i.Actions, action) {
		i.Actions = append(i.Actions, action)
	}
	i.Involve(key)
}

// Involve adds a key that something was done to for the incident.
func (i *Incident) Involve(key string) {
	if !slices.Contains(i.Keys, key) && len(i.Keys) < MaxKeys {
		i.Keys = append(i.Keys, key)
	}
}

// Concerns reports whether something about this key, by this principal (either may be "") belongs to the incident.
func (i *Incident) Concerns(key, principal string) bool {
	return key != "" && slices.Contains(i.Keys, key) || principal != "" && slices.Contains(i.Principals, principal)
}
