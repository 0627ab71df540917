package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

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
	BreakGlass     bool // with Emergency
	Requester      remediation.Who
	// Proven is the hash of the request that Requester proved an AWS identity for; empty: none was proven.
	Proven string
	DryRun bool
	// Identity is that of the plan that the person saw: another one is refused. Empty: whatever the plan is.
	Identity string
}

// Contain plans what a person chose to have done to the key as KMS shows it now, with its grants and aliases, and
// unless it is a dry run or refused begins it. The action goes on by itself; WaitAction waits for its end.
func (e *Engine) Contain(ctx context.Context, r ContainRequest) (*Planned, error) {
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
	asked := &request{audit.ContainRequested, audit.ContainRefused, r.Requester, r.Proven, r.Incident, r.DryRun, texts(
		"reason", r.Reason, "ticket", r.Ticket, "emergency", strconv.FormatBool(r.Emergency), "break_glass",
		yes(r.BreakGlass), "measures", r.measures(), "undo", r.Undo)}
	return e.ask(arn, asked, func(n *notebook) (*Planned, error) { return n.planContain(key, &r) })
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
func (n *notebook) planContain(key *inventory.Key, r *ContainRequest) (*Planned, error) {
	facts, err := n.e.ImpactFacts(n.tx, key, n.now)
	if err != nil {
		return nil, err
	}
	plan := n.planAbout(key)
	plan.Impact = impact.Assess(facts)
	plan.Breaks = "Whatever needs what the measures take away: the impact says who that is, and until when it can be " +
		"undone."
	plan.Cost = "nothing"
	action, reason, err := n.held(key, r)
	switch {
	case err != nil:
		return nil, err
	case reason != "":
		return plan.cannot(reason), nil
	}
	if err := n.judged(plan, action, key); err != nil {
		return nil, err
	}
	plan.Identity = action.Identity()
	if r.Identity != "" && r.Identity != plan.Identity {
		plan.Decision = remediation.Decision{
			Verdict: remediation.Refuse, Guardrail: remediation.GuardSuperseded,
			Reason: "The key is not as it was when the plan was shown: its state, grants or aliases changed. Look again.",
		}
	}
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
		BreakGlass: r.BreakGlass,
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
