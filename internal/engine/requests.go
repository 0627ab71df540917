package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// Errors a person's request can meet.
var (
	ErrUnknownKey = errors.New("unknown key")
	ErrAmbiguous  = errors.New("ambiguous key name")
	ErrNoReason   = errors.New("a reason is required")
	ErrPlanMoved  = errors.New("what was signed is not what would be done now")
)

// RotateRequest is a person's request to rotate a key.
type RotateRequest struct {
	Key           string // id, ARN, alias or alias ARN
	AutomaticDays int    // set the schedule to this period instead of making new material now; 0: new material
	Reason        string
	Ticket        string
	Incident      string // id of the incident it is for
	Emergency     bool
	BreakGlass    bool // with Emergency
	Requester     remediation.Who
	DryRun        bool
	// Proven is the hash of the request that Requester proved an AWS identity for; empty: none was proven.
	Proven string
}

// Rotate plans what a person asks for on the key as KMS shows it now, and unless it is a dry run or refused begins it.
// The action goes on by itself; WaitAction waits for its end.
func (e *Engine) Rotate(ctx context.Context, r RotateRequest) (*Planned, error) {
	if strings.TrimSpace(r.Reason) == "" && !r.DryRun {
		return nil, ErrNoReason
	}
	arn, err := e.ResolveKey(r.Key)
	if err != nil {
		return nil, err
	}
	key, replica, err := e.readRotated(ctx, arn)
	if err != nil {
		return nil, fmt.Errorf("read the key before planning: %w", err)
	}
	asked := &request{audit.RotateRequested, audit.RotateRefused, r.Requester, r.Proven, r.Incident, r.DryRun, texts(
		"reason", r.Reason, "ticket", r.Ticket, "emergency", strconv.FormatBool(r.Emergency), "break_glass",
		yes(r.BreakGlass),
		"automatic_days", days(r.AutomaticDays))}
	return e.ask(key.ARN, asked, func(n *notebook) (*Planned, error) {
		plan, err := n.planForPerson(key, r)
		if plan != nil {
			plan.Warnings = append(n.routed(key, replica), plan.Warnings...)
		}
		return plan, err
	})
}

// planForPerson makes the plan and asks the guardrails.
func (n *notebook) planForPerson(key *inventory.Key, r RotateRequest) (*Planned, error) {
	g, err := n.guardrails()
	if err != nil {
		return nil, err
	}
	p, err := n.policyOf(key)
	if err != nil {
		return nil, err
	}
	why := remediation.Why{
		Want: remediation.WantMaterial, Requester: r.Requester, Reason: r.Reason, Ticket: r.Ticket, Emergency: r.Emergency,
		Incident: r.Incident, BreakGlass: r.BreakGlass,
	}
	if r.AutomaticDays > 0 {
		why.Want, why.PeriodDays = remediation.WantSchedule, r.AutomaticDays
	}
	plan := n.planAbout(key)
	plan.Breaks = "Nothing: callers keep working, old ciphertext stays decryptable with the old material inside the " +
		"key. Rotation re-encrypts nothing and cuts nobody off."
	plan.Cost = cost(key, why.Want)
	action, ok, reason := g.Plan(key, p, why, n.now)
	if !ok {
		if why.Want == remediation.WantSchedule && plan.Eligible.Automatic && remediation.Scheduled(key, why.PeriodDays) {
			plan.NoAction, plan.Decision = reason, remediation.Decision{Verdict: remediation.Allow, Reason: reason}
			return plan, nil
		}
		return plan.cannot(reason), nil
	}
	if err := n.judged(plan, &action, key); err != nil {
		return nil, err
	}
	plan.Material = importing(&action, g.Imports.Source)
	if why.Want == remediation.WantSchedule && g.PutsBack(p, why.PeriodDays) {
		plan.Warnings = append(plan.Warnings, fmt.Sprintf("Policy %s asks for %dd and is in mode enforce: rotd will set "+
			"it back. Change the policy instead.", p.Name, p.Rotation.PeriodDays()))
	}
	return plan, nil
}

// cost says what new material costs: KMS charges a key's first and second rotation, later ones are free.
func cost(key *inventory.Key, want remediation.Want) string {
	if want != remediation.WantMaterial {
		return "none now; each of the key's first two rotations adds one key's monthly fee"
	}
	if key.Rotation != nil && len(key.Rotation.History) >= 2 {
		return "none: only a key's first two rotations are charged"
	}
	return "one key's monthly fee more, from now on (KMS charges a key's first and second rotation)"
}

// WaitAction returns an action once it is final, or as it is when ctx ends or the time is over.
func (e *Engine) WaitAction(ctx context.Context, id string, atMost time.Duration) (*remediation.Action, error) {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	for {
		moved := e.changed.wait()
		var a *remediation.Action
		err := e.db.View(func(tx *state.Tx) (err error) { a, err = tx.Action(id); return err })
		if err != nil || a == nil || a.State.Final() || atMost <= 0 {
			return a, err
		}
		select {
		case <-moved:
		case <-timer.C:
			return a, nil
		case <-ctx.Done():
			return a, nil
		}
	}
}

// ResolveKey finds the one key a person means: by id, ARN, alias or alias ARN.
func (e *Engine) ResolveKey(name string) (string, error) {
	account, region, short := "", "", name
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":", 6)
		if len(parts) != 6 || parts[2] != "kms" {
			return "", fmt.Errorf("%w %q: it is no KMS ARN", ErrUnknownKey, name)
		}
		region, account = parts[3], parts[4]
		short = strings.TrimPrefix(parts[5], "key/")
	}
	var found []string
	err := e.db.View(func(tx *state.Tx) error {
		for _, place := range e.Places() {
			if account != "" && (place.Account != account || place.Region != region) {
				continue
			}
			if arn := tx.Resolve(place.Account, place.Region, short); arn != "" {
				found = append(found, arn)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return "", err
	case len(found) == 0 && account != "" && !e.hasPlace(account, region):
		return "", fmt.Errorf("%w %q: rotd does not look after account %s in %s (accounts in rotd.yaml)", ErrUnknownKey, name,
			account, region)
	case len(found) == 0:
		return "", fmt.Errorf("%w %q: it is in none of the configured accounts and Regions; "+
			"`rotd keys list` shows those that are, `rotd sweep inventory` looks again", ErrUnknownKey, name)
	case len(found) > 1:
		return "", fmt.Errorf("%w %q: %d keys have it, give the ARN of one: %s", ErrAmbiguous, name, len(found),
			strings.Join(found, ", "))
	}
	return found[0], nil
}

// Pause stops automatic actions until Resume; it survives restarts. incident is what it is for; "": none.
func (e *Engine) Pause(by, reason, incident string) error {
	if strings.TrimSpace(reason) == "" {
		return ErrNoReason
	}
	return e.note(time.Now().UTC(), func(n *notebook) error {
		if err := n.forIncident(incident); err != nil {
			return err
		}
		if err := n.audit(audit.Entry{
			Actor: by, Event: audit.Paused, Incident: incident, Detail: texts("reason", reason),
		}); err != nil {
			return err
		}
		return n.tx.SetPause(&state.Pause{At: n.now, By: by, Reason: reason})
	})
}

// Resume ends a pause, closes the circuit breaker, and arms a new state. incident is what it is for; "": none.
func (e *Engine) Resume(by, incident string) error {
	return e.note(time.Now().UTC(), func(n *notebook) error {
		if err := n.forIncident(incident); err != nil {
			return err
		}
		if err := n.auditResume(by, incident); err != nil {
			return err
		}
		if err := n.tx.SetPause(nil); err != nil {
			return err
		}
		if err := n.tx.Arm(state.Arming{At: n.now, By: by}); err != nil {
			return err
		}
		recovered := detection.StateRecovered(n.e.db.Shard(), "", "", n.now)
		if err := n.resolveByFingerprint(recovered.Fingerprint, by+" armed the new state", false); err != nil {
			return err
		}
		if err := n.closeBreaker(by, by+" resumed"); err != nil {
			return err
		}
		return n.release(remediation.GuardNotArmed, remediation.GuardPaused)
	})
}

// release lets the actions go on at once that waited for a guardrail which no longer holds them.
func (n *notebook) release(guardrails ...string) error {
	pending, err := n.tx.PendingActions(maxPending)
	if err != nil {
		return err
	}
	n.tally.actions++ // wakes the action worker
	for i := range pending {
		if !slices.Contains(guardrails, pending[i].Guardrail) {
			continue
		}
		pending[i].NotBefore = time.Time{}
		if err := n.tx.PutAction(&pending[i]); err != nil {
			return err
		}
	}
	return nil
}
