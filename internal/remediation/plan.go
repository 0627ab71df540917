package remediation

import (
	"fmt"
	"time"

	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// Want is what an action is asked for.
type Want string

// Wants.
const (
	WantPolicy   Want = "policy"   // what the key's policy asks for and the key lacks, if anything
	WantMaterial Want = "material" // new material now, whatever the schedule
	WantSchedule Want = "schedule" // automatic rotation with the period of Why.PeriodDays
)

// Periods of automatic rotation that KMS accepts, in days.
const (
	MinPeriodDays = 90
	MaxPeriodDays = 2560
)

// scheduleIsNear is how close the next automatic rotation must be for method auto to wait for it.
const scheduleIsNear = 30 * 24 * time.Hour

// Why is what asks for an action, and who.
type Why struct {
	Want       Want
	PeriodDays int // with WantSchedule
	// Replicas are the key's, as far as they are known, for a policy that asks for a new key.
	Replicas []*inventory.Key

	Automatic  bool // a check or a policy's respond, no person
	Requester  Who
	Reason     string
	Ticket     string
	Emergency  bool
	BreakGlass bool // with Emergency
	FindingID  string
	Incident   string // its id
}

// Plan makes the action that why asks for. When there is nothing to do, or nothing that can be done, it returns false
// and a sentence that says so. The action has no ID yet. The key should have been read just now: the action holds only
// as long as the key stays in the condition it was planned on. p may be nil unless the policy is what is wanted.
func (g Guardrails) Plan(key *inventory.Key, p *policy.Policy, why Why, now time.Time) (Action, bool, string) {
	if why.Want == WantPolicy && p != nil && p.Rotation.Method == policy.Replace {
		return g.planDueReplacement(key, p, why, now)
	}
	if e := Eligibility(key); !e.Automatic && !e.OnDemand {
		return Action{}, false, join(e.Reason, e.Instead)
	}
	if key.Rotation == nil {
		return Action{}, false,
			"The key's rotation status could not be read; let rotd's role call kms:GetKeyRotationStatus."
	}
	a := begun(Rotate, "", key, p, why, now)
	switch why.Want {
	case WantMaterial:
		return g.planMaterial(a, key)
	case WantSchedule:
		return planSchedule(a, key, why.PeriodDays)
	case WantPolicy:
		return g.planPolicy(a, key, p, now)
	}
	return Action{}, false, fmt.Sprintf("rotd does not know how to plan %q.", why.Want)
}

// begun is an action without what it does.
func begun(verb Verb, method Method, key *inventory.Key, p *policy.Policy, why Why, now time.Time) Action {
	a := Action{
		Verb: verb, Method: method, State: Planned,
		KeyARN: key.ARN, Account: key.Account, Region: key.Region, Before: PreconditionOf(key),
		Automatic: why.Automatic, Requester: why.Requester.Name, RequesterIs: why.Requester.Is, Reason: why.Reason,
		Ticket: why.Ticket, Emergency: why.Emergency && !why.Automatic, FindingID: why.FindingID, Created: now,
		IncidentID: why.Incident,
		BreakGlass: why.BreakGlass && why.Emergency && !why.Automatic,
	}
	if len(key.Aliases) > 0 {
		a.Alias = key.Aliases[0]
	}
	if p != nil {
		a.Policy = p.Name
	}
	return a
}

func (g Guardrails) planMaterial(a Action, key *inventory.Key) (Action, bool, string) {
	if reason := unproven(key); reason != "" {
		return Action{}, false, reason
	}
	if since := key.Rotation.InProgress; since != nil {
		return Action{}, false, fmt.Sprintf("A rotation on demand is already in progress, since %s.", stamp(*since))
	}
	if key.Origin == external {
		return g.Imports.plan(a, key)
	}
	a.Method = NewMaterial
	return a, true, "New key material now, by RotateKeyOnDemand."
}

func planSchedule(a Action, key *inventory.Key, days int) (Action, bool, string) {
	if days < MinPeriodDays || days > MaxPeriodDays {
		return Action{}, false, fmt.Sprintf("KMS rotates by itself every %d to %d days; %d is outside.",
			MinPeriodDays, MaxPeriodDays, days)
	}
	if Scheduled(key, days) {
		return Action{}, false, fmt.Sprintf("Automatic rotation is already on, every %d days.", days)
	}
	a.Method, a.PeriodDays = EnableAutomatic, days
	return a, true, fmt.Sprintf("Automatic rotation every %d days, by EnableKeyRotation.", days)
}

// Scheduled reports whether the key already rotates automatically with just this period: then there is nothing to do,
// which is no refusal.
func Scheduled(key *inventory.Key, days int) bool {
	return key.Rotation != nil && key.Rotation.Enabled && key.Rotation.PeriodDays == days
}

// PutsBack reports whether rotd, by what the key's policy asks and its mode allows, would shorten a schedule of so many
// days by itself.
func (g Guardrails) PutsBack(p *policy.Policy, period int) bool {
	if p == nil || p.Mode.Lower(g.MaxMode) != policy.Enforce {
		return false
	}
	asked := p.Rotation.PeriodDays()
	scheduled := p.Rotation.Method == policy.Auto || p.Rotation.Method == policy.Automatic
	return scheduled && asked > 0 && period > asked
}

// planPolicy finds what the key lacks of its policy: the schedule first, since new material is what a schedule brings.
func (g Guardrails) planPolicy(a Action, key *inventory.Key, p *policy.Policy, now time.Time) (Action, bool, string) {
	if p == nil {
		return Action{}, false, "No policy matches the key, so nothing is asked of it."
	}
	want, have := p.Rotation, key.Rotation
	switch want.Method {
	case policy.None:
		return Action{}, false, fmt.Sprintf("Policy %s only watches its keys (method none).", p.Name)
	case policy.Auto, policy.Automatic:
		if key.Origin == external {
			break // KMS has no schedule for it
		}
		if days := want.PeriodDays(); days > 0 && (!have.Enabled || have.PeriodDays > days) {
			return planSchedule(a, key, days)
		}
	case policy.OnDemand, policy.Replace:
	}
	if reason := unproven(key); reason != "" {
		return Action{}, false, reason
	}
	age, overdue := overdueFor(key, want.MaxAge, now)
	if !overdue {
		return Action{}, false, "The key is as its policy asks."
	}
	if want.Method == policy.Automatic && key.Origin == external {
		return Action{}, false, "The key's material is imported, and KMS rotates it only on demand: method automatic " +
			"leaves it as it is."
	}
	if want.Method == policy.Automatic {
		return Action{}, false,
			"The key's material is older than its policy allows, and method automatic leaves it to the schedule" +
				nextRotation(have) + "."
	}
	if want.Method == policy.Auto {
		if trust := g.trustSchedule(key, age, now); trust != "" {
			return Action{}, false, trust
		}
	}
	return g.planMaterial(a, key)
}

// overdueFor is by how much the key's material is older than maxAge.
func overdueFor(key *inventory.Key, maxAge time.Duration, now time.Time) (by time.Duration, overdue bool) {
	last, _ := key.LastRotated()
	by = now.Sub(last) - maxAge
	return by, maxAge > 0 && by > 0
}

// trustSchedule says why method auto leaves an overdue key to its schedule, "" when it does not. It rotates on demand
// at most once while one date of the schedule stands: the lifetime budget of 25 must not go into repeating that.
func (g Guardrails) trustSchedule(key *inventory.Key, by time.Duration, now time.Time) string {
	if by <= g.OverdueGrace {
		return fmt.Sprintf("The key is overdue by %s; method auto rotates on demand only after %s.", days(by),
			days(g.OverdueGrace))
	}
	r := key.Rotation
	if !r.Enabled || r.Next == nil {
		return ""
	}
	if r.Next.Sub(now) <= scheduleIsNear {
		return fmt.Sprintf("The schedule rotates the key soon, on %s.", stamp(*r.Next))
	}
	began := r.Next.AddDate(0, 0, -r.PeriodDays)
	for _, h := range r.History {
		if h.Type == "ON_DEMAND" && !h.At.Before(began) {
			return fmt.Sprintf("The key was rotated on demand on %s; from then on its schedule is trusted%s.",
				stamp(h.At), nextRotation(r))
		}
	}
	return ""
}

// unproven says why a rotation on demand of this key could neither be counted nor verified, "" when it could.
func unproven(key *inventory.Key) string {
	switch {
	case key.WasDenied("ListKeyRotations"):
		return "KMS refuses to list the key's rotations: what is left of its 25 rotations on demand is unknown. " +
			"Let rotd's role call kms:ListKeyRotations."
	case key.Rotation == nil || key.Rotation.HistoryAt.IsZero():
		return "The key's rotations have not been read: what is left of its 25 rotations on demand is unknown."
	case key.CurrentMaterial == "":
		return "KMS does not name the key's current material, so a rotation could not be verified."
	}
	return ""
}
