// Package finding holds what rotd tells people: findings, their severities, states and identities. Plain types and
// their rules; who makes findings (detection), keeps them (state) and sends them (notify) is elsewhere.
package finding

import (
	"time"
)

// Finding is one thing found by one rule or check about one subject, through all its episodes. Its JSON is what
// `rotd findings` and `rotd replay` print.
type Finding struct {
	ID          string   `json:"id,omitempty"` // fnd_ + ULID; absent in replay
	RuleID      string   `json:"rule_id"`
	Severity    Severity `json:"severity"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Remedy      []string `json:"remedy,omitempty"` // what to do next: sentences and commands, one a line
	Fingerprint string   `json:"fingerprint"`
	Status      Status   `json:"status,omitempty"`
	Episode     int      `json:"episode,omitempty"` // 1 for the first
	Count       int      `json:"count"`             // occurrences in this episode

	FirstSeen  time.Time  `json:"first_seen"` // eventTime of the episode's first occurrence; a check's: when it was read
	LastSeen   time.Time  `json:"last_seen"`
	ResolvedAt *time.Time `json:"resolved_at,omitempty"`
	ResolvedBy string     `json:"resolved_by,omitempty"` // why the episode ended, in words

	Subject      Subject `json:"subject"`
	Partition    string  `json:"partition,omitempty"`
	Account      string  `json:"account"`
	Region       string  `json:"region"`
	KeyARN       string  `json:"key_arn"`
	Alias        string  `json:"alias,omitempty"`
	PrincipalARN string  `json:"principal_arn"`
	SessionName  string  `json:"session_name,omitempty"` // chosen by the caller: a hint, never an identity

	EventID   string     `json:"event_id"` // of the occurrence that set the severity
	EventName string     `json:"event_name"`
	EventTime *time.Time `json:"event_time"`
	SourceIP  string     `json:"source_ip"`
	// VPCEndpoint is the endpoint that the call came through; whoever owns its network chose SourceIP then.
	VPCEndpoint string `json:"vpc_endpoint,omitempty"`
	UserAgent   string `json:"user_agent,omitempty"`

	Mitre     []string `json:"mitre"`
	Expected  bool     `json:"expected"` // rotd's own doing, an allowed principal, a planned change
	Why       string   `json:"expected_because,omitempty"`
	Late      bool     `json:"late,omitempty"` // the event was older than 15 days, or over an hour ahead
	Shard     string   `json:"shard,omitempty"`
	ActionIDs []string `json:"action_ids,omitempty"`
	// IncidentID is the incident that rotd made this episode part of.
	IncidentID string `json:"incident_id,omitempty"`
	// OverSince is the first reading of KMS that shows the opposite of what a rule warned of; a second one five minutes
	// later ends the episode. Undone says that the inverse event was seen, so that one reading is enough.
	OverSince *time.Time `json:"over_since,omitempty"`
	Undone    bool       `json:"undone,omitempty"`
	Policy    string     `json:"policy,omitempty"` // the rotation policy that applies to the key
	// Points are the single things a check's finding tells together: accounts let in, limits passed. One that comes
	// to an open finding is news, as a raised severity is.
	Points []string `json:"points,omitempty"`
	// Move identifies the move to a laxer policy that is told of, and that an acknowledgement accepts.
	Move   string `json:"move,omitempty"`
	ToldBy string `json:"told_by,omitempty"` // the open finding of a rule that had told of the same before
	// Acknowledged says who has seen it and answers for it, in this episode; nil: nobody.
	Acknowledged *Acknowledgement `json:"acknowledged,omitempty"`
	// Suppressed counts what suppressions hid; nil: nothing. Hidden says that nobody was told of this episode.
	Suppressed *Suppressed `json:"suppressed,omitempty"`
	Hidden     bool        `json:"hidden,omitempty"`
}

// Acknowledgement is a person's word that a finding is seen. It goes on counting, and the next episode is new.
type Acknowledgement struct {
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Reason   string    `json:"reason"`
	Incident string    `json:"incident_id,omitempty"` // what it was done for
}

// MaxPoints bounds a finding's points.
const MaxPoints = 100

// Status is where a finding stands.
type Status string

// A finding is open until its episode ends.
const (
	Open     Status = "open"
	Resolved Status = "resolved"
)

// SubjectType says what kind of thing a finding is about.
type SubjectType string

// Kinds of subjects.
const (
	Key           SubjectType = "key"            // a key's ARN
	Alias         SubjectType = "alias"          // an alias's ARN
	Trail         SubjectType = "trail"          // a trail's ARN or name
	Queue         SubjectType = "queue"          // a queue's URL
	Store         SubjectType = "store"          // a custom key store's id
	AccountRegion SubjectType = "account-region" // <account>/<region>
	Rotd          SubjectType = "rotd"           // rotd itself: its shard
)

// Subject is what a finding is about.
type Subject struct {
	Type SubjectType `json:"type"`
	ID   string      `json:"id"`
}
