// Package impact says what a key is worth to whom: who used it lately, what each measure of containment breaks and for
// how long that can be undone, and what is known to be encrypted under the key with the commands that move it. It is
// pure: it is told what the state knows and what time it is. What is done about a key, and who may do it, is
// remediation's and the engine's.
//
// It knows the past that CloudTrail told of, not what IAM allows. What it cannot know it says first (Unknowns), and
// what it does not know of a service it calls unknown: then the worst has to be assumed.
//
// What it knows of AWS's services is one table, in services.go, each row with its source.
package impact

import (
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/usage"
)

// Facts are what the state knows around a key.
type Facts struct {
	Key *inventory.Key
	// Record is the key's use as counted, Name the names of its ids.
	Record *usage.Record
	Name   func(id uint32) string
	// WatchedSince is when rotd began to count uses.
	WatchedSince time.Time
	// LastEvent is when the newest event from the key's account and Region happened; zero: none ever came.
	LastEvent time.Time
	// Findings are open ones about the key and its aliases; Blinding are open ones that say why rotd does not hear of
	// every call here: a trail blinded, silence.
	Findings, Blinding []finding.Finding
	// Protected says that nothing automatic touches the key.
	Protected bool
	Now       time.Time
}

// Assessment is whom a measure against a key would hit.
type Assessment struct {
	KeyARN string `json:"key_arn"`
	Alias  string `json:"alias,omitempty"`
	State  string `json:"state"`
	// DeletionDate is when KMS deletes the key and with it all that is under it.
	DeletionDate *time.Time `json:"deletion_date,omitempty"`
	At           time.Time  `json:"at"` // when this was assessed: deadlines count from here

	Unknowns []string `json:"unknowns"` // what cannot be seen or is not known, the gravest first

	WatchedSince time.Time    `json:"watched_since"`
	Windows      []Window     `json:"windows"`    // the last 24 hours, 7 days, 30 days
	Principals   []Principal  `json:"principals"` // of the last 30 days, the latest first; at most usage.MaxPrincipals
	Others       uint64       `json:"other_calls,omitempty"`
	Networks     []Network    `json:"networks"`
	Services     []ServiceUse `json:"services"` // that hold data under the key, or called it, or have a grant
	Accounts     []Account    `json:"accounts"` // other accounts that used the key or may
	Grants       []Grant      `json:"grants"`
	GrantCount   int          `json:"grant_count"` // grants has the first: those that were listed
	Related      []string     `json:"related"`     // ARNs of related multi-Region keys, which measures here do not touch
	Findings     []Open       `json:"findings"`
	Protected    bool         `json:"protected,omitempty"`

	Down     *Down     `json:"down,omitempty"` // what does not work already; nil: the key can be used
	Measures []Measure `json:"measures"`
}

// Open is an open finding about the key.
type Open struct {
	ID       string           `json:"id"`
	RuleID   string           `json:"rule_id"`
	Severity finding.Severity `json:"severity"`
	Title    string           `json:"title"`
	LastSeen time.Time        `json:"last_seen"`
}

// Assess makes an assessment of what is known.
func Assess(f *Facts) *Assessment {
	k := f.Key
	a := &Assessment{
		KeyARN: k.ARN, State: k.State, DeletionDate: k.DeletionDate, At: f.Now, WatchedSince: f.WatchedSince,
		Protected: f.Protected,
		Networks:  []Network{}, Services: []ServiceUse{}, Accounts: []Account{}, Grants: []Grant{}, Related: related(k),
		Findings: []Open{}, Measures: []Measure{},
	}
	if len(k.Aliases) > 0 {
		a.Alias = k.Aliases[0]
	}
	for i := range f.Findings {
		o := &f.Findings[i]
		a.Findings = append(a.Findings, Open{o.ID, o.RuleID, o.Severity, o.Title, o.LastSeen})
	}
	month := a.used(f)
	a.granted(f)
	a.served(f, month)
	a.reached(f)
	a.Unknowns = unknowns(f)
	a.weigh(f, month)
	return a
}

// related are the other keys of a multi-Region set.
func related(k *inventory.Key) []string {
	all := []string{}
	for _, arn := range append([]string{k.PrimaryARN}, k.ReplicaARNs...) {
		if arn != "" && arn != k.ARN {
			all = append(all, arn)
		}
	}
	return all
}
