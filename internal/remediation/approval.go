package remediation

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// Approval is what a second person is asked for, and what they said.
type Approval struct {
	Plan    string    `json:"plan"` // hash of what is approved: Action.Plan as it was when it was asked for
	Asked   time.Time `json:"asked"`
	Expires time.Time `json:"expires"`          // nobody approves it after this, or needs to (GuardNewPolicy)
	By      *Who      `json:"by,omitempty"`     // who approved it; nil: nobody yet
	At      time.Time `json:"at,omitzero"`      // when
	Reason  string    `json:"reason,omitempty"` // why
}

// Why an approval or a cancellation is not taken.
var (
	ErrNotAwaiting = errors.New("it awaits no approval")
	ErrLate        = errors.New("its time to be approved is over")
	ErrOtherPlan   = errors.New("that is not its plan")
	ErrOwnRequest  = errors.New("you asked for it yourself")
	ErrNobodyAsked = errors.New("nobody can tell which person asked for it")
	ErrNoPerson    = errors.New("nobody can tell which person you are")
	ErrBegun       = errors.New("only what has not begun can be cancelled")
)

// Plan is the hash of everything that somebody agrees to who approves the action: what is done to which key in which
// condition, for whom and why. What becomes of the action does not change it.
func (a *Action) Plan() string {
	agreed := Action{
		ID: a.ID, Verb: a.Verb, Method: a.Method, KeyARN: a.KeyARN, PeriodDays: a.PeriodDays, Before: a.Before,
		Automatic: a.Automatic, Requester: a.Requester, RequesterIs: a.RequesterIs, Reason: a.Reason, Ticket: a.Ticket,
		Emergency: a.Emergency, BreakGlass: a.BreakGlass, FindingID: a.FindingID, IncidentID: a.IncidentID,
		Policy: a.Policy,
	}
	made := a.NewKeyARN
	if !slices.ContainsFunc(a.Calls, func(c Call) bool { return c.Operation == CreateKey }) {
		made = "" // the new key was there when this was planned, and which one it is is agreed to
	}
	for i := range a.Calls {
		agreed.Calls = append(agreed.Calls, a.Calls[i].asked(made))
	}
	text, err := json.Marshal(&agreed, json.Deterministic(true))
	if err != nil {
		return "" // approves nothing; only every text and number has its JSON
	}
	sum := sha256.Sum256(text)
	return "v1:" + hex.EncodeToString(sum[:])
}

// Request is the hash of what somebody asks for, before it is known who asks and under which id it is kept.
func (a *Action) Request() string {
	request := *a
	request.ID, request.Requester, request.RequesterIs = "", "", nil
	return request.Plan()
}

// asked is the call as it was planned, before anything became of it; made is the key that the action's CreateKey made,
// which had no ARN then.
func (c *Call) asked(made string) Call {
	planned := Call{
		Operation: c.Operation, KeyARN: c.KeyARN, PeriodDays: c.PeriodDays, Material: c.Material, New: c.New,
		Region: c.Region, Grant: c.Grant, Alias: c.Alias, FromARN: c.FromARN, Tags: c.Tags, KeyState: c.KeyState,
	}
	if made == "" {
		return planned
	}
	if c.KeyARN == made || c.Region != "" && c.KeyARN == inRegion(made, c.Region) {
		planned.KeyARN = ""
	}
	if c.Tags[ReplacedByTag] == made {
		planned.Tags = map[string]string{ReplacedByTag: yetToBeMade}
	}
	return planned
}

// approved reports whether somebody approved the action as it is planned.
func (a *Action) approved() bool {
	return a.Approval != nil && a.Approval.By != nil && a.Approval.Plan != "" && a.Approval.Plan == a.Plan()
}

// Unapproved reports whether the action ended because nobody approved it.
func (a *Action) Unapproved() bool {
	return a.State == Expired && a.Approval != nil && a.Approval.By == nil && a.Ended != nil
}

// unnamed reports whether a person asked for the action whom nobody can be told from, as root or a user whom several
// people use: whoever approved it could be the same one.
func (a *Action) unnamed() bool { return !a.Automatic && len(a.RequesterIs) == 0 }

// Approvable is a decision on an action, refused where it needs an approval that nobody could give.
func (d Decision) Approvable(a *Action) Decision {
	if d.Verdict != NeedsApproval || !a.unnamed() {
		return d
	}
	return Decision{Verdict: Refuse, Guardrail: GuardNoPerson, Reason: fmt.Sprintf("A second person must approve it, and "+
		"%s names no person whom the second could be told from. Ask as yourself (sudo -u NAME), or add --aws-identity as "+
		"an IAM user or a user of IAM Identity Center.", a.Requester)}
}

// Ask has an action wait for a second person, because of what the guardrails decided.
func Ask(a Action, d Decision, g Guardrails, now time.Time) Action {
	a.State, a.Guardrail, a.Waiting = AwaitingApproval, d.Guardrail, d.Reason
	a.Approval = &Approval{Plan: a.Plan(), Asked: now, Expires: d.Until}
	if d.Until.IsZero() {
		a.Approval.Expires = now.Add(g.ApprovalTTL)
	}
	a.NotBefore = a.Approval.Expires
	return a
}

// Approve lets an action that awaits approval go on: it is planned again, and judged again by all guardrails and by
// what KMS shows then. plan is what by has looked at.
func Approve(a Action, plan string, by Who, reason string, now time.Time) (Action, error) {
	switch {
	case a.State != AwaitingApproval || a.Approval == nil:
		return a, fmt.Errorf("%s is %s: %w", a.ID, a.State, ErrNotAwaiting)
	case !now.Before(a.Approval.Expires):
		return a, fmt.Errorf("%s had until %s: %w", a.ID, stamp(a.Approval.Expires), ErrLate)
	case plan != a.Approval.Plan || plan != a.Plan():
		return a, fmt.Errorf("%s has the plan %s, not %s: %w", a.ID, a.Approval.Plan, plan, ErrOtherPlan)
	case len(by.Is) == 0:
		return a, fmt.Errorf("%s needs a person's approval, and you are %s: %w", a.ID, by.Name, ErrNoPerson)
	case a.unnamed():
		return a, fmt.Errorf("%s was asked for by %s, cancel it and ask as yourself: %w", a.ID, a.Requester, ErrNobodyAsked)
	case by.Same(Who{Is: a.RequesterIs}):
		return a, fmt.Errorf("%s needs somebody else's approval than that of %s: %w", a.ID, a.Requester, ErrOwnRequest)
	}
	given := *a.Approval
	given.By, given.At, given.Reason = &by, now, reason
	a.Approval = &given
	a.State, a.Guardrail, a.Waiting, a.NotBefore = Planned, "", "", time.Time{}
	return a, nil
}

// Cancel ends an action that has not begun, because somebody says so.
func Cancel(a Action, by, reason string, now time.Time) (Action, error) {
	if a.State != Planned && a.State != AwaitingApproval || a.At > 0 || a.Attempts > a.Rejected {
		return a, fmt.Errorf("%s is %s: %w", a.ID, a.State, ErrBegun)
	}
	return TakeBack(a, fmt.Sprintf("%s cancelled it: %s. Nothing was changed.", by, reason), now), nil
}

// awaiting waits for somebody's approval, until its time is over. What needed one only while a policy was new to its
// key is then judged as if planned just now.
func (m *machine) awaiting() Do {
	if m.a.Approval != nil && m.now.Before(m.a.Approval.Expires) {
		return m.until(m.a.Approval.Expires)
	}
	if m.a.Guardrail == GuardNewPolicy {
		m.a.State, m.a.Approval, m.a.Waiting, m.a.NotBefore = Planned, nil, "", time.Time{}
		return m.planned()
	}
	const why = "Nobody approved it in time."
	if m.called() {
		return m.fail(join(why, lookYourself(&m.a)))
	}
	return m.end(Expired, join(why, "Nothing was changed."))
}
