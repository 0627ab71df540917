package report

import (
	"strings"
	"time"

	"rotd/internal/cost"
	"rotd/internal/finding"
	"rotd/internal/reencrypt"
)

// Row is one key as auditors read about it. Its JSON is an item of `keys` in `rotd report --format json`.
type Row struct {
	ARN         string `json:"arn"`
	Alias       string `json:"alias,omitempty"` // the first; empty: none
	ID          string `json:"id"`
	Partition   string `json:"-"`
	Account     string `json:"account"`
	Region      string `json:"region"`
	OrgPath     string `json:"org_path,omitempty"`
	State       string `json:"state"`
	Spec        string `json:"spec"`
	Usage       string `json:"usage"`
	Origin      string `json:"origin"`
	Manager     string `json:"manager"`
	MultiRegion string `json:"multi_region,omitempty"`

	Policy       string        `json:"policy,omitempty"` // the rotation policy's name; empty: none matches
	Cryptoperiod *Cryptoperiod `json:"cryptoperiod,omitempty"`
	Owner        string        `json:"owner,omitempty"`
	Custodian    string        `json:"custodian,omitempty"`

	Created     time.Time  `json:"created"`
	LastRotated *time.Time `json:"last_rotated,omitempty"` // nil: never, as far as KMS told; its material is Created's
	LastType    string     `json:"last_rotation_type,omitempty"`
	AgeDays     *int       `json:"material_age_days,omitempty"` // on the day of the report; nil: not known
	RotatesWith string     `json:"rotates_with,omitempty"`      // a replica's primary, whose rotations these are
	Due         *time.Time `json:"due,omitempty"`               // end of the cryptoperiod
	Next        *time.Time `json:"next_rotation,omitempty"`
	Automatic   *bool      `json:"automatic_rotation,omitempty"` // nil: not read, or not of this kind of key
	PeriodDays  int        `json:"period_days,omitempty"`        // KMS's

	Outcome  Outcome     `json:"outcome"`
	Checks   []Verdict   `json:"checks"`
	Evidence Evidence    `json:"evidence"`
	Excepted []Exception `json:"exceptions,omitempty"`
	Findings []Open      `json:"open_findings,omitempty"`
	Cost     cost.Month  `json:"cost_month"`
	LastUse  time.Time   `json:"last_use,omitzero"` // as far as events tell

	ReadAt    time.Time `json:"read_at,omitzero"`    // state and rotation status; zero: never
	RefusedAt time.Time `json:"refused_at,omitzero"` // when KMS refused to describe the key, if it did the last time
	FullAt    time.Time `json:"full_at,omitzero"`    // everything
	Denied    []string  `json:"denied,omitempty"`

	old string // why nothing of the key can be called in order: its facts are too old; "" when they are not
}

// Cryptoperiod is what the key's policy asks for.
type Cryptoperiod struct {
	MaxAgeDays    int    `json:"max_age_days,omitempty"` // 0: none is set
	AutomaticDays int    `json:"automatic_days,omitempty"`
	Method        string `json:"method"`
	Rationale     string `json:"rationale,omitempty"`
}

// Verdict is one check's word on the key.
type Verdict struct {
	Check     string            `json:"check"`
	Outcome   Outcome           `json:"outcome"`
	Reason    string            `json:"reason"`
	Severity  *finding.Severity `json:"severity,omitempty"`  // of what is not in order
	Exception string            `json:"exception,omitempty"` // its name

	title, description string
	remedy             []string
}

// Evidence is what shows when the material was changed, and what of its ciphertext was moved away.
type Evidence struct {
	Source          string     `json:"source"` // the KMS operation
	ReadAt          *time.Time `json:"read_at,omitempty"`
	EventID         string     `json:"event_id,omitempty"` // CloudTrail's, of the last rotation; empty: none was seen
	CurrentMaterial string     `json:"current_material,omitempty"`
	Count           int        `json:"rotation_count"`
	Rotations       []Rotated  `json:"rotations,omitempty"` // the newest, newest first
	// ReEncrypted is what rotd moved from this key to others.
	ReEncrypted []reencrypt.Move `json:"re_encrypted,omitempty"`
}

// Rotated is one rotation of the material.
type Rotated struct {
	At       time.Time `json:"at"`
	Type     string    `json:"type"`
	Material string    `json:"material,omitempty"`
}

// Exception is what somebody answers for.
type Exception struct {
	Name     string    `json:"name"`
	Keys     []string  `json:"covers,omitempty"` // as rotd.yaml names them; in a row, that key
	Checks   []string  `json:"checks,omitempty"` // that it lets off; in rotd.yaml none is every rotation-* check
	Author   string    `json:"author"`
	Approver string    `json:"approver,omitempty"`
	Reason   string    `json:"reason"`
	Expires  time.Time `json:"expires"`
}

// Open is an open finding about the key.
type Open struct {
	ID       string           `json:"id"`
	Rule     string           `json:"rule"`
	Severity finding.Severity `json:"severity"`
	Title    string           `json:"title"`
	Since    time.Time        `json:"since"`
}

// Name is what people call the key.
func (r *Row) Name() string {
	if r.Alias != "" {
		return r.Alias
	}
	return r.ID
}

// verdict returns a check's word; loaded is false when the check is not loaded.
func (r *Row) verdict(check string) (v *Verdict, loaded bool) {
	for i := range r.Checks {
		if r.Checks[i].Check == check {
			return &r.Checks[i], true
		}
	}
	return nil, false
}

// Why says in a line why the key stands as it does. That checks of other things judge a key as little says nothing of
// its rotation.
func (r *Row) Why() []string {
	var why []string
	for i := range r.Checks {
		v := &r.Checks[i]
		beside := r.Outcome == NotJudged && !strings.HasPrefix(v.Check, rotationChecks)
		if v.Outcome == r.Outcome && v.Outcome != InOrder && !beside {
			why = append(why, v.Reason)
		}
	}
	for _, id := range []string{"rotation-overdue", "rotation-disabled"} {
		if v, ok := r.verdict(id); ok && r.Outcome == InOrder && v.Outcome == InOrder && len(why) == 0 {
			why = append(why, v.Reason)
		}
	}
	return distinct(why)
}

func distinct(all []string) []string {
	var kept []string
	for _, s := range all {
		known := false
		for _, k := range kept {
			known = known || k == s
		}
		if !known {
			kept = append(kept, s)
		}
	}
	return kept
}
