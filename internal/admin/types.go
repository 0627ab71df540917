package admin

import (
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/internal/usage"
)

// Key is a key as lists show it: the facts, without the text of its key policy, and what rotd makes of them.
type Key struct {
	inventory.Key
	RotationPolicy string               `json:"rotation_policy,omitempty"` // name of the policy that applies
	Eligible       remediation.Eligible `json:"eligible"`
	LastUse        time.Time            `json:"last_use,omitzero"`   // last use seen in events
	Owner          string               `json:"owner,omitempty"`     // by the policy's owner_tags
	Custodian      string               `json:"custodian,omitempty"` // by its custodian_tags
	OnDemandLeft   *int                 `json:"on_demand_left,omitempty"`
	OpenFindings   int                  `json:"open_findings"`
	Worst          *finding.Severity    `json:"worst_severity,omitempty"` // of the open findings
}

// KeyDetail is everything about one key, its key policy too.
type KeyDetail struct {
	Key
	Findings []finding.Finding    `json:"findings"` // open ones
	Actions  []remediation.Action `json:"actions"`  // the newest, newest first
	// Exceptions are those that name the key, whether they count or not.
	Exceptions []policy.Applied `json:"exceptions"`
	// Moves is what rotd re-encrypted from this key to others and from others to it.
	Moves []reencrypt.Move `json:"moves,omitempty"`
	// Assignment is what is remembered of a tag or alias change that moved the key to another policy.
	Assignment *policy.Assignment `json:"assignment,omitempty"`
}

// KeyUsage is who used a key in a window of time.
type KeyUsage struct {
	usage.Usage
	KeyARN string `json:"key_arn"`
	Alias  string `json:"alias,omitempty"`
	// WatchedSince is when rotd began to count: of what was before it knows nothing.
	WatchedSince time.Time `json:"watched_since"`
	// KMS is what KMS itself says of the last use; nil: it was not asked.
	KMS *inventory.LastUsage `json:"kms_last_usage,omitempty"`
	// LatestUse is the later of what events and KMS tell, LatestFrom which of them told it: events, kms.
	LatestUse  time.Time `json:"latest_use,omitzero"`
	LatestFrom string    `json:"latest_from,omitempty"`
}

// Latest finds the later of the uses that events and KMS tell of; seen is the last that events told of, by whomever.
func (u *KeyUsage) Latest(seen time.Time) {
	if u.LastUse.After(seen) {
		seen = u.LastUse
	}
	if !seen.IsZero() {
		u.LatestUse, u.LatestFrom = seen, "events"
	}
	if u.KMS != nil && u.KMS.At != nil && u.KMS.At.After(seen) {
		u.LatestUse, u.LatestFrom = *u.KMS.At, "kms"
	}
}

// Quarantined is a message or record that could not be decoded, without its body.
type Quarantined struct {
	Seq       uint64    `json:"seq"`
	At        time.Time `json:"at"`
	Reason    string    `json:"reason"` // a stable word
	Detail    string    `json:"detail"`
	Queue     string    `json:"queue,omitempty"`
	Object    string    `json:"object,omitempty"` // s3://… of the log file a record came from
	MessageID string    `json:"message_id,omitempty"`
	SenderID  string    `json:"sender_id,omitempty"`
	Bytes     int       `json:"bytes"`
}

// NewQuarantined leaves the body out.
func NewQuarantined(q *state.Quarantined) Quarantined {
	return Quarantined{
		Seq: q.Seq, At: q.At, Reason: q.Reason, Detail: q.Detail, Queue: q.Queue, Object: q.Object,
		MessageID: q.MessageID, SenderID: q.SenderID, Bytes: len(q.Body),
	}
}

// SweepResult says how a sweep on demand went.
type SweepResult struct {
	Name     string `json:"name"`
	Finished bool   `json:"finished"`        // false: it goes on
	Error    string `json:"error,omitempty"` // of a finished one
}

// Readiness says whether the daemon does its work.
type Readiness struct {
	Ready   bool     `json:"ready"`
	Reasons []string `json:"reasons"` // why not, in plain words
}

// sweepRequest, pauseRequest, resumeRequest are bodies.
type sweepRequest struct {
	Name        string `json:"name"`
	WaitSeconds int    `json:"wait_seconds,omitempty"`
}

type pauseRequest struct {
	Reason   string `json:"reason"`
	Incident string `json:"incident,omitempty"` // id of the incident it is for
}

type resumeRequest struct {
	Incident string `json:"incident,omitempty"`
}

// Acknowledged answers an acknowledgement.
type Acknowledged struct {
	Finding *finding.Finding         `json:"finding"`
	Before  *finding.Acknowledgement `json:"before,omitempty"` // the one there was; nil: there was none
}

// AckRequest is the body of an acknowledgement.
type AckRequest struct {
	Reason string `json:"reason"`
	Move   string `json:"move,omitempty"` // the finding's, as it was read: the move that is accepted
	// Incident is the id of the one it is for.
	Incident string `json:"incident,omitempty"`
}

// ResolveRequest is the body of a resolution.
type ResolveRequest struct {
	Reason   string `json:"reason"`
	Incident string `json:"incident,omitempty"` // id of the one it is for
}

// Paused answers pause and resume.
type Paused struct {
	Paused bool         `json:"paused"`
	By     string       `json:"by"`
	Before *state.Pause `json:"before,omitempty"` // the pause there was; nil: it was not paused
	Armed  bool         `json:"armed,omitempty"`  // this resume armed a new state
	// Breaker is the open circuit breaker that this resume closed; nil: it was not open.
	Breaker *remediation.Breaker `json:"breaker,omitempty"`
}
