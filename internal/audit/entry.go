// Package audit is the audit log as plain types: what an entry says, the hash chain that ties entries together, and its
// verification, which needs nothing but the exported lines. Where entries are kept, and that each is written before
// what it tells of is done, is others' business. docs/audit.md shows how to verify a log without rotd.
package audit

import "time"

// Schema names the form of an entry and the way its hash is made.
const Schema = "rotd.audit/1"

// Entry is one line of the log. Its texts may have been chosen by whoever asked: they are data.
type Entry struct {
	Schema string    `json:"schema"`
	Epoch  string    `json:"epoch"` // of the chain: shard@when the state was created, or restored
	Seq    uint64    `json:"seq"`   // 1, 2, 3 … also over epochs of the same state
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"` // `uid:1000 (name)`, or rotd
	Event  Event     `json:"event"`

	Key      string `json:"key,omitempty"`      // ARN of the key it is about
	Action   string `json:"action,omitempty"`   // act_…
	Finding  string `json:"finding,omitempty"`  // fnd_…
	Incident string `json:"incident,omitempty"` // inc_…
	// Detail is whatever else there is to say: texts only, so that every JSON library writes them the same.
	Detail map[string]string `json:"detail,omitempty"`

	Prev string `json:"prev"` // Hash of the entry before; Origin in the first
	Hash string `json:"hash"` // of everything above, see Digest
}

// Event is what happened, as filters and other programs have it.
type Event string

// Events. Requests are written before they are done, and in the transaction that does them where there is one.
const (
	LogBegan   Event = "log.began"   // the first entry of an epoch
	LogDropped Event = "log.dropped" // retention removed the oldest entries; Detail: through, hash

	DaemonStarted  Event = "daemon.started"
	DaemonStopped  Event = "daemon.stopped"
	ConfigReloaded Event = "config.reloaded"

	RotateRequested     Event = "rotate.requested"
	RotateRefused       Event = "rotate.refused"
	ReplaceRequested    Event = "replace.requested"
	ReplaceRefused      Event = "replace.refused"
	UndoAliasRequested  Event = "undo-alias.requested"
	UndoAliasRefused    Event = "undo-alias.refused"
	ContainRequested    Event = "contain.requested"
	ContainRefused      Event = "contain.refused"
	ReencryptRequested  Event = "reencrypt.requested"
	ReencryptRefused    Event = "reencrypt.refused"
	ReencryptEnded      Event = "reencrypt.ended" // done, failed or cancelled
	Paused              Event = "automation.paused"
	Resumed             Event = "automation.resumed"
	BreakerOpened       Event = "breaker.opened" // actions failed in a row: automatic ones wait
	BreakerClosed       Event = "breaker.closed"
	Acknowledged        Event = "finding.acknowledged"
	FindingResolved     Event = "finding.resolved"  // by a person
	SuppressionBegan    Event = "suppression.began" // Detail: suppression, its name
	SuppressionEnded    Event = "suppression.ended" // by a person; what expires ends by itself
	IncidentOpened      Event = "incident.opened"
	IncidentNoted       Event = "incident.noted"
	IncidentClosed      Event = "incident.closed"
	SweepRequested      Event = "sweep.requested"
	CopyRequested       Event = "state.copy-requested"
	BackupRequested     Event = "state.backup-requested"
	CompactionRequested Event = "state.compaction-requested"
	StateRestored       Event = "state.restored"
	StateRebuilt        Event = "state.rebuilt"   // from what could be read of a damaged one; Detail: lost
	ArchiveTaught       Event = "archive.taught"  // what is usual, from old log files
	StateRecovered      Event = "state.recovered" // a damaged state was set aside and a new one begun

	ActionPlanned       Event = "action.planned"
	ApprovalAsked       Event = "approval.asked" // Detail: plan, its hash
	ActionApproved      Event = "approval.given"
	ApprovalRefused     Event = "approval.refused"
	CancelRequested     Event = "cancel.requested"
	CancelRefused       Event = "cancel.refused"
	GuardrailOverridden Event = "guardrail.overridden"
	CallIntended        Event = "call.intended" // durable before the call is made
	CallAnswered        Event = "call.answered"
	CallVerified        Event = "call.verified" // KMS was read and shows it, or that it needs no call
	ActionSucceeded     Event = "action.succeeded"
	ActionFailed        Event = "action.failed"
	ActionCancelled     Event = "action.cancelled"
	ActionExpired       Event = "action.expired"
)

// Rotd is the actor of what nobody asked for at that moment.
const Rotd = "rotd"

// Names of details that verification reads.
const (
	Through = "through" // of LogDropped: the last entry that was removed
	OfHash  = "hash"    // of LogDropped: its hash
)

// Epoch names a chain: a shard's state and when it was begun or restored.
func Epoch(shard string, began time.Time) string {
	return shard + "@" + began.UTC().Format(time.RFC3339Nano)
}
