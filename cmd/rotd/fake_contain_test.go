package main

import (
	"context"
	"fmt"
	"time"

	"rotd/internal/admin"
	"rotd/internal/impact"
	"rotd/internal/remediation"
)

// earlier is the id of a containment that was done before.
const earlier = "act_01JPK00000000000000000HELD"

// Contain plans on the key of the impact tests.
func (d *fakeDaemon) Contain(_ context.Context, r admin.ContainRequest) (*admin.Planned, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Key == "alias/unknown" {
		return nil, admin.As(admin.ErrNotFound, fmt.Errorf("unknown key %q", r.Key))
	}
	d.contained = append(d.contained, r)
	facts := d.facts()
	plan := &admin.Planned{
		Key: *facts.Key, Impact: impact.Assess(facts), Eligible: remediation.Eligibility(facts.Key), Cost: "nothing",
		Breaks: "Whatever needs what the measures take away.", Left: 24, Reserve: 5,
	}
	why := remediation.Why{
		Requester: remediation.Who{Name: "uid:1000 (ann)"}, Reason: r.Reason, Ticket: r.Ticket, Emergency: r.Emergency,
		Incident: r.Incident, BreakGlass: r.BreakGlass,
	}
	chosen := remediation.Containment{
		CancelDeletion: r.CancelDeletion, RevokeGrants: r.RevokeGrants, RevokeAll: r.RevokeAll,
		RetireAliases: r.RetireAliases, Disable: r.Disable,
	}
	a, ok, reason := remediation.PlanContain(facts.Key, nil, chosen, why, noon)
	if r.Undo == earlier {
		done := before(day)
		a, ok, reason = remediation.PlanRelease(facts.Key, nil, &remediation.Action{
			ID: earlier, Verb: remediation.Contain, KeyARN: payARN, Calls: []remediation.Call{
				{Operation: remediation.DeleteAlias, KeyARN: payARN, Alias: "alias/pay-gone", Done: &done},
				{Operation: remediation.DisableKey, KeyARN: payARN, Done: &done},
			},
		}, why, noon)
	}
	if !ok {
		plan.NoAction = reason
		plan.Decision = remediation.Decision{
			Verdict: remediation.Refuse, Guardrail: remediation.GuardNotEligible, Reason: reason,
		}
		return plan, nil
	}
	plan.Action, plan.Identity, plan.Request, plan.Decision = &a, a.Identity(), a.Request(), d.plan.Decision
	if d.begun != nil && !r.DryRun {
		plan.Decision = d.begun.Decision
	}
	if !r.DryRun {
		a.ID = "act_01JPK00000000000000000NEW2"
		if plan.Decision.Verdict == remediation.NeedsApproval {
			a = remediation.Ask(a, plan.Decision, remediation.Guardrails{ApprovalTTL: 4 * time.Hour}, noon)
		}
		d.plan.Action = &a
	}
	return plan, nil
}

// finish makes an action one that has ended: done, or broken off at its last call.
func (d *fakeDaemon) finish(a *remediation.Action) {
	done := noon
	a.Calls = append([]remediation.Call(nil), a.Calls...)
	a.Outcome = "Done: all of it."
	for i := range a.Calls {
		a.Calls[i].Done = &done
	}
	if last := &a.Calls[len(a.Calls)-1]; a.State == remediation.Failed {
		last.Done = nil
		a.Outcome = "KMS refuses rotd the call. Done: the rest. Not done: " + last.Words() + "."
	}
}
