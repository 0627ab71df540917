// Package policy holds rotation policies: which keys one matches and what it asks of them. (What a KMS key policy
// document allows is keypolicy's.) Plain types and pure rules; rotd.yaml is read by config.
package policy

import (
	"fmt"
	"net/netip"
	"time"

	"rotd/internal/finding"
)

// Mode is how far rotd may go by itself.
type Mode string

// Modes, from the most careful; in Propose everything waits for somebody's approval.
const (
	Observe Mode = "observe"
	Propose Mode = "propose"
	Enforce Mode = "enforce"
)

// Method is how a policy wants its keys rotated.
type Method string

// Methods.
const (
	Auto      Method = "auto"      // automatic at the policy's period; on demand only when overdue and not soon due
	Automatic Method = "automatic" // automatic rotation only
	OnDemand  Method = "on-demand" // RotateKeyOnDemand at max age
	Replace   Method = "replace"   // a new key and the alias moved
	None      Method = "none"      // not rotated: only watched
)

// Set is every policy in order: the first that matches a key is its policy.
type Set []Policy

// Policy is one entry of rotd.yaml's policies.
type Policy struct {
	Name     string
	Match    Match
	Rotation Rotation
	Mode     Mode           // already lowered to the global ceiling
	Asked    Mode           // as rotd.yaml says it, for explanations
	Allow    []string       // principal ARN patterns whose work is expected (`*` and `?`)
	Networks []netip.Prefix // allowed source networks
	VPCEs    []string       // allowed VPC endpoints
	Respond  []Response
	// UnusedAfter is for how long a key may go without use before it counts as unused; 0: it never does.
	UnusedAfter time.Duration
	// OwnerTags and CustodianTags are the tag keys whose values name a key's owner and custodian; the first that the
	// key has counts.
	OwnerTags, CustodianTags []string
}

// Match says which keys a policy is for: all fields that are set must match, a field matches when any value does. A key
// that any field of Exclude matches is not the policy's.
type Match struct {
	Aliases  []string // patterns over alias/…
	Tags     map[string]string
	Specs    []string
	Usages   []string // KMS's KeyUsage
	Origins  []string
	Accounts []string
	Regions  []string
	OrgPaths []string // patterns over the account's path in the organization, o-…/r-…/ou-…/; unknown matches none
	Exclude  *Match
}

// Rotation is what a policy asks for.
type Rotation struct {
	MaxAge    time.Duration // material older than this is overdue
	Automatic time.Duration // the automatic period wanted; 0: automatic rotation is not asked for
	Method    Method
	Rationale string
}

// PeriodDays is the automatic period in whole days, 0 when none is asked for.
func (r Rotation) PeriodDays() int { return int(r.Automatic / (24 * time.Hour)) }

// Response says what a finding starts by itself: of a rule, or of any rule from a severity on that lists the action
// among its remedies.
type Response struct {
	RuleID   string           // empty: Severity says which
	Severity finding.Severity // the least, without a RuleID
	Action   string           // RespondRestore, RespondRotate
}

// What may answer a finding.
const (
	RespondRestore = "restore" // as it was: rotation on with the policy's period; a deletion cancelled, the key enabled
	RespondRotate  = "rotate"  // new material
)

// String is a response as people say it.
func (r Response) String() string {
	if r.RuleID != "" {
		return r.Action + " on " + r.RuleID
	}
	return fmt.Sprintf("%s on %s and above", r.Action, r.Severity)
}
