package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/awskms"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// ErrUnknownAction is a request about an action that rotd does not know.
var ErrUnknownAction = errors.New("unknown action")

// ContainRequest is a person's request to hold a key, or to take back what an earlier one did.
type ContainRequest struct {
	Key            string // id, ARN, alias or alias ARN
	CancelDeletion bool
	RevokeGrants   []string // ids
	RevokeAll      bool
	RetireAliases  []string // alias/…
	Disable        bool
	Undo           string // id of the containment to take back, instead of the measures
	Reason         string
	Ticket         string
	Incident       string // id of the incident it is for
	Emergency      bool
	Requester      remediation.Who
	DryRun         bool
	// Identity is that of the plan that the person saw: another one is refused. Empty: whatever the plan is.
	Identity string
}

// ContainPlan is what a request would do, or does.
type ContainPlan struct {
	Key      inventory.Key        `json:"key"`
	Action   *remediation.Action  `json:"action,omitempty"` // nil when nothing can be done, or no measure was chosen
	Decision remediation.Decision `json:"decision"`
	NoAction string               `json:"no_action,omitempty"` // why there is nothing to do
	Identity string               `json:"identity,omitempty"`
	Impact   *impact.Assessment   `json:"impact"` // who uses the key, and what each measure breaks
}

// Contain plans what a person chose to have done to the key as KMS shows it now, with its grants and aliases, and
// unless it is a dry run or refused begins it. The action goes on by itself; WaitAction waits for its end.
func (e *Engine) Contain(ctx context.Context, r ContainRequest) (*ContainPlan, error) {
	if strings.TrimSpace(r.Reason) == "" && !r.DryRun {
		return nil, ErrNoReason
	}
	arn, err := e.ResolveKey(r.Key)
	if err != nil {
		return nil, err
	}
	key, err := e.readHeld(ctx, arn)
	if err != nil {
		return nil, fmt.Errorf("read the key before planning: %w", err)
	}
	now := time.Now().UTC()
	e.deciding.Lock()
	defer e.deciding.Unlock()
	var plan *ContainPlan
	err = e.note(now, func(n *notebook) error {
		if r.Incident != "" {
			if _, err := n.openIncident(r.Incident); err != nil {
				return err
			}
		}
		plan, err = n.planContain(key, &r)
		if err != nil || r.DryRun {
			return err
		}
		begins := plan.Decision.Verdict != remediation.Refuse
		if begins {
			plan.Action.ID = e.newID("act_", now)
		}
		if err := n.auditContain(&r, plan); err != nil || !begins {
			return err
		}
		if r.Incident != "" {
			if err := n.join(r.Incident, plan.Action.ID, arn); err != nil {
				return err
			}
		}
		n.tally.actions++
		return n.begin(plan.Action, plan.Decision)
	})
	if err != nil {
		return nil, err
	}
	return plan, nil
}

// readHeld reads what a containment of a key is planned on: its state, its grants, its aliases.
func (e *Engine) readHeld(ctx context.Context, arn string) (*inventory.Key, error) {
	place, err := e.placeOf(arn)
	if err != nil {
		return nil, err
	}
	prev := e.knownKey(arn)
	if prev == nil {
		prev = &inventory.Key{ARN: arn}
	}
	kms := place.KMS.In(awskms.Act)
	key, err := kms.ReadHeld(ctx, prev, remediation.MaxRevoked)
	if err != nil || key.GoneAt != nil {
		return key, err
	}
	switch aliases, err := kms.AliasesOf(ctx, arn); {
	case err == nil:
		key.Aliases = aliases
	case awskms.Classify(err) != awskms.AccessDenied: // those known are as good as it gets
		return nil, err
	}
	return key, nil
}

// planContain makes the plan and asks the guardrails.
func (n *notebook) planContain(key *inventory.Key, r *ContainRequest) (*ContainPlan, error) {
	facts, err := n.e.ImpactFacts(n.tx, key, n.now)
	if err != nil {
		return nil, err
	}
	plan := &ContainPlan{Key: *key, Impact: impact.Assess(facts)}
	action, reason, err := n.held(key, r)
	if err != nil {
		return nil, err
	}
	if reason != "" {
		plan.NoAction = reason
		plan.Decision = remediation.Decision{
			Verdict: remediation.Refuse, Guardrail: remediation.GuardNotEligible, Reason: reason,
		}
		return plan, nil
	}
	plan.Action, plan.Identity = action, action.Identity()
	if r.Identity != "" && r.Identity != plan.Identity {
		plan.Decision = remediation.Decision{
			Verdict: remediation.Refuse, Guardrail: remediation.GuardSuperseded,
			Reason: "The key is not as it was when the plan was shown: its state, grants or aliases changed. Look again.",
		}
		return plan, nil
	}
	g, err := n.guardrails()
	if err != nil {
		return nil, err
	}
	judged, err := n.facts(action)
	if err != nil {
		return nil, err
	}
	judged.Key = key
	plan.Decision = g.Decide(action, judged)
	return plan, nil
}

// held makes the action that a request asks for; reason says why there is none.
func (n *notebook) held(key *inventory.Key, r *ContainRequest) (a *remediation.Action, reason string, err error) {
	if key.WasDenied("DescribeKey") {
		return nil, "KMS does not describe the key to rotd. Let rotd's role call kms:DescribeKey, in IAM and in the key " +
			"policy.", nil
	}
	p, err := n.policyOf(key)
	if err != nil {
		return nil, "", err
	}
	why := remediation.Why{
		Requester: r.Requester, Reason: r.Reason, Ticket: r.Ticket, Emergency: r.Emergency, Incident: r.Incident,
	}
	var (
		planned remediation.Action
		ok      bool
	)
	if r.Undo != "" {
		earlier, err := n.tx.Action(r.Undo)
		switch {
		case err != nil:
			return nil, "", err
		case earlier == nil:
			return nil, "", fmt.Errorf("%w %q; `rotd actions list --key %s` shows those of the key", ErrUnknownAction, r.Undo,
				key.ID)
		}
		planned, ok, reason = remediation.PlanRelease(key, p, earlier, why, n.now)
	} else {
		planned, ok, reason = remediation.PlanContain(key, p, remediation.Containment{
			CancelDeletion: r.CancelDeletion, RevokeGrants: r.RevokeGrants, RevokeAll: r.RevokeAll,
			RetireAliases: r.RetireAliases, Disable: r.Disable,
		}, why, n.now)
	}
	if !ok {
		return nil, reason, nil
	}
	return &planned, "", nil
}

// auditContain writes down a person's request, and what the guardrails said.
func (n *notebook) auditContain(r *ContainRequest, plan *ContainPlan) error {
	e := audit.Entry{Actor: r.Requester.Name, Event: audit.ContainRequested, Key: plan.Key.ARN, Incident: r.Incident}
	pairs := []string{
		"reason", r.Reason, "ticket", r.Ticket, "emergency", strconv.FormatBool(r.Emergency), "measures", r.measures(),
		"undo", r.Undo,
	}
	if plan.Decision.Verdict == remediation.Refuse {
		e.Event = audit.ContainRefused
		pairs = append(pairs, "guardrail", plan.Decision.Guardrail, "because", plan.Decision.Reason)
	} else {
		e.Action = plan.Action.ID
	}
	e.Detail = texts(pairs...)
	return n.audit(e)
}

// measures are the chosen ones, by their flags.
func (r *ContainRequest) measures() string {
	var all []string
	if r.CancelDeletion {
		all = append(all, "--cancel-deletion")
	}
	for _, alias := range r.RetireAliases {
		all = append(all, "--retire-alias "+alias)
	}
	for _, id := range r.RevokeGrants {
		all = append(all, "--revoke "+id)
	}
	if r.RevokeAll {
		all = append(all, "--revoke-all")
	}
	if r.Disable {
		all = append(all, "--disable")
	}
	return strings.Join(all, " ")
}
