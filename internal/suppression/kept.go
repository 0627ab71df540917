package suppression

import (
	"time"

	"rotd/internal/finding"
)

// Kept is what the state has of a suppression.
type Kept struct {
	Name string       `json:"name"`
	Made *Suppression `json:"made,omitempty"` // by a person while rotd ran; nil: rotd.yaml has it
	Hits int          `json:"hits"`           // occurrences that it hid
	Last time.Time    `json:"last,omitzero"`
	// Targets are the keys that its aliases pointed at when it was first seen to name them, by alias ARN.
	Targets map[string]string `json:"targets,omitempty"`
}

// Where a suppression stands.
const (
	InRotdYAML = "rotd.yaml"
	InState    = "state"
)

// Standing is a suppression as people look at it.
type Standing struct {
	Suppression `json:",inline"`
	Source      string     `json:"source"` // InRotdYAML, InState
	Expired     bool       `json:"expired"`
	Hits        int        `json:"hits"`
	LastHit     *time.Time `json:"last_hit,omitempty"`
	// Targets are the keys that its aliases stand for; Unresolved those aliases that name no known key yet.
	Targets    map[string]string `json:"targets,omitempty"`
	Unresolved []string          `json:"unresolved,omitempty"`
}

// Trial is what suppressions would have hidden.
type Trial struct {
	Since    time.Time `json:"since"`
	Examined int       `json:"examined"` // findings seen since then
	Hidden   int       `json:"hidden"`   // findings of those; Rows are the newest of them
	Times    int       `json:"times"`    // with repetitions
	Rows     []Would   `json:"rows"`
	// LeftOut is what a file's suppressions name that is not there, and so hid nothing.
	LeftOut []LeftOut `json:"left_out,omitempty"`
	Expires time.Time `json:"expires,omitzero"` // of one that a person asks for: until when it would hide
}

// LeftOut is what one suppression names, and why it could not be tried.
type LeftOut struct {
	By  string `json:"by"`
	Why string `json:"why"`
}

// Would is a finding that a suppression would have hidden, by the one occurrence of it that is kept.
type Would struct {
	By        string           `json:"by"`
	ID        string           `json:"id"`
	Rule      string           `json:"rule_id"`
	Severity  finding.Severity `json:"severity"`
	Title     string           `json:"title"`
	Subject   string           `json:"subject"`
	Principal string           `json:"principal_arn,omitempty"`
	Source    string           `json:"source_ip,omitempty"`
	Count     int              `json:"count"`
	FirstSeen time.Time        `json:"first_seen"`
	LastSeen  time.Time        `json:"last_seen"`
}
