package engine

import (
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/history"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// foundByRule notes what a rule found, and plans the response that the key's policy gives to it.
func (n *notebook) foundByRule(f finding.Finding, ev *events.Event, late bool) error {
	if f.LastSeen.After(n.now) { // its time belongs to its sender: it must not outlive what really happens
		f.FirstSeen, f.LastSeen = n.now, n.now
	}
	return n.record(f, how{respond: func(f *finding.Finding) (*remediation.Action, string, error) {
		if f.Expected || f.KeyARN == "" {
			return nil, "", nil
		}
		key, err := n.key(f.KeyARN)
		if err != nil || key == nil {
			return nil, "", err
		}
		p, err := n.policyOf(key)
		if err != nil {
			return nil, "", err
		}
		action := n.responseTo(p, f)
		switch {
		case action == "":
			return nil, "", nil
		case late:
			return nil, "The event's time cannot be believed: rotd starts nothing because of it.", nil
		}
		return n.respond(key, p, f, ev, action)
	}})
}

// responseTo is what the policy starts because of a rule's finding, "" for nothing.
func (n *notebook) responseTo(p *policy.Policy, f *finding.Finding) string {
	rule := n.settings.Judge.Rule(f.RuleID)
	if rule == nil {
		return ""
	}
	return p.ResponseTo(f.RuleID, f.Severity, rule.Remedies)
}

// respond plans what answers an event. The event is only a word: what it says is assumed, and KMS is read before
// anything is done.
func (n *notebook) respond(
	key *inventory.Key, p *policy.Policy, f *finding.Finding, ev *events.Event, action string,
) (*remediation.Action, string, error) {
	reason := "answers " + f.RuleID + " as policy " + p.Name + " says"
	if action == policy.RespondRotate {
		return n.plan(key, p, f, reason, func(why remediation.Why) (remediation.Action, bool, string) {
			why.Want = remediation.WantMaterial
			return n.planner().Plan(key, p, why, n.now)
		})
	}
	assumed, ok := assume(*key, ev)
	if !ok {
		return nil, "rotd cannot undo " + ev.EventName + " by itself: see the commands.", nil
	}
	if ev.EventName != "ScheduleKeyDeletion" {
		return n.plan(&assumed, p, f, reason, n.asPolicyAsks(&assumed, p, nil))
	}
	enabled, err := n.wasEnabled(key)
	if err != nil {
		return nil, "", err
	}
	return n.plan(&assumed, p, f, reason, func(why remediation.Why) (remediation.Action, bool, string) {
		return remediation.PlanRestore(&assumed, p, enabled, why, n.now)
	})
}

// assume returns the key as it would be if the event were true; ok is false for an event that rotd cannot undo.
func assume(key inventory.Key, ev *events.Event) (assumed inventory.Key, ok bool) {
	if ev.EventName == "ScheduleKeyDeletion" {
		key.State = pendingDeletion
		return key, true
	}
	if key.Rotation == nil {
		return key, false
	}
	rotation := *key.Rotation
	switch ev.EventName {
	case "DisableKeyRotation":
		rotation.Enabled, rotation.PeriodDays, rotation.Next = false, 0, nil
	case "EnableKeyRotation":
		rotation.Enabled = true
		if rotation.PeriodDays, ok = ev.RotationPeriodInDays(); !ok {
			rotation.PeriodDays = 365
		}
	default:
		return key, false
	}
	key.Rotation = &rotation
	return key, true
}

const (
	enabled         = "Enabled"
	pendingDeletion = "PendingDeletion"
	// statesBack is how many changes of a key's state are looked through for the one before its deletion.
	statesBack = 10
)

// wasEnabled reports whether a key was enabled before its deletion was scheduled, as a reading may show already.
func (n *notebook) wasEnabled(key *inventory.Key) (bool, error) {
	if key.State != pendingDeletion {
		return key.State == enabled, nil
	}
	changes, err := n.tx.LatestHistory(key.ARN, history.State, statesBack)
	if err != nil {
		return false, err
	}
	for i := len(changes) - 1; i >= 0; i-- {
		var before string
		if err := json.Unmarshal(changes[i].Before, &before); err != nil || before == pendingDeletion {
			continue // what cannot be read tells nothing: the key is left disabled
		}
		return before == enabled, nil
	}
	return false, nil
}

// unanswered says why a rule's finding asks no more for the action that answers it, on the key as just read: "" when it
// still does. ok is false for an action that no rule asked for, or that only puts right what the policy asks.
func (n *notebook) unanswered(a *remediation.Action, key *inventory.Key, p *policy.Policy) (
	why string, ok bool, err error,
) {
	if a.FindingID == "" {
		return "", false, nil
	}
	f, err := n.tx.Finding(a.FindingID)
	if err != nil || f == nil {
		return "", false, err
	}
	rule := n.settings.Judge.Rule(f.RuleID)
	rotates := rule != nil && a.GivesMaterial()
	switch {
	case !rotates && a.Method != remediation.Restore:
		return "", false, nil
	case rule == nil || n.responseTo(p, f) == "":
		return "Policy " + p.Name + " does not answer " + f.RuleID + " any more.", true, nil
	case f.Status != finding.Open:
		return "Finding " + f.ID + " is over.", true, nil
	case !rotates:
		return "", true, nil // its calls look for themselves whether there is something to restore
	}
	// KMS's word counts, however new the events are: a forged one gives no key new material.
	told := *f
	told.LastSeen = time.Time{}
	if over, shows := rule.Over(&told, key, p); over {
		return shows + ".", true, nil
	}
	return "", true, nil
}
