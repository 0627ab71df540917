package engine

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

const (
	// maxPlanned bounds the actions that wait at a time; the sweeps plan the others when those are done.
	maxPlanned = 1000
	// maxTries is how often in a day the same automatic action may fail on a key before a person must look.
	maxTries = 3
	// keptActions is how many of its actions a finding names: the newest.
	keptActions = 20
)

// foundByCheck notes drift that a check found, and in enforce plans to put it right. What an event told of a moment ago
// is not told again.
func (n *notebook) foundByCheck(
	v *detection.Verdict, key *inventory.Key, p *policy.Policy, open []finding.Finding,
) error {
	respond := func(f *finding.Finding) (*remediation.Action, string, error) {
		if f.RuleID == detection.AssignmentChangedID {
			f.Remedy = append(slices.Clone(f.Remedy), "If it is meant, accept it:",
				ackCommand(f.ID, f.Move))
		}
		if p == nil || !putsRight(f.RuleID) {
			return nil, "", nil
		}
		replicas, err := n.replicas(key)
		if err != nil {
			return nil, "", err
		}
		return n.plan(key, p, f, "puts right "+f.RuleID+" as policy "+p.Name+" says", n.asPolicyAsks(key, p, replicas))
	}
	return n.record(v.Finding, how{respond: respond, told: func(points []string) string {
		return toldBy(v, points, open)
	}})
}

// toldBy is the id of an open finding that told of the verdict's points, as gravely and unexpected; "" when one of them
// was not told.
func toldBy(v *detection.Verdict, points []string, open []finding.Finding) (id string) {
	if len(points) == 0 {
		points = []string{""}
	}
	for _, point := range points {
		i := slices.IndexFunc(open, func(f finding.Finding) bool {
			return slices.Contains(v.Told[point], f.Fingerprint) && f.Status == finding.Open && !f.Expected &&
				!f.Hidden && f.Severity >= v.Finding.Severity
		})
		if i < 0 {
			return ""
		}
		id = open[i].ID
	}
	return id
}

// putsRight says which drift rotd puts right by itself in enforce.
func putsRight(checkID string) bool {
	switch checkID {
	case "rotation-disabled", "rotation-period-too-long", "rotation-overdue":
		return true
	}
	return false
}

// planner makes the action that somebody asks for; without one, why says why.
type planner func(remediation.Why) (planned remediation.Action, ok bool, why string)

// asPolicyAsks plans what the key lacks of its policy; a new key needs the replicas of the old one.
func (n *notebook) asPolicyAsks(key *inventory.Key, p *policy.Policy, replicas []*inventory.Key) planner {
	return func(why remediation.Why) (remediation.Action, bool, string) {
		why.Want, why.Replicas = remediation.WantPolicy, replicas
		return n.planner().Plan(key, p, why, n.now)
	}
}

// plan makes an automatic action of a finding, unless the same or another one is already under way on the key. Where
// nothing is planned, why says so.
func (n *notebook) plan(
	key *inventory.Key, p *policy.Policy, f *finding.Finding, reason string, ask planner,
) (action *remediation.Action, why string, err error) {
	if !key.NamesTold() {
		return nil, "KMS refuses rotd the key's tags or aliases, by which policies match: another policy may be meant, " +
			"and rotd does nothing by itself.", nil
	}
	if !n.settled(key) {
		return nil, "The key is new: its tags and aliases, by which policies match, count when they are read after " +
			n.settlesAt(key).Format(time.RFC3339) + " (guardrails.grace).", nil
	}
	if p.Mode == policy.Observe {
		return nil, "Policy " + p.Name + " is in mode " + string(p.Mode) + ": rotd only watches.", nil
	}
	planned, ok, why := ask(remediation.Why{
		Automatic: true, Requester: remediation.Who{Name: "rotd"}, Reason: reason, FindingID: f.ID,
	})
	if !ok {
		return nil, why, nil
	}
	x, err := n.exceptedFrom(&planned, key)
	switch {
	case err != nil:
		return nil, "", err
	case x != nil:
		return nil, "The key is " + excepted(x) + ".", nil
	}
	pending, err := n.unfinished(key.ARN)
	if err != nil {
		return nil, "", err
	}
	if pending == nil {
		if why, err := n.hindrance(&planned, key, f); why != "" || err != nil {
			return nil, why, err
		}
		planned.ID = n.e.newID("act_", n.now)
		if err := n.putAction(nil, &planned, nil); err != nil {
			return nil, "", err
		}
		n.tally.actions++
		pending = &planned
	} else if pending.Method == "" {
		return nil, "The record of action " + pending.ID + " on this key cannot be read, and it may be under way: " +
			"a person decides.", nil
	} else if pending.Method != planned.Method {
		return pending, "", nil
	}
	if !slices.Contains(f.ActionIDs, pending.ID) {
		f.ActionIDs = append(f.ActionIDs, pending.ID)
		f.ActionIDs = f.ActionIDs[max(0, len(f.ActionIDs)-keptActions):]
	}
	return pending, "", nil
}

// hindrance says why an automatic action is not even planned: a guardrail would refuse it, it failed before, or too
// many wait already. "" when nothing hinders it.
func (n *notebook) hindrance(
	planned *remediation.Action, key *inventory.Key, f *finding.Finding,
) (string, error) {
	if why, err := n.triedBefore(planned); why != "" || err != nil {
		return why, err
	}
	facts, err := n.facts(planned)
	if err != nil {
		return "", err
	}
	g, err := n.guardrails()
	if err != nil {
		return "", err
	}
	facts.Now, facts.Key = n.now, key
	if f.PrincipalARN != "" {
		facts.UndoneBy = f.PrincipalARN
	}
	switch d := g.Decide(planned, facts); d.Verdict {
	case remediation.Refuse:
		n.stopped("", d.Guardrail, planned)
		return d.Reason, nil
	case remediation.NeedsApproval: // told with the finding; it is asked for once the key was read
		n.stopped("", d.Guardrail, planned)
		planned.Guardrail, planned.Waiting = d.Guardrail, d.Reason
	case remediation.Allow, remediation.Wait:
	}
	if n.planned == 0 {
		waiting, err := n.tx.PendingActions(maxPlanned)
		if err != nil {
			return "", err
		}
		n.planned = len(waiting)
	}
	if n.planned >= maxPlanned {
		return fmt.Sprintf("%d actions wait already; a sweep plans this one when they are done.", maxPlanned), nil
	}
	n.planned++
	return "", nil
}

// triedBefore says why the same action is not tried again on a key that is as it was: a call for new material that KMS
// may have acted on is for a person to look into, and what fails again and again is too. What nobody approved is not
// proposed again for a day.
func (n *notebook) triedBefore(planned *remediation.Action) (why string, err error) {
	earlier, err := n.actionsOn(planned.KeyARN, keptActions)
	if err != nil {
		return "", err
	}
	failures := 0
	for i := range earlier {
		a := &earlier[i]
		if planned.Method == remediation.NewKey && a.Verb == remediation.Replace && a.KeyARN == planned.KeyARN &&
			len(a.Asked()) > 0 {
			return fmt.Sprintf("Action %s (%s) %s: whether the key is replaced again a person decides (rotd replace, which "+
				"goes on with the key that was made).", a.ID, a.Method, a.State), nil
		}
		if a.Identity() == planned.Identity() && a.Unapproved() && n.now.Sub(*a.Ended) < 24*time.Hour {
			return fmt.Sprintf("Nobody approved action %s in time: rotd proposes it again in a day.", a.ID), nil
		}
		if a.State != remediation.Failed || a.Identity() != planned.Identity() {
			continue
		}
		if a.Missed() {
			return fmt.Sprintf("Action %s asked for it and KMS never showed the effect: a person decides.", a.ID), nil
		}
		if a.Automatic && a.Ended != nil && n.now.Sub(*a.Ended) < 24*time.Hour {
			failures++
		}
	}
	if failures >= maxTries {
		return fmt.Sprintf("It failed %d times within a day: rotd does not try again before a person looked.", failures),
			nil
	}
	return "", nil
}

// unfinished returns the action under way on a key, if any.
func (n *notebook) unfinished(arn string) (*remediation.Action, error) {
	actions, err := n.actionsOn(arn, keptActions)
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
