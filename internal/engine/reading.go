package engine

import (
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// overTwice is how far apart two readings must be that end an episode no inverse event was seen for.
const overTwice = 5 * time.Minute

// reading keeps what was read of a key, lets the checks judge it that the reading allows, and ends the episodes that it
// shows to be over. whole says that everything about the key was read.
func (n *notebook) reading(key *inventory.Key, whole bool) error {
	if err := n.tx.PutKey(key); err != nil {
		return err
	}
	if err := n.protect(key); err != nil {
		return err
	}
	open, err := n.tx.OpenAbout(key.ARN, maxOpenAbout)
	if err != nil {
		return err
	}
	if key.GoneAt != nil {
		return n.gone(open)
	}
	p := n.settings.Policies.For(key)
	if err := n.check(key, p, whole, open); err != nil {
		return err
	}
	for i := range open {
		if err := n.over(&open[i], key, p); err != nil {
			return err
		}
	}
	return nil
}

// check lets the checks judge the key.
func (n *notebook) check(key *inventory.Key, p *policy.Policy, whole bool, open []finding.Finding) error {
	c := &detection.KeyContext{
		Key: key, Policy: p, Now: n.now, LastUse: n.tx.LastUse(key.ARN),
		Grace: n.settings.Guardrails.OverdueGrace, Trusted: n.settings.Trusted,
	}
	if key.PrimaryARN != "" && key.PrimaryARN != key.ARN {
		primary, err := n.tx.Key(key.PrimaryARN)
		if err != nil {
			return err
		}
		c.Primary = primary
	}
	judged, panics := n.settings.Judge.Key(c, whole)
	for _, panicked := range panics {
		n.e.logPanic("check "+panicked.RuleID, panicked.Value, panicked.Stack)
		if err := n.found(detection.RulePanicked(n.e.db.Shard(), panicked.RuleID, panicked.Value, n.now)); err != nil {
			return err
		}
	}
	for i := range judged {
		if err := n.verdict(&judged[i], key, p, open); err != nil {
			return err
		}
	}
	return nil
}

// verdict notes drift, and ends the episode of a check that is in order or no longer applies. What is unverifiable
// leaves everything as it was.
func (n *notebook) verdict(j *detection.Judged, key *inventory.Key, p *policy.Policy, open []finding.Finding) error {
	switch j.Verdict.Result {
	case detection.Drift:
		return n.foundByCheck(j.Verdict.Finding, key, p)
	case detection.Unverifiable:
		return nil
	case detection.InOrder, detection.NotJudged:
	}
	for i := range open {
		if open[i].RuleID != j.Check.ID || open[i].Status != finding.Open || n.answering(&open[i]) {
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
	over, why := rule.Over(f, key, p)
	switch {
	case !over && f.OverSince == nil:
		return nil
	case !over:
		f.OverSince = nil
		return n.tx.PutFinding(f)
	case n.answering(f):
		return nil
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

// answering reports whether an action that answers the finding is under way: its end tells of both together.
func (n *notebook) answering(f *finding.Finding) bool {
	for _, id := range f.ActionIDs {
		if a, err := n.tx.Action(id); err == nil && a != nil && !a.State.Final() {
			return true
		}
	}
	return false
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

// endQuiet ends the rules' episodes that nothing repeated for a day. It is told nowhere.
func (e *Engine) endQuiet(now time.Time) error {
	settings := e.Settings()
	for after := ""; ; {
		next := ""
		err := e.note(settings, now, func(n *notebook) error {
			var ids []string
			ids, next = n.tx.OpenFindings(after, 500)
			for _, id := range ids {
				f, err := n.tx.Finding(id)
				if err != nil {
					return err
				}
				if f == nil || f.EventID == "" || now.Sub(f.LastSeen) < finding.QuietAfter ||
					now.Sub(f.FirstSeen) < finding.QuietAfter {
					continue
				}
				if err := n.resolve(f, "not repeated for 24 h", true); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		after = next
	}
}
