package remediation

import (
	"slices"
	"strings"
	"time"

	"rotd/internal/inventory"
)

// Operation is a KMS operation that changes something, by AWS's name.
type Operation string

// The operations actions call. operationOf says of each how it is called safely.
const (
	EnableKeyRotation Operation = "EnableKeyRotation"
	RotateKeyOnDemand Operation = "RotateKeyOnDemand"
	ImportKeyMaterial Operation = "ImportKeyMaterial"
	CreateKey         Operation = "CreateKey"
	ReplicateKey      Operation = "ReplicateKey"
	CreateGrant       Operation = "CreateGrant"
	RevokeGrant       Operation = "RevokeGrant"
	CreateAlias       Operation = "CreateAlias"
	UpdateAlias       Operation = "UpdateAlias"
	DeleteAlias       Operation = "DeleteAlias"
	TagResource       Operation = "TagResource"
	CancelKeyDeletion Operation = "CancelKeyDeletion"
	EnableKey         Operation = "EnableKey"
	DisableKey        Operation = "DisableKey"
)

// Call is one changing call of an action: what is asked of KMS, and what became of it. Of the fields that say what is
// asked only those that its operation needs are set.
type Call struct {
	Operation Operation `json:"operation"`
	// KeyARN is the key the call is about: of alias operations the one the alias points at, or is to point at. Empty: the
	// action's own key with CreateKey, else the key that CreateKey makes, whose ARN is filled in once it is known.
	KeyARN string `json:"key_arn,omitempty"`

	PeriodDays int               `json:"period_days,omitempty"` // EnableKeyRotation
	Material   ImportType        `json:"material,omitempty"`    // ImportKeyMaterial
	ValidTo    *time.Time        `json:"valid_to,omitempty"`    // ImportKeyMaterial; nil: the material does not expire
	New        *NewKeySpec       `json:"new,omitempty"`         // CreateKey; ReplicateKey: of the replica what is its own
	Region     string            `json:"region,omitempty"`      // of a replica that is yet to be made
	Grant      *inventory.Grant  `json:"grant,omitempty"`       // CreateGrant: its model; RevokeGrant: the one
	Alias      string            `json:"alias,omitempty"`       // alias/…
	FromARN    string            `json:"from_arn,omitempty"`    // UpdateAlias: the key the alias points at before
	Tags       map[string]string `json:"tags,omitempty"`        // TagResource
	KeyState   string            `json:"key_state,omitempty"`   // the state the key must be in, and loses by the call

	Undo string `json:"undo,omitempty"` // the command that undoes it; empty: it cannot be undone

	CalledAt  time.Time  `json:"called_at,omitzero"`   // the last attempt
	Done      *time.Time `json:"done,omitempty"`       // KMS showed it
	RequestID string     `json:"request_id,omitempty"` // KMS's, of the last attempt
	Lost      bool       `json:"lost,omitempty"`       // an attempt's answer did not arrive
	Made      string     `json:"made,omitempty"`       // CreateKey: the key that KMS's answer names
	Skipped   string     `json:"skipped,omitempty"`    // why nothing had to be asked: it was so already
}

func (c *Call) grantID() string {
	if c.Grant == nil {
		return ""
	}
	return c.Grant.ID
}

// ImportType is KMS's word for what imported material is to the key.
type ImportType string

// Import types.
const (
	NewKeyMaterial      ImportType = "NEW_KEY_MATERIAL"
	ExistingKeyMaterial ImportType = "EXISTING_KEY_MATERIAL"
)

// NewKeySpec is what a new key is made as, in KMS's words. A replica has only description, policy and tags of its own.
type NewKeySpec struct {
	Spec           string            `json:"spec,omitempty"`
	Usage          string            `json:"usage,omitempty"`
	Origin         string            `json:"origin,omitempty"`
	Description    string            `json:"description,omitempty"`
	MultiRegion    bool              `json:"multi_region,omitempty"`
	CustomKeyStore string            `json:"custom_key_store,omitempty"`
	Policy         string            `json:"policy,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
}

// Current is the call under way or next. An action of one call, as rotations are, may have no Calls: its method says
// it. Of an action that has made all its calls it is the last.
func (a *Action) Current() *Call {
	if len(a.Calls) > 0 {
		return &a.Calls[min(a.At, len(a.Calls)-1)]
	}
	c := &Call{KeyARN: a.KeyARN, Operation: RotateKeyOnDemand}
	if a.Method == EnableAutomatic {
		c.Operation, c.PeriodDays = EnableKeyRotation, a.PeriodDays
	}
	return c
}

// CallKey is the key that the call under way is about.
func (a *Action) CallKey() string {
	if arn := a.Current().KeyARN; arn != "" {
		return arn
	}
	return a.KeyARN
}

// Asked are the calls that were made so far, oldest first. The one under way comes last, with what is known of its
// answer.
func (a *Action) Asked() []Call {
	var asked []Call
	for i := range min(a.At, len(a.Calls)) {
		if !a.Calls[i].CalledAt.IsZero() {
			asked = append(asked, a.Calls[i])
		}
	}
	if a.CalledAt.IsZero() || a.At > 0 && a.At >= len(a.Calls) {
		return asked
	}
	c := *a.Current()
	c.KeyARN = a.CallKey()
	c.CalledAt, c.RequestID = a.CalledAt, a.RequestID
	c.Lost = a.State == Running || a.lost()
	return append(asked, c)
}

// lost says that an attempt's answer is not recorded: after a crash it never arrived.
func (a *Action) lost() bool {
	return a.Ambiguous || a.Attempts-a.Rejected > 1 || a.RequestID == "" && !a.CalledAt.IsZero()
}

// Keys are the keys that the action is about: its own first, then others that its calls name.
func (a *Action) Keys() []string {
	arns := []string{a.KeyARN}
	add := func(arn string) {
		if arn != "" && !slices.Contains(arns, arn) {
			arns = append(arns, arn)
		}
	}
	for _, s := range a.Successions() {
		add(s.Old)
		add(s.New)
	}
	for i := range a.Calls {
		add(a.Calls[i].KeyARN)
		add(a.Calls[i].FromARN)
	}
	return arns
}

// GivesMaterial reports whether the action makes RotateKeyOnDemand, which works 25 times in a key's life.
func (a *Action) GivesMaterial() bool { return a.Method == NewMaterial || a.Method == ImportedMaterial }

// adopt takes the key that CreateKey made: the calls that follow are about it, or about its replica in their Region.
func (a *Action) adopt(arn string) {
	a.NewKeyARN = arn
	for i := range a.Calls {
		c := &a.Calls[i]
		switch {
		case c.Operation == CreateKey:
		case c.Operation == TagResource && c.KeyARN == a.KeyARN:
			c.Tags = map[string]string{ReplacedByTag: arn}
		case c.KeyARN == "" && c.Region != "" && c.Operation != ReplicateKey:
			c.KeyARN = inRegion(arn, c.Region)
		case c.KeyARN == "":
			c.KeyARN = arn
		}
	}
}

// inRegion is the ARN of the related multi-Region key in another Region.
func inRegion(arn, region string) string {
	parts := strings.SplitN(arn, ":", 5)
	parts[3] = region
	return strings.Join(parts, ":")
}

// Tags by which a key and the one that replaced it know each other.
const (
	ReplacesTag   = "rotd:replaces"
	ReplacedByTag = "rotd:replaced-by"
)

// yetToBeMade stands in a tag for the key that CreateKey makes, until its ARN is known.
const yetToBeMade = "the new key"

// GrantName is the name of the grant that the call under way makes. It is the same for every attempt, and for another
// action that goes on with this one's work: KMS gives the same grant again.
func (a *Action) GrantName() string { return "rotd-like-" + a.Current().Grant.ID }
