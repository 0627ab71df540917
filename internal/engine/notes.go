package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// notebook writes findings, the actions they start and the alerts that tell of them, all in one transaction.
type notebook struct {
	e        *Engine
	tx       *state.Tx
	now      time.Time
	settings *Settings
	tally    *tally
	// baseline says that this is the first complete look at an account and Region: what it finds is told together in
	// one digest, not page by page.
	baseline bool
}

func (e *Engine) newNotebook(tx *state.Tx, now time.Time, settings *Settings, t *tally) *notebook {
	return &notebook{e: e, tx: tx, now: now, settings: settings, tally: t}
}

// found notes a finding that starts nothing.
func (n *notebook) found(f finding.Finding) error {
	_, _, err := n.record(f, nil)
	return err
}

// foundByRule notes what a rule found, and plans the response that the key's policy gives to that rule.
func (n *notebook) foundByRule(f finding.Finding, ev *events.Event, late bool) error {
	_, _, err := n.record(f, func(f *finding.Finding) (*remediation.Action, string, error) {
		if late || f.Expected || f.KeyARN == "" {
			return nil, "", nil
		}
		key, err := n.tx.Key(f.KeyARN)
		if err != nil || key == nil {
			return nil, "", err
		}
		p := n.settings.Policies.For(key)
		if p == nil || !responds(p, f.RuleID) {
			return nil, "", nil
		}
		// The event is only a word: what it says of the schedule is assumed, and KMS is read before anything is done.
		assumed := assume(*key, ev)
		return n.plan(&assumed, p, f, "answers "+f.RuleID+" as policy "+p.Name+" says")
	})
	return err
}

func responds(p *policy.Policy, ruleID string) bool {
	return slices.ContainsFunc(p.Respond, func(r policy.Response) bool {
		return r.RuleID == ruleID && r.Action == "restore"
	})
}

// assume returns the key as it would be if the event were true.
func assume(key inventory.Key, ev *events.Event) inventory.Key {
	if key.Rotation == nil {
		return key
	}
	rotation := *key.Rotation
	switch ev.EventName {
	case "DisableKeyRotation":
		rotation.Enabled, rotation.PeriodDays, rotation.Next = false, 0, nil
	case "EnableKeyRotation":
		rotation.Enabled = true
		if days, ok := ev.RotationPeriodInDays(); ok {
			rotation.PeriodDays = days
		}
	}
	key.Rotation = &rotation
	return key
}

// foundByCheck notes drift that a check found, and in enforce plans to put it right.
func (n *notebook) foundByCheck(f finding.Finding, key *inventory.Key, p *policy.Policy) error {
	_, _, err := n.record(f, func(f *finding.Finding) (*remediation.Action, string, error) {
		if p == nil || !putsRight(f.RuleID) {
			return nil, "", nil
		}
		return n.plan(key, p, f, "puts right "+f.RuleID+" as policy "+p.Name+" says")
	})
	return err
}

// putsRight says which drift rotd puts right by itself in enforce.
func putsRight(checkID string) bool {
	switch checkID {
	case "rotation-disabled", "rotation-period-too-long", "rotation-overdue":
		return true
	}
	return false
}

// response plans what answers a finding: the action, or why there is none.
type response func(*finding.Finding) (action *remediation.Action, why string, err error)

// record brings a finding together with what is known of it, lets respond plan an action, and tells what is news.
func (n *notebook) record(
	f finding.Finding, respond response,
) (finding.Finding, finding.Transition, error) {
	prev, err := n.tx.FindingByFingerprint(f.Fingerprint)
	if err != nil {
		return f, "", err
	}
	next, transition := finding.Observe(prev, f)
	if next.ID == "" {
		next.ID = n.e.newID("fnd_", n.now)
	}
	next.Shard = n.e.db.Shard()
	if next.Partition == "" {
		next.Partition = n.e.partition
	}
	var (
		action *remediation.Action
		why    string // why nothing is done about it
	)
	if respond != nil && next.Status == finding.Open {
		if action, why, err = respond(&next); err != nil {
			return next, "", err
		}
	}
	if err := n.tx.PutFinding(&next); err != nil {
		return next, "", err
	}
	if transition == finding.NoTransition {
		return next, transition, nil
	}
	n.tally.findings = append(n.tally.findings, [2]string{next.RuleID, next.Severity.String()})
	if n.baseline {
		return next, transition, nil
	}
	return next, transition, n.tell(n.findingAlert(&next, transition, action, why))
}

// plan makes an automatic action of a finding, unless the same or another one is already under way on the key.
func (n *notebook) plan(
	key *inventory.Key, p *policy.Policy, f *finding.Finding, reason string,
) (action *remediation.Action, why string, err error) {
	if p.Mode != policy.Enforce {
		return nil, "Policy " + p.Name + " is in mode " + string(p.Mode) + ": rotd only watches.", nil
	}
	planned, ok, why := n.settings.Guardrails.Plan(key, p, remediation.Why{
		Want: remediation.WantPolicy, Automatic: true, Requester: "rotd", Reason: reason, FindingID: f.ID,
	}, n.now)
	if !ok {
		return nil, why, nil
	}
	pending, err := n.unfinished(key.ARN)
	if err != nil {
		return nil, "", err
	}
	if pending == nil {
		planned.ID = n.e.newID("act_", n.now)
		if err := n.tx.PutAction(&planned); err != nil {
			return nil, "", err
		}
		n.tally.actions++
		pending = &planned
	} else if pending.Method != planned.Method {
		return pending, "", nil
	}
	if !slices.Contains(f.ActionIDs, pending.ID) {
		f.ActionIDs = append(f.ActionIDs, pending.ID)
	}
	return pending, "", nil
}

// unfinished returns the action under way on a key, if any.
func (n *notebook) unfinished(arn string) (*remediation.Action, error) {
	actions, err := n.tx.ActionsOn(arn, 5)
	if err != nil {
		return nil, err
	}
	for i := range actions {
		if !actions[i].State.Final() {
			return &actions[i], nil
		}
	}
	return nil, nil //nolint:nilnil // none is an answer
}

// resolve ends a finding's episode. A quiet end is kept, not told.
func (n *notebook) resolve(f *finding.Finding, why string, quietly bool) error {
	f.OverSince, f.Undone = nil, false
	transition := f.Resolve(n.now, why)
	if err := n.tx.PutFinding(f); err != nil {
		return err
	}
	if quietly {
		return nil
	}
	return n.tell(n.findingAlert(f, transition, nil, ""))
}

// undone keeps that the inverse event of what findings about a key warn of was seen: one reading will end them.
func (n *notebook) undone(arn, eventName string) error {
	open, err := n.tx.OpenAbout(arn, maxOpenAbout)
	if err != nil {
		return err
	}
	for i := range open {
		rule := n.settings.Judge.Rule(open[i].RuleID)
		if rule == nil || open[i].Undone || !slices.Contains(rule.Inverse, eventName) {
			continue
		}
		open[i].Undone = true
		if err := n.tx.PutFinding(&open[i]); err != nil {
			return err
		}
	}
	return nil
}

// maxOpenAbout bounds the open findings about one subject that are looked at together.
const maxOpenAbout = 200

// tell puts an alert into the outbox; the outbox worker publishes it after the commit.
func (n *notebook) tell(a notify.Alert) error {
	raw, err := json.Marshal(pendingAlert{Alert: a})
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", a.ID, err)
	}
	stored, err := n.tx.PutAlert(raw)
	if err != nil {
		return err
	}
	if !stored {
		n.tally.dropped++
		return nil
	}
	n.tally.alerts++
	return nil
}

// resolveByFingerprint ends the open finding with a fingerprint, if there is one.
func (n *notebook) resolveByFingerprint(fingerprint, why string, quietly bool) error {
	f, err := n.tx.FindingByFingerprint(fingerprint)
	if err != nil || f == nil || f.Status != finding.Open {
		return err
	}
	return n.resolve(f, why, quietly)
}
