package engine

import (
	"fmt"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// decide makes the next step of an action durable before it is carried out. One decision at a time: two made from the
// same facts could together pass a limit that each respects.
func (e *Engine) decide(id string, seen remediation.Observation) (remediation.Action, remediation.Do, error) {
	e.deciding.Lock()
	defer e.deciding.Unlock()
	now := time.Now().UTC()
	var (
		next remediation.Action
		do   remediation.Do
	)
	err := e.note(now, func(n *notebook) (err error) {
		next, do, err = n.step(id, seen)
		return err
	})
	if err != nil {
		return next, do, fmt.Errorf("step action %s: %w", id, err)
	}
	if do.What == remediation.Attempt && makesMaterial(next.Current()) {
		e.calls.add(next.CalledAt)
	}
	e.changed.send()
	return next, do, nil
}

// step takes an action one step on and keeps everything that follows from what was seen.
func (n *notebook) step(id string, seen remediation.Observation) (
	next remediation.Action, do remediation.Do, err error,
) {
	before, err := n.tx.Action(id)
	if err != nil || before == nil || before.State.Final() {
		return next, remediation.Do{What: remediation.End}, err
	}
	key := seen.Facts.Key
	if seen.Facts, err = n.facts(before); err != nil {
		return next, do, err
	}
	seen.Facts.Key = key
	if key != nil {
		if seen.Facts.Unwanted, err = n.unwanted(before, key); err != nil {
			return next, do, err
		}
	}
	guardrails, err := n.guardrails()
	if err != nil {
		return next, do, err
	}
	next, do = remediation.Step(*before, seen, guardrails, n.now)
	n.stopped(before.Guardrail, next.Guardrail, &next)
	if seen.Answer != nil && seen.Answer.RequestID != "" {
		if err := n.tx.NoteRequest(seen.Answer.RequestID, n.now); err != nil {
			return next, do, err
		}
	}
	if err := n.putAction(before, &next, seen.Answer); err != nil {
		return next, do, err
	}
	if next.State == remediation.Succeeded {
		if err := n.succeeded(&next); err != nil {
			return next, do, err
		}
	}
	if key != nil {
		if err := n.reading(key, false); err != nil {
			return next, do, err
		}
	}
	if err := n.contained(before, &next); err != nil {
		return next, do, err
	}
	if next.State == remediation.AwaitingApproval && before.State != remediation.AwaitingApproval {
		return next, do, n.tellAwaiting(&next)
	}
	if !next.State.Final() {
		return next, do, nil
	}
	if next.Verb == remediation.Replace {
		if err := n.readAnew(&next); err != nil {
			return next, do, err
		}
	}
	return next, do, n.ended(&next)
}

// succeeded keeps what KMS shows to be done: one reading ends what was warned of, and an earlier failure is over.
func (n *notebook) succeeded(a *remediation.Action) error {
	for _, c := range a.Asked() {
		if err := n.undone(c.KeyARN, string(c.Operation), ""); err != nil {
			return err
		}
	}
	over := detection.ContainmentDone(a)
	if a.Verb != remediation.Contain {
		over = detection.RotationDone(a)
		if err := n.replaced(a); err != nil {
			return err
		}
	}
	for _, fingerprint := range over {
		if err := n.resolveByFingerprint(fingerprint, "action "+a.ID+" succeeded", false); err != nil {
			return err
		}
	}
	return nil
}

// facts gathers what guardrails judge by.
func (n *notebook) facts(a *remediation.Action) (remediation.Facts, error) {
	f := remediation.Facts{Now: n.now, StartedAt: n.e.started}
	var err error
	if f.Armed, err = n.e.armed(n.tx, a.Account, a.Region); err != nil {
		return f, err
	}
	if f.Paused, err = n.e.paused(n.tx, n.settings); err != nil {
		return f, err
	}
	if f.Breaker, err = n.tx.Breaker(); err != nil {
		return f, err
	}
	f.ClockOff = n.e.clockOff()
	key, err := n.key(a.KeyARN)
	if err != nil {
		return f, err
	}
	if key != nil {
		if key, err = n.underItsAliases(key, a); err != nil {
			return f, err
		}
		if err := n.underPolicy(&f, key); err != nil {
			return f, err
		}
		if a.Method == remediation.NewKey {
			found, err := n.policyFindings(key)
			if err != nil {
				return f, err
			}
			f.PolicyFindings = named(unacknowledged(found))
		}
	}
	if f.RecentRotations, err = n.e.calls.recent(n.tx, n.now); err != nil {
		return f, err
	}
	onKey, err := n.actionsOn(a.KeyARN, 100)
	if err != nil {
		return f, err
	}
	for i := range onKey {
		o := &onKey[i]
		switch {
		case o.ID == a.ID, o.State == remediation.AwaitingApproval: // what only waits for people is in nobody's way
		case !o.State.Final():
			f.Others = append(f.Others, o)
		case o.Method == remediation.EnableAutomatic && o.Automatic && o.State == remediation.Succeeded &&
			o.Ended != nil && n.now.Sub(*o.Ended) < 30*24*time.Hour:
			f.PutBacks++
		case o.Method == remediation.Restore && o.Automatic && len(o.Asked()) > 0 &&
			n.now.Sub(o.Created) < remediation.RestoreOnceIn && o.Created.After(f.Restored):
			f.Restored = o.Created
		}
	}
	f.UndoneBy, err = n.undoer(a.KeyARN)
	return f, err
}

// underPolicy adds what follows from the policy in force.
func (n *notebook) underPolicy(f *remediation.Facts, key *inventory.Key) error {
	a, err := n.tx.Assignment(key.ARN)
	if err != nil {
		return err
	}
	if p := n.settings.Policies.InForce(a, key); p != nil {
		f.Mode = p.Mode
	}
	if a != nil {
		f.MovedTo, f.HeldUntil = a.Policy, a.Hold
	}
	return nil
}

// unwanted says why no policy asks any more for an automatic action that was planned a while ago, on the key as just
// read; "" when one does, or when a person asked.
func (n *notebook) unwanted(a *remediation.Action, key *inventory.Key) (string, error) {
	if !a.Automatic || a.State != remediation.Planned || a.At > 0 {
		return "", nil
	}
	known := *key
	stored, err := n.key(key.ARN)
	if err != nil {
		return "", err
	}
	if stored != nil { // a reading for an action brings no tags
		known.Tags, known.Aliases = stored.Tags, stored.Aliases
	}
	if !known.NamesTold() || stored != nil && !stored.NamesTold() {
		return "KMS refuses rotd the key's tags or aliases, by which policies match.", nil
	}
	p, err := n.policyOf(&known)
	if err != nil || p == nil {
		return "No policy matches the key any more.", err
	}
	why, answers, err := n.unanswered(a, key, p)
	if err != nil || why != "" {
		return why, err
	}
	replicas, err := n.replicas(&known)
	if err != nil {
		return "", err
	}
	planned, ok, why := n.planner().Plan(&known, p, remediation.Why{
		Want: remediation.WantPolicy, Automatic: true, Replicas: replicas,
	}, n.now)
	switch {
	case answers:
	case !ok:
		return why, nil
	case planned.Method == remediation.NewKey && a.Method == planned.Method && planned.Identity() != a.Identity():
		return "The key's policy, tags, aliases, grants or replicas changed since: a sweep plans its replacement anew.", nil
	case planned.Method != a.Method || planned.PeriodDays != a.PeriodDays:
		return "Policy " + p.Name + " asks for something else by now.", nil
	}
	x, err := n.exceptedFrom(a, &known)
	if err != nil || x == nil {
		return "", err
	}
	return "The key is " + excepted(x) + ".", nil
}

// undoer is who last changed the key's schedule for the worse, as far as findings tell.
func (n *notebook) undoer(arn string) (string, error) {
	open, err := n.tx.OpenAbout(arn, maxOpenAbout)
	if err != nil {
		return "", err
	}
	for i := range open {
		if id := open[i].RuleID; id == "rotation-turned-off" || id == "rotation-period-extended" {
			return open[i].PrincipalARN, nil
		}
	}
	return "", nil
}

// ended tells how an action ended. A failure is a finding; a success is told where the finding was that started it.
func (n *notebook) ended(a *remediation.Action) error {
	n.tally.ended = append(n.tally.ended, [2]string{string(a.Method), string(a.State)})
	if err := n.countEnd(a); err != nil {
		return err
	}
	if a.State == remediation.Failed && a.Verb == remediation.Contain {
		return n.found(detection.ContainmentFailed(n.e.db.Shard(), a, n.now))
	}
	if a.State == remediation.Failed {
		return n.found(detection.RotationFailed(n.e.db.Shard(), a, n.now))
	}
	if a.Automatic && a.Guardrail == remediation.GuardSuperseded && a.State == remediation.Cancelled {
		return nil // somebody else did it, or changed what it was planned on; checks tell what is still wrong
	}
	var f *finding.Finding
	if a.FindingID != "" {
		var err error
		if f, err = n.finding(a.FindingID); err != nil {
			return err
		}
	}
	return n.tell(n.actionAlert(a, f))
}

// paused says why automatic actions are paused; "" when they are not.
func (e *Engine) paused(tx *state.Tx, settings *Settings) (string, error) {
	if settings.Paused {
		return "rotd.yaml says pause: true", nil
	}
	p, ok, err := tx.Paused()
	if err != nil || !ok {
		return "", err
	}
	return fmt.Sprintf("%s paused rotd at %s: %s", p.By, p.At.UTC().Format(time.RFC3339), p.Reason), nil
}

// armed reports whether automatic actions are allowed in a place: somebody armed the state, and an inventory saw the
// place, after the state was restored if it ever was. A place that cannot be read holds back nothing in the others, nor
// a key that cannot be read the other keys: about it nothing is known to act on.
func (e *Engine) armed(tx *state.Tx, account, region string) (bool, error) {
	if _, ok, err := tx.Armed(); err != nil || !ok {
		return false, err
	}
	restored, _, err := tx.Restored()
	if err != nil {
		return false, err
	}
	c, err := tx.Place(account, region)
	return err == nil && !c.FirstSeen.IsZero() && c.LastSeen.After(restored.At), err
}
