package remediation

import (
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Guardrails are the limits within which rotd acts. The zero value allows nothing automatic.
type Guardrails struct {
	MaxMode          policy.Mode   // ceiling for every policy
	RotationsPerHour int           // new material given by this shard in any hour; schedules do not count
	KeyCooldown      time.Duration // between two rotations of one key's material, by whomever
	OnDemandReserve  int           // rotations on demand of a key's lifetime 25 that only an emergency may use
	Grace            time.Duration // between planning and doing something automatic: time for people to stop it
	Settle           time.Duration // how long reads must deny an effect before a lost answer counts as none
	StartupHold      time.Duration // nothing automatic so soon after a start
	OverdueGrace     time.Duration // method auto rotates on demand only when overdue by more than this
	UndoWindow       time.Duration // how long after a replacement its aliases may be moved back
	Drain            time.Duration // without a use for so long, a key that was replaced can be disabled
	ApprovalTTL      time.Duration // how long an action waits to be approved

	BreakerFailures int     // so many failed actions in a row, within an hour, open the circuit breaker; 0: none do
	Windows         Windows // when keys may be acted on; none: at any time

	Protected func(arn string) bool   // keys that are configured as protected; nil: none
	Own       func(arn string) string // what of rotd's own a key encrypts, "" for none; nil: none does
	Imports   Imports
}

// Facts are what guardrails judge by, gathered by the engine for one decision.
type Facts struct {
	Now time.Time
	// Key is the key as just re-read; nil before that. Without it only what needs no key is judged. Cooldown and
	// budget come from its rotation history, never from rotd's own memory.
	Key *inventory.Key

	Mode      policy.Mode // of the key's policy; empty when no policy matches, which leaves the ceiling
	Armed     bool        // a complete inventory and `rotd resume` have followed a new state
	Paused    string      // why rotd is paused; empty: it is not
	StartedAt time.Time   // of this daemon
	ClockOff  string      // how far this machine's clock is off, when that is far; empty: it is right
	// MovedTo is the stricter policy that a tag or alias change gave the key, and HeldUntil until when what it starts
	// awaits approval; zero: no such change.
	MovedTo   string
	HeldUntil time.Time

	RecentRotations []time.Time // when this shard last called for new material, ambiguous calls included
	PutBacks        int         // automatic schedule actions that succeeded on this key in the last 30 days
	Restored        time.Time   // when rotd last cancelled a deletion of this key by itself; zero: not within 7 days
	UndoneBy        string      // who undid the last of them; empty: unknown
	Others          []*Action   // the other unfinished actions on this key, those aside that await approval
	Breaker         Breaker     // as it stands
	// PolicyFindings name the open findings, acknowledged by nobody, about the policy that a new key would get.
	PolicyFindings []string
	Approved       bool // a second person has approved the action as it is planned
	// Unwanted says why nothing automatic asks for the action any more, the policy having changed since it was planned;
	// empty: it is still wanted.
	Unwanted string
}

// Verdict is what guardrails make of an action.
type Verdict string

// Verdicts.
const (
	Allow  Verdict = "allow"
	Wait   Verdict = "wait"   // not before Decision.Until
	Refuse Verdict = "refuse" // may not be done
	// NeedsApproval says that a second person must approve it first; nothing else refuses it.
	NeedsApproval Verdict = "needs-approval"
)

// Guardrails by name, as users, metrics and the audit log have them.
const (
	GuardMode         = "mode"
	GuardCooldown     = "cooldown"
	GuardGrace        = "grace"
	GuardHourlyLimit  = "hourly-limit"
	GuardStartupHold  = "startup-hold"
	GuardWrongClock   = "wrong-clock"
	GuardNotArmed     = "not-armed"
	GuardNewPolicy    = "new-policy"
	GuardReserve      = "budget-reserve"
	GuardSpent        = "budget-spent"
	GuardNotEligible  = "not-eligible"
	GuardApproval     = "approval"
	GuardNoPerson     = "no-person"
	GuardProtected    = "protected"
	GuardOwnKey       = "own-key"
	GuardPersonOnly   = "person-only"
	GuardBreaker      = "circuit-breaker"
	GuardWindow       = "window"
	GuardPaused       = "paused"
	GuardPutBackLimit = "put-back-limit"
	GuardOneAtATime   = "one-at-a-time"
	GuardSuperseded   = "superseded"
	GuardUndoWindow   = "undo-window"
	// GuardPolicyFinding keeps automatic replacements from carrying over a policy that something is wrong with.
	GuardPolicyFinding = "policy-finding"
)

// Decision is what guardrails decided, and why in words for people.
type Decision struct {
	Verdict   Verdict `json:"verdict"`
	Guardrail string  `json:"guardrail,omitempty"` // which one stood in the way; empty when allowed
	Reason    string  `json:"reason,omitempty"`    // what is so and what to do about it
	// Until is with Wait when to ask again, with NeedsApproval from when on none is needed; zero: it always is.
	Until      time.Time `json:"until,omitzero"`
	Overridden []string  `json:"overridden,omitempty"`
}

// holdFor is how long an action waits for what no clock announces: a resume, the end of another action.
const holdFor = 10 * time.Second

// Decide judges an action by every guardrail. What nobody may pass comes first. Guardrails that a person's --emergency
// passes are listed in Overridden. The engine judges one action at a time: two judged by the same facts could together
// pass a limit that each alone respects.
func (g Guardrails) Decide(a *Action, f Facts) Decision {
	j := judgement{g: g, a: a, f: f}
	if a.At > 0 {
		j.underWay()
	} else {
		j.absolute()
		j.passable()
	}
	switch {
	case j.stop != nil && (j.stop.Verdict == Refuse || j.approval == nil || j.quiet):
		return *j.stop
	case j.approval != nil: // asked for while it waits for something else: people may take longer than that
		j.approval.Overridden = j.overridden
		return *j.approval
	}
	return Decision{Verdict: Allow, Overridden: j.overridden}
}

// judgement gathers the first obstacle, and those that an emergency passes.
type judgement struct {
	g          Guardrails
	a          *Action
	f          Facts
	stop       *Decision
	approval   *Decision
	quiet      bool // nobody is asked for an approval yet
	overridden []string
}

// block stops everybody.
func (j *judgement) block(guardrail, reason string) {
	if j.stop == nil {
		j.stop = &Decision{Verdict: Refuse, Guardrail: guardrail, Reason: reason}
	}
}

// wait makes an action wait that might be allowed later.
func (j *judgement) wait(guardrail, reason string, until time.Time) {
	switch guardrail {
	case GuardPaused, GuardNotArmed, GuardStartupHold, GuardWrongClock, GuardOneAtATime:
		j.quiet = true
	}
	if j.stop == nil {
		j.stop = &Decision{Verdict: Wait, Guardrail: guardrail, Reason: reason, Until: until}
	}
}

// approve has a second person decide, unless one has.
func (j *judgement) approve(guardrail, reason string) {
	if j.approval == nil && !j.f.Approved {
		j.approval = &Decision{Verdict: NeedsApproval, Guardrail: guardrail, Reason: reason}
	}
}

// hold makes an automatic action wait, refuses a person, and lets an emergency pass.
func (j *judgement) hold(guardrail, reason string, until time.Time) {
	if j.a.Automatic {
		j.wait(guardrail, reason, until)
		return
	}
	j.deny(guardrail, reason)
}

// deny refuses automatic actions and people alike, and lets an emergency pass.
func (j *judgement) deny(guardrail, reason string) {
	switch {
	case j.a.Automatic:
		j.block(guardrail, reason)
	case j.a.Emergency:
		j.overridden = append(j.overridden, guardrail)
	default:
		j.block(guardrail, reason+" In an emergency, --emergency passes this.")
	}
}
