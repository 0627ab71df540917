package detection

import (
	"time"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// Check judges the posture of one key as last read. Each check lives in one file with its test table.
type Check struct {
	ID       string
	Title    string
	Severity finding.Severity
	// Whole says that the check needs the key read whole (inventory sweep), not only its state and rotation status.
	Whole bool
	// Judge says how the key stands. Of a drift's Finding it sets what is its own: title, description, remedy.
	Judge func(c *KeyContext) Verdict
	Doc   Doc

	override *finding.Severity // configuration's severity
}

// KeyContext is what is known around one key.
type KeyContext struct {
	Key     *inventory.Key
	Primary *inventory.Key // a replica's primary; nil when out of view
	Policy  *policy.Policy // the one in force; nil: no policy matches
	Now     time.Time      // when the key was read
	LastUse time.Time      // zero: none seen in events
	Grace   time.Duration  // added to the policy's max age before a key counts as overdue
	Drain   time.Duration  // without a use for so long a key that was replaced is quiet; 0: never
	Reserve int            // rotations on demand of a key's lifetime 25 that guardrails keep for emergencies
	Imports bool           // rotd has new material for keys that take imported material
	// Moved is a laxer assignment by a tag or alias change that nobody has acknowledged; nil: there is none.
	Moved   *policy.Pending
	Trusted func(account string) bool
	Reads   func(arn string) bool // whether rotd reads the account and Region of a key; nil: none but this key's
	Before  *inventory.Key        // as read the time before; nil at the first reading
	// Missed is rotd's latest call for new material that ended without KMS showing its effect; nil for none.
	Missed *remediation.Action

	// Replacing says that rotd is at work on replacing the key, or on the key that replaces another.
	Replacing bool

	judged *judgedPolicy // the key policy, once a check asked for it
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
	// Told names, by point ("" without points), the fingerprints of findings of rules that tell of the same as it
	// happens: what an open one of them has told is not told again.
	Told map[string][]string
}

func notJudged(why string) Verdict    { return Verdict{Result: NotJudged, Reason: why} }
func inOrder(why string) Verdict      { return Verdict{Result: InOrder, Reason: why} }
func unverifiable(why string) Verdict { return Verdict{Result: Unverifiable, Reason: why} }

// drift says what is wrong in a title and in full, and what to do about it.
func drift(title, description string, remedy ...string) Verdict {
	return Verdict{
		Result: Drift, Reason: title,
		Finding: finding.Finding{Title: title, Description: description, Remedy: remedy},
	}
}

// told adds that a rule, with a discriminator of its own, tells of the verdict's point as it happens.
func (v *Verdict) told(point, ruleID string, k *inventory.Key, discriminator string) {
	if v.Told == nil {
		v.Told = make(map[string][]string)
	}
	v.Told[point] = append(v.Told[point], finding.Fingerprint(ruleID, subjectOf(k), "", discriminator))
}

func subjectOf(k *inventory.Key) finding.Subject {
	return finding.Subject{Type: finding.Key, ID: k.ARN}
}

// finish fills in what every check's finding has alike.
func (check *Check) finish(c *KeyContext, f finding.Finding) finding.Finding {
	k := c.Key
	f.RuleID, f.Severity, f.Count = check.ID, check.Severity, 1
	if check.override != nil {
		f.Severity = *check.override
	}
	f.Description = clip(f.Description, maxDescription)
	f.FirstSeen, f.LastSeen = c.Now, c.Now
	f.Subject = subjectOf(k)
	f.Fingerprint = finding.Fingerprint(check.ID, f.Subject, "", "")
	f.KeyARN, f.Partition, f.Account, f.Region = k.ARN, k.Partition, k.Account, k.Region
	f.Mitre = []string{}
	if len(k.Aliases) > 0 {
		f.Alias = k.Aliases[0]
	}
	if c.Policy != nil {
		f.Policy = c.Policy.Name
	}
	return f
}
