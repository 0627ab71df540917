package engine

import (
	"runtime/debug"
	"slices"
	"time"

	"rotd/internal/awskms"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// overTwice is how far apart two readings must be that end an episode no inverse event was seen for.
const overTwice = 5 * time.Minute

// reading keeps what was read of a key, lets the checks judge it that the reading allows, and ends the episodes that it
// shows to be over. whole says that everything about the key was read. What is older than what is known says nothing.
func (n *notebook) reading(key *inventory.Key, whole bool) error {
	before, err := n.key(key.ARN)
	if err != nil {
		return err
	}
	if before == nil && key.GoneAt != nil {
		return nil // an event named a key that there is not
	}
	if key = newest(before, key); key == nil {
		return nil
	}
	if place, err := n.e.placeOf(key.ARN); err == nil {
		key.OrgPath = place.OrgPath // whoever read it: policies match by it from the first reading on
	}
	if key.Lineage, err = n.lineage(before, key.ARN); err != nil {
		return err
	}
	key.StateSince = key.ReadAt
	if before != nil && before.State == key.State {
		key.StateSince = before.StateSince
	}
	if key.FactsAskedAt.Before(n.asked) {
		key.FactsAskedAt = time.Time{} // due at once
	}
	if err := n.chronicle(before, key); err != nil {
		return err
	}
	if err := n.untold(before, key); err != nil {
		return err
	}
	if err := n.tx.PutKey(key); err != nil {
		return err
	}
	if err := n.disabledAfterAll(key); err != nil {
		return err
	}
	n.tally.factsDue = n.tally.factsDue || key.HasCostlyFacts() && key.UseDueAt().IsZero()
	if err := n.protect(key); err != nil {
		return err
	}
	open, err := n.tx.OpenAboutKey(key, maxOpenAbout)
	if err != nil {
		return err
	}
	// A finding about an alias is over when the alias is back at the key it was taken from.
	open = slices.DeleteFunc(open, func(f finding.Finding) bool { return f.KeyARN != key.ARN })
	if key.GoneAt != nil {
		if err := n.tx.SetAssignment(key.ARN, nil); err != nil {
			return err
		}
		return n.gone(open)
	}
	if err := n.readWhenSettled(key); err != nil {
		return err
	}
	assigned, err := n.reassign(before, key)
	if err != nil {
		return err
	}
	p := n.settings.Policies.InForce(assigned, key)
	if err := n.check(key, before, p, assigned, whole, open); err != nil {
		return err
	}
	if key.ReadAt.IsZero() || before != nil && !key.ReadAt.After(before.ReadAt) {
		return nil // its state was not read again, and only what is read now shows that something is over
	}
	for i := range open {
		if err := n.over(&open[i], key, p); err != nil {
			return err
		}
	}
	return nil
}

// check lets the checks judge the key; before is the key as it was known.
func (n *notebook) check(
	key, before *inventory.Key, p *policy.Policy, assigned *policy.Assignment, whole bool, open []finding.Finding,
) error {
	c, err := n.around(key, before, p)
	if err != nil {
		return err
	}
	if assigned != nil {
		c.Moved = assigned.Pending
	}
	judged, panics := n.settings.Judge.Key(c, whole)
	for _, panicked := range panics {
		n.e.logPanic("check "+panicked.RuleID, panicked.Value, panicked.Stack)
		if err := n.found(detection.RulePanicked(n.e.db.Shard(), panicked.RuleID, panicked.Value, n.now)); err != nil {
			return err
		}
	}
	for i := range judged {
		if err := n.letOff(&judged[i], key); err != nil {
			return err
		}
		if err := n.verdict(&judged[i], key, p, open); err != nil {
			return err
		}
	}
	return nil
}

// around gathers what the checks want to know around a key.
func (n *notebook) around(key, before *inventory.Key, p *policy.Policy) (*detection.KeyContext, error) {
	if before != nil && before.ReadAt.Equal(key.ReadAt) && key.StateSince.Equal(key.ReadAt) &&
		key.FirstRead.Before(key.ReadAt) {
		// The state that was read a moment ago is new: what is read of the key now, beside its state, proves no second look.
		was := *before
		was.State = ""
		before = &was
	}
	c := &detection.KeyContext{
		Key: key, Before: before, Policy: p, Now: n.now, LastUse: n.tx.LastUse(key.ARN),
		Grace: n.settings.Guardrails.OverdueGrace, Reserve: n.settings.Guardrails.OnDemandReserve,
		Drain: n.settings.Guardrails.Drain, Imports: n.settings.Guardrails.Imports.Source != "",
		Trusted: n.settings.Trusted, Reads: n.e.inPlace,
	}
	var err error
	if key.PrimaryARN != "" && key.PrimaryARN != key.ARN {
		if c.Primary, err = n.key(key.PrimaryARN); err != nil {
			return nil, err
		}
	}
	actions, err := n.actionsOn(key.ARN, keptActions)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(actions, func(a remediation.Action) bool { return a.Missed() }); i >= 0 {
		c.Missed = &actions[i]
	}
	// A key that was just made may be read before its action knows of it.
	made, err := n.tx.Action(key.Tags[awskms.ActionTag])
	if err = n.tx.PassOver(err); err != nil {
		return nil, err
	}
	if made != nil {
		actions = append(actions, *made)
	}
	c.Replacing = slices.ContainsFunc(actions, func(a remediation.Action) bool {
		return a.Verb == remediation.Replace && !a.State.Final()
	})
	return c, nil
}

// verdict notes drift, and ends the episode of a check that is in order or no longer applies. What is unverifiable
// leaves everything as it was.
func (n *notebook) verdict(j *detection.Judged, key *inventory.Key, p *policy.Policy, open []finding.Finding) error {
	switch j.Verdict.Result {
	case detection.Drift:
		return n.foundByCheck(&j.Verdict, key, p, open)
	case detection.Unverifiable:
		return nil
	case detection.InOrder, detection.NotJudged:
	}
	for i := range open {
		if open[i].RuleID != j.Check.ID || open[i].Status != finding.Open {
			continue
		}
		switch answering, err := n.answering(&open[i]); {
		case err != nil:
			return err
		case answering:
			continue
		}
		if err := n.resolve(&open[i], j.Verdict.Reason, j.Verdict.Result == detection.NotJudged); err != nil {
			return err
		}
	}
	return nil
}

// over ends a rule's episode when KMS shows the opposite of what it warned of: once after the inverse event, otherwise
// in two readings five minutes apart.
func (n *notebook) over(f *finding.Finding, key *inventory.Key, p *policy.Policy) error {
	rule := n.settings.Judge.Rule(f.RuleID)
	if rule == nil || rule.Over == nil || f.Status != finding.Open {
		return nil
	}
	over, why := n.ruleOver(rule, f, key, p)
	switch {
	case !over && f.OverSince == nil:
		return nil
	case !over:
		f.OverSince = nil
		return n.tx.PutFinding(f)
	}
	if answering, err := n.answering(f); err != nil || answering {
		return err
	}
	switch {
	case f.Undone, f.OverSince != nil && n.now.Sub(*f.OverSince) >= overTwice:
		return n.resolve(f, why, false)
	case f.OverSince == nil:
		now := n.now
		f.OverSince = &now
		if err := n.tx.PlanReread(key.ARN, now.Add(overTwice+time.Second)); err != nil {
			return err
		}
		n.tally.rereads++
		return n.tx.PutFinding(f)
	}
	return nil
}

// ruleOver asks the rule. Its panic is contained and told, and ends nothing.
func (n *notebook) ruleOver(r *detection.Rule, f *finding.Finding, key *inventory.Key, p *policy.Policy) (
	over bool, why string,
) {
	defer func() {
		if v := recover(); v != nil {
			n.e.logPanic("rule "+r.ID, v, debug.Stack())
			over, why = false, ""
		}
	}()
	return r.Over(f, key, p)
}

// answering reports whether an action that answers the finding is under way: its end tells of both together.
func (n *notebook) answering(f *finding.Finding) (bool, error) {
	for _, id := range f.ActionIDs {
		a, err := n.tx.Action(id)
		if err = n.tx.PassOver(err); err != nil {
			return false, err
		}
		if a != nil && !a.State.Final() {
			return true, nil
		}
	}
	return false, nil
}

// gone ends every episode about a key that KMS no longer knows, but for the one that says so.
func (n *notebook) gone(open []finding.Finding) error {
	for i := range open {
		if open[i].RuleID == "key-deleted" {
			continue
		}
		if err := n.resolve(&open[i], "KMS no longer knows the key", true); err != nil {
			return err
		}
	}
	return nil
}
