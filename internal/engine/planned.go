package engine

import (
	"fmt"
	"strconv"
	"time"

	"rotd/internal/audit"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/usage"
)

// Planned is what a request to rotate, replace or contain a key, or to undo that, would do, or does.
type Planned struct {
	Key      inventory.Key        `json:"key"`
	Eligible remediation.Eligible `json:"eligible"`
	Action   *remediation.Action  `json:"action,omitempty"`    // nil when nothing can or need be done
	Decision remediation.Decision `json:"decision"`            // allow without an action: all is as asked for already
	NoAction string               `json:"no_action,omitempty"` // why there is nothing to do
	LastUse  time.Time            `json:"last_use,omitzero"`
	Used     *usage.Brief         `json:"used,omitempty"` // by whom, in the last 30 days; nil: not known
	Left     int                  `json:"on_demand_left"`
	Reserve  int                  `json:"on_demand_reserve"`
	Cost     string               `json:"cost"`
	Material string               `json:"material,omitempty"` // what is imported, from where, until when
	Breaks   string               `json:"breaks"`
	Request  string               `json:"request,omitempty"`  // hash of what is asked for, for a proof of an AWS identity
	Warnings []string             `json:"warnings,omitempty"` // what the person may not expect to come of it
	// Identity and Impact are of containments: the same for two plans of the same measures on the key in the same
	// condition; who uses the key, and what each measure breaks.
	Identity string             `json:"identity,omitempty"`
	Impact   *impact.Assessment `json:"impact,omitempty"`
}

// request is what a person asks for about a key, as the audit log tells it.
type request struct {
	requested, refused audit.Event
	requester          remediation.Who
	// proven is the hash of the request that requester proved an AWS identity for; empty: none was proven.
	proven   string
	incident string
	dryRun   bool
	detail   map[string]string
}

// yes is "true", or "" for what is not so.
func yes(so bool) string {
	if !so {
		return ""
	}
	return "true"
}

// days is a number of days as a text, "" for none.
func days(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// ask has a plan made of what a person asks for about a key, and unless it is a dry run or refused begins it.
func (e *Engine) ask(arn string, r *request, plan func(*notebook) (*Planned, error)) (made *Planned, err error) {
	now := time.Now().UTC()
	used := e.usedBy(arn, now)
	e.deciding.Lock()
	defer e.deciding.Unlock()
	err = e.note(now, func(n *notebook) error {
		if err := n.forIncident(r.incident); err != nil {
			return err
		}
		made, err = plan(n)
		if err != nil {
			return err
		}
		made.Used = used
		made.approvable(r.dryRun)
		if r.dryRun {
			return nil
		}
		if r.proven != "" && r.proven != made.Request {
			return fmt.Errorf("%w: look at the plan, and ask again", ErrPlanMoved)
		}
		begins := made.Action != nil && made.Decision.Verdict != remediation.Refuse
		switch {
		case begins:
			made.Action.ID = e.newID("act_", now)
		case made.Action != nil:
			n.stopped("", made.Decision.Guardrail, made.Action)
		}
		if err := n.auditRequest(r, made); err != nil || !begins {
			return err
		}
		if r.incident != "" {
			if err := n.join(r.incident, made.Action.ID, arn); err != nil {
				return err
			}
		}
		n.tally.actions++
		return n.begin(made.Action, made.Decision)
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// approvable refuses a plan that needs an approval which nobody could give. A dry run only warns of that: it comes
// before an AWS identity is proven.
func (p *Planned) approvable(dryRun bool) {
	if p.Action == nil {
		return
	}
	switch d := p.Decision.Approvable(p.Action); {
	case d.Guardrail != remediation.GuardNoPerson:
	case dryRun:
		p.Warnings = append(p.Warnings, d.Reason)
	default:
		p.Decision = d
	}
}

// planAbout is a plan that says what is known of its key, and nothing of what is done.
func (n *notebook) planAbout(key *inventory.Key) *Planned {
	return &Planned{
		Key: *key, Eligible: remediation.Eligibility(key), LastUse: n.tx.LastUse(key.ARN),
		Left: inventory.OnDemandLimit - key.Rotation.OnDemandUsed(), Reserve: n.settings.Guardrails.OnDemandReserve,
	}
}

// cannot says why nothing can be done.
func (p *Planned) cannot(reason string) *Planned {
	p.NoAction = reason
	p.Decision = remediation.Decision{
		Verdict: remediation.Refuse, Guardrail: remediation.GuardNotEligible, Reason: reason,
	}
	return p
}

// judged gives a plan its action, and what the guardrails say of it on the key as just read.
func (n *notebook) judged(plan *Planned, action *remediation.Action, key *inventory.Key) error {
	g, err := n.guardrails()
	if err != nil {
		return err
	}
	facts, err := n.facts(action)
	if err != nil {
		return err
	}
	facts.Key = key
	plan.Action, plan.Decision, plan.Request = action, g.Decide(action, facts), action.Request()
	return nil
}
