package engine

import (
	"fmt"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/notify"
	"rotd/internal/remediation"
)

// begin keeps an action that a person asks for. It goes on by itself or, if that is what the guardrails want, once
// somebody else has approved it.
func (n *notebook) begin(a *remediation.Action, d remediation.Decision) error {
	if d.Verdict != remediation.NeedsApproval {
		return n.putAction(nil, a, nil)
	}
	*a = remediation.Ask(*a, d, n.settings.Guardrails, n.now)
	if err := n.putAction(nil, a, nil); err != nil {
		return err
	}
	return n.tellAwaiting(a)
}

// Approve has an action go on that awaits approval; plan is the hash of what by has looked at. The approval is durable
// before anything begins. An error that remediation.Approve knows says why it is not taken.
func (e *Engine) Approve(id, plan string, by remediation.Who, reason string) (*remediation.Action, error) {
	return e.answered(id, by.Name, reason, audit.ActionApproved, audit.ApprovalRefused,
		func(a remediation.Action, now time.Time) (remediation.Action, error) {
			return remediation.Approve(a, plan, by, reason, now)
		})
}

// Cancel ends an action that has not begun; after that it is remediation.ErrBegun.
func (e *Engine) Cancel(id, by, reason string) (*remediation.Action, error) {
	return e.answered(id, by, reason, audit.CancelRequested, audit.CancelRefused,
		func(a remediation.Action, now time.Time) (remediation.Action, error) {
			return remediation.Cancel(a, by, reason, now)
		})
}

// answered keeps what somebody's word makes of an action, and writes the word down, also one that is not taken.
func (e *Engine) answered(
	id, by, reason string, taken, refusal audit.Event,
	say func(remediation.Action, time.Time) (remediation.Action, error),
) (*remediation.Action, error) {
	if strings.TrimSpace(reason) == "" {
		return nil, ErrNoReason
	}
	e.deciding.Lock()
	defer e.deciding.Unlock()
	var after remediation.Action
	var refused error
	err := e.note(time.Now().UTC(), func(n *notebook) error {
		before, err := n.tx.Action(id)
		switch {
		case err != nil:
			return err
		case before == nil:
			return fmt.Errorf("%w %q: `rotd actions list` shows those there are", ErrUnknownAction, id)
		}
		word := audit.Entry{
			Actor: by, Event: taken, Key: before.KeyARN, Action: id, Incident: before.IncidentID,
		}
		if after, refused = say(*before, n.now); refused != nil {
			word.Event, word.Detail = refusal, texts("reason", reason, "because", refused.Error())
			return n.audit(word)
		}
		word.Detail = texts("reason", reason, "plan", after.Plan())
		if err := n.audit(word); err != nil {
			return err
		}
		n.tally.actions++
		if err := n.putAction(before, &after, nil); err != nil || !after.State.Final() {
			return err
		}
		return n.ended(&after)
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, err
	}
	return &after, nil
}

// tellAwaiting tells that an action awaits somebody's approval, who has until it expires.
func (n *notebook) tellAwaiting(a *remediation.Action) error {
	alert := notify.Alert{
		ID:      finding.AlertID(n.e.db.Shard(), a.ID, 1, "awaiting "+a.Approval.Plan),
		Kind:    notify.ActionAwaiting,
		Created: n.now, Severity: finding.Medium, Shard: n.e.db.Shard(), Action: a,
	}
	if a.FindingID != "" {
		f, err := n.tx.Finding(a.FindingID)
		if err != nil {
			return err
		}
		if f != nil {
			alert.Finding, alert.Severity = f, max(f.Severity, alert.Severity)
		}
	}
	if a.Emergency { // somebody waits for it
		alert.Severity = max(finding.High, alert.Severity)
	}
	return n.tell(alert)
}
