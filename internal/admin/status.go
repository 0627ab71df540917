package admin

import (
	"time"

	"rotd/internal/audit"
	"rotd/internal/events/queue"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/scheduler"
	"rotd/internal/state"
)

// Status is the daemon at one glance.
type Status struct {
	Version string      `json:"version"`
	Shard   string      `json:"shard"`
	Mode    policy.Mode `json:"mode"` // the ceiling
	Now     time.Time   `json:"now"`
	Started time.Time   `json:"started"`

	Ready    bool     `json:"ready"`
	NotReady []string `json:"not_ready"` // why, in plain words
	// Troubles is everything that is not in order, the gravest first; filled by the server from the rest.
	Troubles []Trouble `json:"troubles"`

	// ReloadError says why the last reload of the configuration was refused; empty when it was not, or there was none.
	ReloadError string `json:"reload_error,omitempty"`

	// ClockAhead is how many seconds the daemon's clock is ahead of AWS's, negative when it is behind; 0 while that is
	// little.
	ClockAhead int64 `json:"clock_ahead_seconds,omitempty"`

	Armed  bool         `json:"armed"`           // automatic actions are allowed on this state at all
	Paused *state.Pause `json:"pause,omitempty"` // nil: not paused
	// Breaker is the circuit breaker while it is open; nil: it is closed.
	Breaker *remediation.Breaker `json:"breaker,omitempty"`

	// DependsOn is what rotd cannot work without, and the keys it is under: rotd never acts on those.
	DependsOn []state.Dependency `json:"depends_on,omitempty"`

	Queues    []Queue          `json:"queues"`
	LastEvent time.Time        `json:"last_event,omitzero"` // eventTime of the newest event handled
	Places    []state.Coverage `json:"places"`
	Jobs      []Job            `json:"jobs"`
	// Organization is what is known of the organization's accounts; nil when configuration does not ask for them.
	Organization *Organization `json:"organization,omitempty"`

	Findings       Counts `json:"open_findings"`
	Keys           int    `json:"keys"`
	PendingActions int    `json:"pending_actions"`
	Awaiting       int    `json:"awaiting_approval"` // of those, the ones that wait for a second person
	Quarantined    int    `json:"quarantined"`
	Outbox         Outbox `json:"outbox"`

	Budget *Budget `json:"budget,omitempty"` // nil: no key has used any
	State  File    `json:"state"`
	// Audit is the newest entry of the audit log.
	Audit audit.Head `json:"audit"`
}

// Organization says which accounts of the AWS Organization are looked after.
type Organization struct {
	ListedAt  time.Time `json:"listed_at,omitzero"`   // zero: never
	LastError string    `json:"last_error,omitempty"` // of listing them, since it last succeeded
	Accounts  int       `json:"accounts"`             // that there are
	// Skipped are those that are not looked after: not active, or excluded by configuration.
	Skipped []state.Member `json:"skipped"`
}

// Counts are open findings by severity.
type Counts struct {
	Critical      int `json:"critical"`
	High          int `json:"high"`
	Medium        int `json:"medium"`
	Low           int `json:"low"`
	Informational int `json:"informational"`
}

// Total is all of them.
func (c Counts) Total() int { return c.Critical + c.High + c.Medium + c.Low + c.Informational }

// Outbox is the alerts on their way.
type Outbox struct {
	Waiting   int       `json:"waiting"`
	Oldest    time.Time `json:"oldest,omitzero"`      // when the oldest of them was made
	LastError string    `json:"last_error,omitempty"` // of publishing, since it last succeeded
}

// Budget is the key with the fewest rotations on demand left.
type Budget struct {
	Left    int    `json:"left"`
	Reserve int    `json:"reserve"`
	KeyARN  string `json:"key_arn"`
	Alias   string `json:"alias,omitempty"`
}

// File is the state file.
type File struct {
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

// Queue is one SQS queue and its consumer.
type Queue struct {
	URL         string      `json:"url"`
	Ready       bool        `json:"ready"`
	State       queue.State `json:"state"`
	Reason      string      `json:"reason,omitempty"` // why it is not ready
	Since       time.Time   `json:"since,omitzero"`
	LastReceive time.Time   `json:"last_receive,omitzero"`
	LastMessage time.Time   `json:"last_message,omitzero"`
	InHand      int         `json:"in_hand"`
	ReadAt      time.Time   `json:"depth_read_at,omitzero"` // zero: depth and redrive are unknown
	Visible     int64       `json:"visible"`                // messages that wait, about
	InFlight    int64       `json:"in_flight"`
	Delayed     int64       `json:"delayed"`
	Redrive     bool        `json:"redrive"`
	MaxReceives int         `json:"max_receive_count"`
	DeadLetter  string      `json:"dead_letter_arn,omitempty"`
	// DeadLetterError is why it is not known whether messages lie in the dead-letter queue.
	DeadLetterError string `json:"dead_letter_error,omitempty"`
	Received        uint64 `json:"received"` // messages since the start
}

// NewQueue takes a consumer's status.
func NewQueue(s *queue.Status) Queue {
	a := &s.Attributes
	return Queue{
		URL: s.Queue, Ready: s.Ready, State: s.State, Reason: s.Reason, Since: utc(s.Since),
		LastReceive: utc(s.LastReceive), LastMessage: utc(s.LastMessage), InHand: s.InHand,
		ReadAt: utc(a.ReadAt), Visible: a.Visible, InFlight: a.InFlight, Delayed: a.Delayed,
		Redrive: a.Redrive.Present, MaxReceives: a.Redrive.MaxReceiveCount, DeadLetter: a.Redrive.DeadLetterARN,
		DeadLetterError: a.DeadLetterError, Received: s.Stats.Messages,
	}
}

// Job is a scheduled job and its last run.
type Job struct {
	Name         string    `json:"name"`
	Spec         string    `json:"spec"`
	Next         time.Time `json:"next,omitzero"`
	RunningSince time.Time `json:"running_since,omitzero"`
	LastStarted  time.Time `json:"last_started,omitzero"` // zero: it never ran
	LastFinished time.Time `json:"last_finished,omitzero"`
	LastError    string    `json:"last_error,omitempty"`
	LastTrigger  string    `json:"last_trigger,omitempty"`
}

// NewJob takes the scheduler's word on a job.
func NewJob(s *scheduler.JobStatus) Job {
	return Job{
		Name: s.Name, Spec: s.Spec, Next: utc(s.Next), RunningSince: utc(s.RunningSince),
		LastStarted: utc(s.Last.Started), LastFinished: utc(s.Last.Finished),
		LastError: s.Last.Err, LastTrigger: s.Last.Trigger,
	}
}

// utc keeps a zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
