// Package remediation decides what may be done about a key: eligibility, plans, guardrails and the action state
// machine. It is pure: facts in, decisions with their reasons out. The engine carries them out in the right order.
package remediation

import "time"

// Verb is one of the four things rotd does; only rotate exists yet.
type Verb string

// Rotate gives a key new material, or a schedule for it; it re-encrypts nothing and cuts nobody off.
const Rotate Verb = "rotate"

// Method is how a rotate action works.
type Method string

// Methods of rotate.
const (
	EnableAutomatic Method = "enable-automatic" // EnableKeyRotation with a period
	NewMaterial     Method = "on-demand"        // RotateKeyOnDemand
)

// State is where an action stands; see Next for the transitions.
type State string

// States. The last four are final.
const (
	Planned   State = "planned"
	Running   State = "running"   // intent is durable; the call may have been made
	Verifying State = "verifying" // KMS accepted, or may have accepted, the call; its truth is being read
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Expired   State = "expired"
)

// Final reports whether nothing more happens to an action in this state.
func (s State) Final() bool { return s == Succeeded || s == Failed || s == Cancelled || s == Expired }

// Action is one thing rotd does, or means to do, to one key. Its JSON is what `rotd actions` shows.
type Action struct {
	ID     string `json:"id"` // act_ + ULID
	Verb   Verb   `json:"verb"`
	Method Method `json:"method"`
	State  State  `json:"state"`

	KeyARN     string `json:"key_arn"`
	Alias      string `json:"alias,omitempty"`
	Account    string `json:"account"`
	Region     string `json:"region"`
	PeriodDays int    `json:"period_days,omitempty"` // of enable-automatic

	Before Precondition `json:"before"` // what the plan was made on; re-read just before the call
	After  Precondition `json:"after,omitzero"`

	Automatic bool     `json:"automatic"`           // started by a check or a policy's respond
	Requester string   `json:"requester,omitempty"` // who asked: `uid:1000 (name)`
	Reason    string   `json:"reason"`
	Ticket    string   `json:"ticket,omitempty"`
	Emergency bool     `json:"emergency,omitempty"`
	Overrides []string `json:"overrides,omitempty"`  // guardrails passed because of --emergency
	FindingID string   `json:"finding_id,omitempty"` // what started it
	Policy    string   `json:"policy,omitempty"`

	Created   time.Time  `json:"created"`
	NotBefore time.Time  `json:"not_before,omitzero"` // grace, startup hold, cooldown
	Started   time.Time  `json:"started,omitzero"`    // first became running
	CalledAt  time.Time  `json:"called_at,omitzero"`  // start of the last attempt
	Deadline  time.Time  `json:"deadline,omitzero"`   // unverified after this: failed
	Ended     *time.Time `json:"ended,omitempty"`
	Attempts  int        `json:"attempts"`
	RequestID string     `json:"request_id,omitempty"` // KMS's, of the last attempt
	Ambiguous bool       `json:"ambiguous,omitempty"`  // the last attempt's answer did not arrive
	Outcome   string     `json:"outcome,omitempty"`    // in plain words, with what a rotation does not do
	LastError string     `json:"last_error,omitempty"`
}

// Precondition is the part of a key that a rotate action depends on or changes.
type Precondition struct {
	Material     string `json:"material,omitempty"` // CurrentKeyMaterialId
	OnDemandUsed int    `json:"on_demand_used"`
	Enabled      bool   `json:"rotation_enabled"`
	PeriodDays   int    `json:"period_days,omitempty"`
	KeyState     string `json:"key_state,omitempty"`
}
