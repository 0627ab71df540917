package engine

import (
	"slices"
	"time"

	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// contained keeps what follows from a containment's call, once KMS shows its effect: a key that is disabled has a
// deadline, which one that is enabled again has no more.
func (n *notebook) contained(before, after *remediation.Action) error {
	if after.Verb != remediation.Contain || before.At >= len(after.Calls) {
		return nil
	}
	c := &after.Calls[before.At]
	if c.Done == nil {
		return nil
	}
	switch c.Operation {
	case remediation.DisableKey:
		return n.beginDeadline(after, c)
	case remediation.EnableKey:
		return n.endDeadline(c.KeyARN, "action "+after.ID+" enabled the key again")
	default:
		return nil
	}
}

// disabledAfterAll begins the deadline of a key that is disabled, as just read, though the containment that asked for
// it ended without having seen that.
func (n *notebook) disabledAfterAll(key *inventory.Key) error {
	if key.State != "Disabled" {
		return nil
	}
	actions, err := n.actionsOn(key.ARN, keptActions)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(actions, func(a remediation.Action) bool { return a.Verb == remediation.Contain })
	if i < 0 {
		return nil
	}
	a, late := remediation.DisabledAfterAll(actions[i], key)
	if !late {
		return nil
	}
	c := a.Current()
	if err := n.audit(audit.Entry{
		Event: audit.CallVerified, Key: key.ARN, Action: a.ID, Incident: a.IncidentID,
		Detail: texts("operation", string(c.Operation), "late", "true"),
	}); err != nil {
		return err
	}
	if err := n.tx.PutAction(&a); err != nil {
		return err
	}
	failed := detection.ContainmentFailed(n.e.db.Shard(), &a, n.now)
	if err := n.resolveByFingerprint(failed.Fingerprint, "KMS shows the key disabled after all", false); err != nil {
		return err
	}
	return n.beginDeadline(&a, c)
}

// beginDeadline keeps from when on what is under a key that was just disabled is lost for good, and tells of it.
func (n *notebook) beginDeadline(a *remediation.Action, c *remediation.Call) error {
	d := &remediation.Deadline{
		KeyARN: a.KeyARN, Alias: a.Alias, Account: a.Account, Region: a.Region, Policy: a.Policy, ActionID: a.ID,
		Since: n.now,
	}
	if !c.CalledAt.IsZero() {
		d.Since = c.CalledAt
	}
	if err := n.losses(d); err != nil {
		return err
	}
	if err := n.tx.PutDeadline(d); err != nil {
		return err
	}
	return n.noteDeadline(d)
}

// losses adds what is known to be under the key. That it cannot be told must not hold up the action: a deadline without
// it still counts.
func (n *notebook) losses(d *remediation.Deadline) error {
	key, err := n.key(d.KeyARN)
	if err != nil || key == nil {
		return err
	}
	key.State, key.StateSince = "Disabled", d.Since
	facts, err := n.e.ImpactFacts(n.tx, key, n.now)
	if err != nil {
		return n.tx.PassOver(err)
	}
	for _, b := range impact.Assess(facts).Down.Breaks {
		if b.NoReturn != "" {
			d.Losses = append(d.Losses, remediation.Loss{
				Who: b.Who, What: b.NoReturn, Evidence: b.Evidence, At: b.NoReturnAt, Recovers: b.Recovers,
			})
		}
	}
	return nil
}

// endDeadline ends what was to be reminded of about a key, if anything was.
func (n *notebook) endDeadline(arn, why string) error {
	d, err := n.tx.Deadline(arn)
	if err = n.tx.PassOver(err); err != nil || d == nil {
		return err
	}
	if err := n.tx.DropDeadline(arn); err != nil {
		return err
	}
	return n.resolveByFingerprint(detection.ContainedDeadline(d, n.now).Fingerprint, why, false)
}

// letDeadlineGo ends what was to be reminded of, because a person answers for it.
func (n *notebook) letDeadlineGo(f *finding.Finding) error {
	if err := n.tx.DropDeadline(f.KeyARN); err != nil {
		return err
	}
	return n.resolve(f, f.Acknowledged.By+" answers for it: "+f.Acknowledged.Reason, false)
}

// noteDeadline tells of a deadline, and again whenever a reminder is due.
func (n *notebook) noteDeadline(d *remediation.Deadline) error {
	return n.record(detection.ContainedDeadline(d, n.now), how{respond: func(f *finding.Finding) (
		*remediation.Action, string, error,
	) {
		f.Remedy = append(f.Remedy, "If nothing under it is needed any more, rotd need not remind of it:",
			"rotd findings ack "+f.ID+" --reason 'nothing under it is needed'")
		return nil, "Somebody has to decide: rotd enables a key again only when a person asks for it.", nil
	}})
}

// deadlinesInOne bounds what one transaction looks at.
const deadlinesInOne = 500

// remindOfDeadlines tells again of the keys that rotd disabled, and forgets those that are enabled again or gone.
func (e *Engine) remindOfDeadlines(now time.Time) error {
	for after, more := "", true; more; more = after != "" {
		err := e.note(now, func(n *notebook) error {
			page, next, err := n.tx.Deadlines(after, deadlinesInOne)
			if err != nil {
				return err
			}
			after = next
			for i := range page {
				if err := n.reviewDeadline(&page[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// reviewDeadline ends a deadline that a reading shows to be over, and otherwise reminds of it. What KMS showed right
// after the key was disabled proves nothing: it does not agree with itself then.
func (n *notebook) reviewDeadline(d *remediation.Deadline) error {
	key, err := n.key(d.KeyARN)
	switch {
	case err != nil:
		return err
	case key != nil && key.GoneAt != nil:
		return n.endDeadline(d.KeyARN, "KMS no longer knows the key")
	case key != nil && key.State == "Enabled" && key.ReadAt.After(d.Since.Add(remediation.VerifyWithin)):
		return n.endDeadline(d.KeyARN, "the key is enabled again")
	}
	return n.noteDeadline(d)
}
