package remediation

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"rotd/internal/inventory"
)

// Verb is what an action does to a key. Moving ciphertext (reencrypt) changes no key and is no action.
type Verb string

// Verbs.
const (
	Rotate  Verb = "rotate"  // new material, or a schedule for it; re-encrypts nothing and cuts nobody off
	Replace Verb = "replace" // a new key, and the aliases moved to it; the old key stays enabled
	Contain Verb = "contain" // deletion cancelled, grants revoked, the key disabled, an alias retired
)

// Past is the verb as in "was rotated".
func (v Verb) Past() string {
	switch v {
	case Replace:
		return "replaced"
	case Contain:
		return "contained"
	case Rotate:
	}
	return "rotated"
}

// Method is how an action works.
type Method string

// Methods.
const (
	EnableAutomatic  Method = "enable-automatic"  // rotate: EnableKeyRotation with a period
	NewMaterial      Method = "on-demand"         // rotate: RotateKeyOnDemand
	ImportedMaterial Method = "imported-material" // rotate: ImportKeyMaterial, then RotateKeyOnDemand
	NewKey           Method = "new-key"           // replace: CreateKey, then UpdateAlias
	MoveBack         Method = "undo-alias"        // replace: UpdateAlias, back to the old key
	Restore          Method = "restore"           // contain: CancelKeyDeletion, EnableKey
	Measures         Method = "measures"          // contain: what a person chose
	Release          Method = "release"           // contain: what an earlier one did is taken back
)

// State is where an action stands; the package comment draws the transitions and Step makes them.
type State string

// States. The last four are final.
const (
	Planned State = "planned"
	// AwaitingApproval waits for a second person; only people's commands and time take it on.
	AwaitingApproval State = "awaiting-approval"
	Running          State = "running"   // intent is durable; the call may have been made
	Verifying        State = "verifying" // KMS accepted, or may have accepted, the call; its truth is being read
	Succeeded        State = "succeeded"
	Failed           State = "failed"
	Cancelled        State = "cancelled"
	Expired          State = "expired"
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

	Calls     []Call `json:"calls,omitempty"`       // what is asked of KMS, in order; see Current
	At        int    `json:"at,omitzero"`           // which of them is under way; the numbers below are about it
	NewKeyARN string `json:"new_key_arn,omitempty"` // of replace: the key that was made

	Before Precondition `json:"before"` // what the plan was made on; re-read just before the call
	After  Precondition `json:"after,omitzero"`

	Automatic bool   `json:"automatic"`           // started by a check or a policy's respond
	Requester string `json:"requester,omitempty"` // who asked: `uid:1000 (name)`
	// RequesterIs is by what the requester is told from others (Who.Is).
	RequesterIs []string `json:"requester_is,omitempty"`
	Reason      string   `json:"reason"`
	Ticket      string   `json:"ticket,omitempty"`
	Emergency   bool     `json:"emergency,omitempty"`
	BreakGlass  bool     `json:"break_glass,omitzero"`  // with Emergency: goes without the approval of mode propose
	Overrides   []string `json:"overrides,omitempty"`   // guardrails passed because of --emergency
	FindingID   string   `json:"finding_id,omitempty"`  // what started it
	IncidentID  string   `json:"incident_id,omitempty"` // what it was begun for
	Policy      string   `json:"policy,omitempty"`

	Approval *Approval `json:"approval,omitempty"` // asked for, or given; nil: none was needed

	Created   time.Time  `json:"created"`
	NotBefore time.Time  `json:"not_before,omitzero"` // nothing happens before: a guardrail, a back-off, the next read
	Started   time.Time  `json:"started,omitzero"`    // first became running
	Progress  time.Time  `json:"progress,omitzero"`   // when the call before the one under way was done
	CalledAt  time.Time  `json:"called_at,omitzero"`  // start of the last attempt
	Deadline  time.Time  `json:"deadline,omitzero"`   // unverified after this: failed
	UndoUntil time.Time  `json:"undo_until,omitzero"` // of undo-alias: it does not begin after this
	Ended     *time.Time `json:"ended,omitempty"`
	Attempts  int        `json:"attempts"`             // calls made, or meant to be made when rotd stopped
	Rejected  int        `json:"rejected,omitzero"`    // those of them that KMS certainly did not act on
	RequestID string     `json:"request_id,omitempty"` // KMS's, of the last attempt
	Ambiguous bool       `json:"ambiguous,omitempty"`  // the last attempt's answer did not arrive
	Outcome   string     `json:"outcome,omitempty"`    // in plain words, with what a rotation does not do
	LastError string     `json:"last_error,omitempty"` // of KMS or of a read, as it came

	Guardrail string    `json:"guardrail,omitempty"` // the guardrail that holds the action up, or ended it
	Waiting   string    `json:"waiting,omitempty"`   // why nothing happens at the moment, in plain words
	Reads     int       `json:"reads,omitzero"`      // reads since the last attempt that did not show its effect
	FirstRead time.Time `json:"first_read,omitzero"` // when the first of them was made
}

// Missed reports whether the action asked KMS for new material, or may have, and ended without having seen it.
func (a *Action) Missed() bool {
	return a.State == Failed && a.Current().Operation == RotateKeyOnDemand && a.Attempts > a.Rejected
}

// Precondition is the part of a key that an action depends on or changes.
type Precondition struct {
	Material     string `json:"material,omitempty"` // CurrentKeyMaterialId
	OnDemandUsed int    `json:"on_demand_used"`
	Enabled      bool   `json:"rotation_enabled"`
	PeriodDays   int    `json:"period_days,omitempty"`
	KeyState     string `json:"key_state,omitempty"`
}

// PreconditionOf takes from a key what an action depends on or changes.
func PreconditionOf(key *inventory.Key) Precondition {
	p := Precondition{Material: key.CurrentMaterial, KeyState: key.State}
	if key.Rotation != nil {
		p.OnDemandUsed = key.Rotation.OnDemandUsed()
		p.Enabled = key.Rotation.Enabled
		p.PeriodDays = key.Rotation.PeriodDays
	}
	return p
}

// Identity is the same for two actions that would do the same thing to the same key in the same condition: planned
// again, such an action is the one there already is.
func (a *Action) Identity() string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%s\x00%s\x00%d\x00", a.KeyARN, a.Verb, a.Method, a.PeriodDays)
	switch a.Verb {
	case Rotate:
		if a.GivesMaterial() {
			fmt.Fprintf(h, "%s\x00%d", a.Before.Material, a.Before.OnDemandUsed)
		} else {
			fmt.Fprintf(h, "%t\x00%d", a.Before.Enabled, a.Before.PeriodDays)
		}
	case Replace, Contain:
		fmt.Fprintf(h, "%s", a.Before.KeyState)
		for i := range a.Calls {
			c := &a.Calls[i]
			fmt.Fprintf(h, "\x00%s\x00%s\x00%s\x00%s\x00%s\x00%d", c.Operation, c.Alias, c.FromARN, c.grantID(), c.Region,
				c.PeriodDays)
			if c.New != nil {
				fmt.Fprintf(h, "\x00%+v", *c.New) // maps are printed in order
			}
		}
	}
	return "v1:" + hex.EncodeToString(h.Sum(nil))
}

// name is what people call the action's key.
func (a *Action) name() string {
	if a.Alias != "" {
		return a.Alias
	}
	return a.KeyARN
}
