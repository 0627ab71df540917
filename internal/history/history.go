// Package history says how a key came to be what it is: what changed between two readings of KMS, which events and
// actions explain it, and what rotd knew of the key at an earlier time.
//
// A change is a difference between two readings, never what an event says: events prove nothing, they are evidence of
// who did what a reading shows. Each entry has the values before and after, so that walking back from the key as it is
// gives the key as it was (AsOf).
//
// The package is pure: it keeps nothing (package state does) and reads no clock. To follow another fact of a key, add a
// row to the table in facts.go, its words in words.go, and the operations that change it in explain.go.
package history

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Kind says what an entry is about.
type Kind string

// Facts whose changes are kept, each whole: the list of all aliases before and after, say.
const (
	State       Kind = "state"
	Description Kind = "description"
	Deletion    Kind = "deletion-date"
	ValidTo     Kind = "valid-to"
	Material    Kind = "material"
	MultiRegion Kind = "multi-region"
	OrgPath     Kind = "org-path"
	Aliases     Kind = "aliases"
	Tags        Kind = "tags"
	Policy      Kind = "policy"
	Denied      Kind = "denied"    // operations that KMS refuses to rotd: what they would tell is not known
	Schedule    Kind = "rotation"  // automatic rotation: on or off, and its period
	Rotations   Kind = "rotations" // the list of completed rotations; in timelines each is a line of its own
	Grants      Kind = "grants"
	Gone        Kind = "gone" // KMS no longer knows the key
)

// Lines of timelines that are no change between two readings.
const (
	Created   Kind = "created"
	FirstSeen Kind = "first-seen"
	Rotated   Kind = "rotated" // a completed rotation, as KMS lists it
	Reported  Kind = "event"   // an event that no reading confirms
	Dropped   Kind = "dropped" // older entries of a kind are kept no longer
)

// eventPrefix begins the kinds under which events are kept, one for each operation: a flood of one pushes out no other.
const eventPrefix = "event:"

// EventKind is the kind an event is kept under.
func EventKind(operation string) Kind { return Kind(eventPrefix + operation) }

// IsEvent reports whether entries of the kind are events as they came, and no changes.
func (k Kind) IsEvent() bool { return strings.HasPrefix(string(k), eventPrefix) }

// Entry is one change of one fact, as two readings of KMS show it, or one event that may explain changes.
type Entry struct {
	Kind Kind `json:"kind"`
	// The change happened between the two readings, or at the time of its evidence.
	NotBefore time.Time `json:"not_before,omitzero"`
	SeenAt    time.Time `json:"seen_at"`
	// Values of the fact; absent: empty, none. Of rotations and grants, which were removed and which were added.
	Before jsontext.Value `json:"before,omitempty"`
	After  jsontext.Value `json:"after,omitempty"`
	Moves  []Move         `json:"moves,omitempty"` // of aliases, as far as known
	// Evidence are the events and actions that explain the change, in their order.
	Evidence []Evidence `json:"evidence,omitempty"`

	// Kept is when the entry was written: the order in which readings followed each other.
	Kept time.Time `json:"-"`
	// Began is when the reading began that shows the change; known while it is written only.
	Began time.Time `json:"-"`
}

// Move is an alias that went from one key to another.
type Move struct {
	Alias string `json:"alias"`
	From  string `json:"from,omitempty"` // key ARN
	To    string `json:"to,omitempty"`
}

// Evidence is an event, or an action of rotd's, that explains a change.
type Evidence struct {
	EventID   string    `json:"event_id,omitempty"`
	Operation string    `json:"operation"` // eventName
	At        time.Time `json:"at"`        // eventTime
	Principal string    `json:"principal_arn,omitempty"`
	Session   string    `json:"session_name,omitempty"`
	SourceIP  string    `json:"source_ip,omitempty"`
	Own       bool      `json:"own,omitempty"` // a call of this rotd
	ActionID  string    `json:"action_id,omitempty"`
	// What the call names, where that decides which change it explains.
	Alias    string `json:"alias,omitempty"`
	Target   string `json:"target,omitempty"` // the key an alias was set to
	From     string `json:"from,omitempty"`   // the key it was set to before, as far as known
	Material string `json:"material,omitempty"`
	// Count is how often the principal did the same within the hour, when that is told in one entry; the last time is
	// LastAt.
	Count  int       `json:"count,omitzero"`
	LastAt time.Time `json:"last_at,omitzero"`
}

// Repeat counts that the same was done again.
func (e *Evidence) Repeat(again *Evidence) {
	e.Count = max(e.Count, 1) + 1
	if again.At.After(e.last()) {
		e.LastAt = again.At
	}
}

// last is when the evidence last happened.
func (e *Evidence) last() time.Time {
	if e.LastAt.After(e.At) {
		return e.LastAt
	}
	return e.At
}

// At is when the change happened as far as its evidence tells; zero when there is none.
func (e *Entry) At() (at time.Time) {
	for i := range e.Evidence {
		if last := e.Evidence[i].last(); last.After(at) {
			at = last
		}
	}
	return at
}

// Effective is when the change counts from: when it happened or, where that is not known, when it was seen. The reading
// before did not show it: CloudTrail's times are whole seconds, and KMS shows a change late.
func (e *Entry) Effective() time.Time {
	at := e.At()
	switch {
	case at.IsZero():
		return e.SeenAt
	case !at.After(e.NotBefore):
		return e.NotBefore.Add(1)
	}
	return at
}
