package detection

import (
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Check judges the posture of one key as last read. Each check lives in one file with its test table.
type Check struct {
	ID       string
	Title    string
	Severity finding.Severity
	// Whole says that the check needs the key read whole (inventory sweep), not only its state and rotation status.
	Whole bool
	Judge func(c *KeyContext) Verdict
	Doc   Doc

	override *finding.Severity // configuration's severity
}

// KeyContext is what is known around one key.
type KeyContext struct {
	Key     *inventory.Key
	Primary *inventory.Key // a replica's primary; nil when out of view
	Policy  *policy.Policy // nil: no policy matches
	Now     time.Time      // when the key was read
	LastUse time.Time      // zero: none seen in events
	Grace   time.Duration  // added to the policy's max age before a key counts as overdue
	Trusted func(account string) bool
	// AliasSince is when the key's alias came to point at it, for keys rotated by replacement; zero: unknown.
	AliasSince time.Time
}

// Result is a check's answer.
type Result int

// Results: only Drift makes a finding, only InOrder ends an episode.
const (
	NotJudged Result = iota // does not apply to this key; Verdict.Reason says why
	InOrder
	Drift
	Unverifiable // the facts could not be read: neither compliant nor drift
)

// Verdict is a check's answer with its reason in plain words.
type Verdict struct {
	Result  Result
	Reason  string
	Finding finding.Finding // set when Result is Drift
}
