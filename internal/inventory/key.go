// Package inventory holds what rotd knows of keys: the facts KMS gave, when, and what could not be read. Plain types
// and their rules; who reads KMS (awskms) and who keeps the facts (state) is elsewhere.
package inventory

import (
	"slices"
	"strings"
	"time"
)

// Key is one KMS key as last read. Enumerations are KMS's own words; an unknown one is kept as it is and makes the key
// not rotatable, never an error.
type Key struct {
	ARN         string `json:"arn"`
	ID          string `json:"id"`
	Partition   string `json:"partition"`
	Account     string `json:"account"`
	Region      string `json:"region"`
	OrgPath     string `json:"org_path,omitempty"` // of the account: o-…/r-…/ou-…/; empty: not known
	Description string `json:"description,omitempty"`

	State           string     `json:"state"`   // Enabled, Disabled, PendingDeletion, …
	Manager         string     `json:"manager"` // AWS, CUSTOMER
	Origin          string     `json:"origin"`  // AWS_KMS, EXTERNAL, AWS_CLOUDHSM, EXTERNAL_KEY_STORE
	Spec            string     `json:"spec"`    // SYMMETRIC_DEFAULT, RSA_2048, …
	Usage           string     `json:"usage"`   // ENCRYPT_DECRYPT, SIGN_VERIFY, …
	Created         time.Time  `json:"created"`
	DeletionDate    *time.Time `json:"deletion_date,omitempty"`
	ValidTo         *time.Time `json:"valid_to,omitempty"`
	CustomKeyStore  string     `json:"custom_key_store,omitempty"`
	CurrentMaterial string     `json:"current_material,omitempty"` // CurrentKeyMaterialId

	MultiRegion string   `json:"multi_region,omitempty"` // PRIMARY, REPLICA or empty
	PrimaryARN  string   `json:"primary_arn,omitempty"`
	ReplicaARNs []string `json:"replica_arns,omitempty"`

	Aliases []string          `json:"aliases,omitempty"` // alias/…, sorted
	Tags    map[string]string `json:"tags,omitempty"`
	Policy  string            `json:"policy,omitempty"` // the key policy's text

	Rotation *Rotation `json:"rotation,omitempty"` // nil when the key cannot rotate or it could not be read

	Lineage *Lineage `json:"lineage,omitempty"` // nil: neither replaced nor a replacement; rotd's own knowledge

	Grants    *Grants    `json:"grants,omitempty"`     // nil: never listed
	LastUsage *LastUsage `json:"last_usage,omitempty"` // nil: KMS was never asked

	// Denied lists the operations KMS refused for this key: what they would tell is unverifiable.
	Denied []string `json:"denied,omitempty"`

	// ReadAt is when KMS last described the key, and its rotation status was read; zero: never.
	ReadAt    time.Time  `json:"read_at,omitzero"`
	RefusedAt time.Time  `json:"refused_at,omitzero"` // when KMS refused DescribeKey, if it did the last time
	FullAt    time.Time  `json:"full_at,omitzero"`    // when the last reading of the whole key began (tags, policy, too)
	WholeBy   time.Time  `json:"whole_by,omitzero"`   // when it ended: what happened in between it may show or not
	AliasesAt time.Time  `json:"aliases_at,omitzero"` // when the aliases were listed: in a sweep, all keys' at its start
	GoneAt    *time.Time `json:"gone_at,omitempty"`   // KMS no longer knows the key
	FirstRead time.Time  `json:"first_read"`
	// StateSince is when the state was first read as it is.
	StateSince time.Time `json:"state_since,omitzero"`

	// When KMS was last asked for dear facts, whether or not it told them.
	FactsAskedAt time.Time `json:"facts_asked_at,omitzero"` // rotations and grants
	UseAskedAt   time.Time `json:"use_asked_at,omitzero"`   // last use
}

// Grants are a key's grants when they were last listed.
type Grants struct {
	ReadAt time.Time `json:"read_at"`
	Count  int       `json:"count"`          // past 2,000 rotd counts no further
	List   []Grant   `json:"list,omitempty"` // at most MaxGrants, in KMS's order
}

// MaxGrants bounds the grants kept of a key: it may have 50,000.
const MaxGrants = 100

// Grant is one grant, in KMS's words.
type Grant struct {
	ID             string    `json:"id"`
	Name           string    `json:"name,omitempty"`
	Grantee        string    `json:"grantee"`            // principal ARN or service
	Retiring       string    `json:"retiring,omitempty"` // who may retire it
	IssuingAccount string    `json:"issuing_account,omitempty"`
	Operations     []string  `json:"operations,omitempty"`
	Created        time.Time `json:"created"`
	// Constraints: what the encryption context must be, or contain.
	ContextEquals map[string]string `json:"context_equals,omitempty"`
	ContextSubset map[string]string `json:"context_subset,omitempty"`
}

// LastUsage is what KMS itself says of a key's last use (GetKeyLastUsage): up to an hour late, and nothing from before
// it began to track.
type LastUsage struct {
	ReadAt       time.Time  `json:"read_at"`
	TrackedSince time.Time  `json:"tracked_since"`
	At           *time.Time `json:"at,omitempty"` // nil: not used since tracking began
	Operation    string     `json:"operation,omitempty"`
	EventID      string     `json:"event_id,omitempty"` // CloudTrailEventId
}

// Rotation is a key's rotation status and history.
type Rotation struct {
	Enabled    bool       `json:"enabled"`
	PeriodDays int        `json:"period_days,omitempty"`
	Next       *time.Time `json:"next,omitempty"`              // NextRotationDate
	InProgress *time.Time `json:"in_progress_since,omitempty"` // OnDemandRotationStartDate
	HistoryAt  time.Time  `json:"history_at"`                  // when ListKeyRotations was last read; zero: never
	// HistoryMaterial is the material that ListKeyRotations then called current.
	HistoryMaterial string    `json:"history_material,omitempty"`
	Pending         *Pending  `json:"pending,omitempty"` // imported material that waits for its rotation
	History         []Rotated `json:"history,omitempty"` // oldest first
	// NoHistoryAt is when KMS last answered that it tells of no rotations of this key as it is; zero: it told of them.
	NoHistoryAt time.Time `json:"no_history_at,omitzero"`
}

// HistoryAsked is when KMS last answered about the key's rotations, whether or not it told of them; zero: never.
func (r *Rotation) HistoryAsked() time.Time { return later(r.HistoryAt, r.NoHistoryAt) }

// Pending is material for a key that takes imported material, which is not in use yet.
type Pending struct {
	Material string `json:"material"`
	State    string `json:"state"`  // PENDING_ROTATION, PENDING_MULTI_REGION_IMPORT_AND_ROTATION
	Import   string `json:"import"` // IMPORTED, PENDING_IMPORT
}

// Imported reports whether the key has the pending material itself.
func (p *Pending) Imported() bool { return p != nil && p.Import == "IMPORTED" }

// Rotated is one completed rotation.
type Rotated struct {
	At       time.Time `json:"at"`
	Type     string    `json:"type"` // AUTOMATIC, ON_DEMAND
	Material string    `json:"material,omitempty"`
}

// OnDemandLimit is how often RotateKeyOnDemand works in a key's whole life.
const OnDemandLimit = 25

// OnDemandUsed counts the on-demand rotations in the history.
func (r *Rotation) OnDemandUsed() int {
	if r == nil {
		return 0
	}
	n := 0
	for _, h := range r.History {
		if h.Type == "ON_DEMAND" {
			n++
		}
	}
	return n
}

// LastRotated is when the key last got new material: its newest rotation, else its creation; ever says which.
func (k *Key) LastRotated() (at time.Time, ever bool) {
	if k.Rotation != nil && len(k.Rotation.History) > 0 {
		return k.Rotation.History[len(k.Rotation.History)-1].At, true
	}
	return k.Created, false
}

// Name is what people call the key: its first alias, else its id.
func (k *Key) Name() string {
	if len(k.Aliases) > 0 {
		return k.Aliases[0]
	}
	return k.ID
}

// AskedAt is when KMS was last asked to describe the key, whether it did or refused.
func (k *Key) AskedAt() time.Time { return later(k.ReadAt, k.RefusedAt) }

// WholeUntil is until when the last reading of the whole key may show what happened.
func (k *Key) WholeUntil() time.Time {
	if k.WholeBy.After(k.FullAt) {
		return k.WholeBy
	}
	return k.FullAt
}

// WasDenied reports whether KMS refused an operation on this key when it was last read.
func (k *Key) WasDenied(operation string) bool {
	return slices.Contains(k.Denied, operation)
}

// SetDenied notes whether KMS refused an operation on the key when it was last asked.
func (k *Key) SetDenied(operation string, denied bool) {
	k.Denied = slices.DeleteFunc(slices.Clone(k.Denied), func(op string) bool { return op == operation })
	if denied {
		k.Denied = append(k.Denied, operation)
		slices.Sort(k.Denied)
	}
}

// NamesTold reports whether KMS told the key's tags and aliases, by which policies match, when it was last asked.
func (k *Key) NamesTold() bool {
	return !k.WasDenied("ListResourceTags") && !k.WasDenied("ListAliases")
}

// MRKSet ties related multi-Region keys: `<account>/<key id>`, which they share, "" for a single-Region key.
func (k *Key) MRKSet() string {
	if k.MultiRegion == "" || !strings.HasPrefix(k.ID, "mrk-") {
		return ""
	}
	return k.Account + "/" + k.ID
}
