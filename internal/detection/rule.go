// Package detection says what is wrong: rules over CloudTrail events and checks over keys. It is pure: event or key
// and context in, findings out; no clock but the event's, no network, no file. Order of effects is the engine's.
package detection

import (
	"time"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Rule judges one event at a time, some with memory of earlier ones. Each rule lives in one file with its test table.
type Rule struct {
	ID       string
	Title    string
	Severity finding.Severity // the default; configuration may change it
	Mitre    []string
	Wants    []Wanted
	// Remembers says that the rule needs memory of other events: an event whose time cannot be trusted is not for it.
	Remembers bool
	// Excused says whose doing is expected, and Expected how grave that is: INFORMATIONAL, if the rule says nothing.
	Excused  Excuse
	Expected finding.Severity
	// PerPrincipal makes the principal part of what is found: the same by another is another finding.
	PerPrincipal bool
	Params       []Param
	// Judge returns what the event means, at most a few things. It returns nil for most events, so that must be cheap.
	Judge func(c *Context, ev *events.Event) []Found
	// Users is what a user's rule has in place of Judge; nil: the rule is the catalogue's.
	Users *Users
	// Over reads a key and says whether the state a finding warned of is over, and why in words. Nil: no reading ends
	// it, it ends when it has not been repeated for its quiet time.
	Over func(f *finding.Finding, key *inventory.Key, p *policy.Policy) (over bool, why string)
	Ends string // in words: what a reading that ends it shows
	// Quiet is for how long an episode goes on without repetition, at least a day; 0: finding.QuietAfter. Longer ones are
	// of what is repeated daily or weekly by nature, of which nobody wants to be told each time.
	Quiet time.Duration
	// Inverse names the events that undo what the rule tells of: after one, a single reading ends the episode. None of
	// them is an event the rule wants, which would undo itself.
	Inverse []string
	// Remedies are the responses a policy may attach to the rule. One that rotates must be over by a reading of the key's
	// state and rotations: an event alone gives no key new material.
	Remedies []string
	Doc      Doc

	override *finding.Severity // configuration's severity
	tuned    []int             // values of Params
}

// QuietAfter is for how long an episode goes on without repetition.
func (r *Rule) QuietAfter() time.Duration { return max(r.Quiet, finding.QuietAfter) }

// Users is how a user's rule judges.
type Users struct {
	// Judge is Rule.Judge, but for events that the rule cannot judge: the error says why.
	Judge func(c *Context, ev *events.Event) ([]Found, error)
	// Staged says that what the rule would find is counted (Context.Staged) and not found.
	Staged bool
}

// Excuse says whose doing is expected. What is expected is found all the same, but pages nobody.
type Excuse int

// Excuses.
const (
	Nobodys  Excuse = iota // whoever did it, it is what it is
	Own                    // rotd's own calls, proven by access key and request
	OwnOrLet               // also those of principals that the key's policy allows (principals.allow)
)

// kmsSource is KMS's eventSource.
const kmsSource = "kms.amazonaws.com"

// Wanted names records a rule wants: one event source, and the names wanted from it (none: all).
type Wanted struct {
	Source string
	Names  []string
}

// Doc is a rule's or check's documentation, shown by `rotd detections show` and written to docs/detections.md.
type Doc struct {
	Meaning        string `json:"meaning"`   // what happened and why it matters
	Condition      string `json:"condition"` // exactly when it fires
	Tuning         string `json:"tuning"`
	FalsePositives string `json:"false_positives"`
	Response       string `json:"response"` // what to do
}

// Context is what is known around one event. Facts are looked up only when a rule asks: most events never do.
type Context struct {
	Known   Known
	Trusted func(account string) bool // own and configured accounts
	Own     bool                      // one of this daemon's own calls, proven by its recorded access key and request
	Late    bool                      // eventTime is too old or too far ahead for rules with memory
	Memory  Memory                    // never nil
	// Policies are all there are: what none of them asks for needs no look at a key.
	Policies policy.Set
	Region   func(region string) bool // whether rotd looks after a Region; nil: that is not known
	Itself   *Itself                  // what rotd's own work rests on; nil: that is not known
	// Observed is what was known of the key's and the principal's ways before the event; nil when it is no use of a
	// known key, and teaches nothing.
	Observed *baseline.Observed
	// Rooms is a users' rule's part of the memory, which keeps so many names at most; never nil where there are
	// such rules.
	Rooms func(rule string, most int) Memory
	// Staged is told what a staged rule would have found; nil: nobody is.
	Staged func(f *finding.Finding)

	learning time.Duration // the judge's
	room     int           // the judge's: how many names a users' rule may keep
	params   []int         // of the rule that judges
}

// Known gives the inventory's facts as they were before the event; replay without an inventory knows nothing.
type Known interface {
	// Key returns the key a record of that account and Region means; nil when it is not known.
	Key(ref events.KeyRef, account, region string) *inventory.Key
	// AliasTarget returns the key an alias (`alias/…`) pointed at; nil when it is not known.
	AliasTarget(alias, account, region string) *inventory.Key
	// Policy returns the rotation policy of a key; nil when none matches or the key is nil.
	Policy(key *inventory.Key) *policy.Policy
	// LastUse is when a key was last seen used in events; zero when it never was.
	LastUse(arn string) time.Time
}

// Memory is what rules remember between events; it is kept in the state and survives restarts exactly.
type Memory interface {
	// Count notes that id happened in series at a time and returns how many distinct ids the fullest window of that
	// length has that holds this time, this one included: whichever of a full window's events comes last, it is
	// noticed. Told again, an id counts no more than once. At most 64 of a series are kept.
	Count(series, id string, at time.Time, window time.Duration) int
	// Note keeps a short value (≤ 1 KiB) under a name until it expires, at measured by event time.
	Note(name, value string, at time.Time, keep time.Duration)
	// Noted returns the value noted under name, "" when there is none that is still valid at the given time.
	Noted(name string, at time.Time) string
}
