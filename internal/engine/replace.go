package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rotd/internal/audit"
	"rotd/internal/awskms"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/internal/usage"
)

// ReplaceRequest is a person's request to replace a key by a new one.
type ReplaceRequest struct {
	Key           string // id, ARN, alias or alias ARN
	Spec          string // of the new key; empty: the old key's
	WithoutGrants bool   // leave grants to those who made them
	Reason        string
	Ticket        string
	Incident      string // id of the incident it is for
	Emergency     bool
	BreakGlass    bool // with Emergency
	Requester     remediation.Who
	// Proven is the hash of the request that Requester proved an AWS identity for; empty: none was proven.
	Proven string
	DryRun bool
}

// UndoAliasRequest is a person's request to move the aliases back that a replacement moved.
type UndoAliasRequest struct {
	Name      string // id of the replacement's action; or id, ARN, alias or alias ARN of the old key or of the new one
	Reason    string
	Ticket    string
	Incident  string // id of the incident it is for
	Emergency bool
	// BreakGlass and Proven are as of ReplaceRequest.
	BreakGlass bool
	Requester  remediation.Who
	Proven     string
	DryRun     bool
}

// ErrMoved says that what a plan is made from changed while it was made.
var ErrMoved = errors.New("an action on the key has just moved on; look at the plan again")

// Replace plans the key's replacement on the key as KMS shows it now, and unless it is a dry run or refused begins it.
func (e *Engine) Replace(ctx context.Context, r ReplaceRequest) (*Planned, error) {
	if strings.TrimSpace(r.Reason) == "" && !r.DryRun {
		return nil, ErrNoReason
	}
	arn, err := e.ResolveKey(r.Key)
	if err != nil {
		return nil, err
	}
	key, err := e.readWholeIn(ctx, arn, awskms.Act)
	if err != nil {
		return nil, fmt.Errorf("read the key before planning: %w", err)
	}
	how := remediation.Replacement{Spec: r.Spec, WithoutGrants: r.WithoutGrants}
	for _, replica := range key.ReplicaARNs {
		if !e.inPlace(replica) {
			continue // the plan says so
		}
		k, err := e.readWholeIn(ctx, replica, awskms.Act)
		if err != nil {
			return nil, fmt.Errorf("read the replica %s before planning: %w", replica, err)
		}
		how.Replicas = append(how.Replicas, k)
	}
	begun, err := e.begunReplacement(ctx, key)
	if err != nil {
		return nil, err
	}
	how.Made, how.Claimed = begun.made, begun.claimed
	asked := &request{audit.ReplaceRequested, audit.ReplaceRefused, r.Requester, r.Proven, r.Incident, r.DryRun, texts(
		"reason", r.Reason, "ticket", r.Ticket, "emergency", strconv.FormatBool(r.Emergency), "break_glass",
		yes(r.BreakGlass), "spec", r.Spec,
		"without_grants", strconv.FormatBool(r.WithoutGrants))}
	return e.ask(arn, asked, func(n *notebook) (*Planned, error) {
		if latest, err := latestAction(n.tx, arn); err != nil || latest != begun.latest {
			return nil, errors.Join(err, ErrMoved)
		}
		if how.Made != nil { // which aliases it has says under which policy this is
			if err := n.reading(how.Made, true); err != nil {
				return nil, err
			}
		}
		return n.replacePlan(key, how, remediation.Why{
			Requester: r.Requester, Reason: r.Reason, Ticket: r.Ticket, Emergency: r.Emergency,
			Incident: r.Incident, BreakGlass: r.BreakGlass,
		})
	})
}

// replacePlan makes the plan of a replacement and asks the guardrails.
func (n *notebook) replacePlan(key *inventory.Key, how remediation.Replacement, why remediation.Why) (
	*Planned, error,
) {
	known := &remediation.Action{}
	if how.Made != nil {
		known.NewKeyARN = how.Made.ARN
	}
	under, err := n.underItsAliases(key, known)
	if err != nil {
		return nil, err
	}
	p, err := n.policyOf(under)
	if err != nil {
		return nil, err
	}
	plan := n.planAbout(key)
	plan.Breaks = "Nothing at once: the old key stays enabled, and what it has encrypted or signed still needs it. " +
		"Whoever uses an alias encrypts or signs with the new key from then on; a public key that somebody keeps a copy " +
		"of, and whoever names the key by id or ARN, stays with the old one."
	plan.Cost = "one more key's monthly fee: the old key stays"
	action, ok, reason, warnings := remediation.PlanReplace(key, p, how, why, n.now)
	if !ok {
		return plan.cannot(reason), nil
	}
	named, err := n.namedByID(key.ARN)
	if err != nil {
		return nil, err
	}
	carried, err := n.carriedOver(key)
	if err != nil {
		return nil, err
	}
	plan.Warnings = slices.Concat(carried, warnings, named)
	return plan, n.judged(plan, &action, key)
}

// namedByID warns of those who used a key lately without naming it by an alias, as far as events tell.
func (n *notebook) namedByID(arn string) ([]string, error) {
	const most = 5
	used, err := n.tx.Usage(arn, usage.NewWindow(n.now.AddDate(0, 0, -30), n.now))
	if err = n.tx.PassOver(err); err != nil || used == nil {
		return nil, err
	}
	callers := used.WithoutAlias()
	if len(callers) == 0 {
		return nil, nil
	}
	more := ""
	if len(callers) > most {
		more = fmt.Sprintf(" and %d more (rotd keys usage %s)", len(callers)-most, arn)
	}
	return []string{"They used the key in the last 30 days and named no alias of it, so that they go on using the old " +
		"key until their code names one: " + strings.Join(callers[:min(most, len(callers))], ", ") + more + "."}, nil
}

// UndoAlias plans to move the aliases back that a replacement moved, and unless it is a dry run or refused begins it.
func (e *Engine) UndoAlias(ctx context.Context, r UndoAliasRequest) (*Planned, error) {
	if strings.TrimSpace(r.Reason) == "" && !r.DryRun {
		return nil, ErrNoReason
	}
	arn, err := e.replacedKey(r.Name)
	if err != nil {
		return nil, err
	}
	key, err := e.readWholeIn(ctx, arn, awskms.Act)
	if err != nil {
		return nil, fmt.Errorf("read the key before planning: %w", err)
	}
	asked := &request{audit.UndoAliasRequested, audit.UndoAliasRefused, r.Requester, r.Proven, r.Incident, r.DryRun, texts(
		"reason", r.Reason, "ticket", r.Ticket, "emergency", strconv.FormatBool(r.Emergency), "break_glass",
		yes(r.BreakGlass))}
	return e.ask(arn, asked, func(n *notebook) (*Planned, error) {
		return n.undoPlan(key, remediation.Why{
			Requester: r.Requester, Reason: r.Reason, Ticket: r.Ticket, Emergency: r.Emergency,
			Incident: r.Incident, BreakGlass: r.BreakGlass,
		})
	})
}

// undoPlan makes the plan of moving aliases back and asks the guardrails.
func (n *notebook) undoPlan(key *inventory.Key, why remediation.Why) (*Planned, error) {
	g, err := n.guardrails()
	if err != nil {
		return nil, err
	}
	replacements, err := replacementsOf(n.tx, key.ARN)
	if err != nil {
		return nil, err
	}
	plan := n.planAbout(key)
	plan.Breaks = "What was encrypted or signed through the aliases since they were moved needs the new key, which " +
		"stays enabled: asymmetric callers must name it."
	plan.Cost = "nothing"
	if len(replacements.live) == 0 {
		return plan.cannot("rotd has not replaced this key, or has moved its aliases back since."), nil
	}
	under, err := n.underItsAliases(key, &replacements.live[0])
	if err != nil {
		return nil, err
	}
	p, err := n.policyOf(under)
	if err != nil {
		return nil, err
	}
	action, ok, reason := g.PlanMoveBack(key, p, replacements.live, why, n.now)
	if !ok {
		return plan.cannot(reason), nil
	}
	return plan, n.judged(plan, &action, key)
}

// replacedKey is the ARN of the key that a name means: of a replacement's action or of a new key the one that was
// replaced.
func (e *Engine) replacedKey(name string) (arn string, err error) {
	if strings.HasPrefix(name, "act_") {
		err = e.db.View(func(tx *state.Tx) error {
			a, err := tx.Action(name)
			switch {
			case err != nil:
				return err
			case a == nil || a.Method != remediation.NewKey:
				return fmt.Errorf("%w: %s replaced no key", ErrUnknownKey, name)
			}
			arn = a.KeyARN
			return nil
		})
		return arn, err
	}
	if arn, err = e.ResolveKey(name); err != nil {
		return "", err
	}
	if k := e.knownKey(arn); k != nil && k.Successor() == "" && k.Lineage != nil && k.Lineage.Replaces != "" {
		return k.Lineage.Replaces, nil
	}
	return arn, nil
}

// replacements are what rotd did to replace a key.
type replacements struct {
	// live are those that made the present new key or went on with it, the newest first, since the aliases were last
	// moved back.
	live []remediation.Action
	// last is the newest, if the key it made is to be gone on with: it did not come to its end, or was undone.
	last *remediation.Action
}

// replacementsOf gathers them from the newest actions on a key.
func replacementsOf(tx *state.Tx, arn string) (r replacements, err error) {
	lost := len(tx.PassedOver())
	actions, err := tx.ActionsOn(arn, 100)
	switch unread := tx.PassedOver()[lost:]; {
	case err != nil:
		return r, err
	case len(unread) > 0: // it may have made a key
		return r, fmt.Errorf("whether the key was replaced before cannot be told: %w", unread[0])
	}
	undone, inPart, newest := false, false, true
	for i := range actions {
		a := &actions[i]
		switch {
		case a.KeyARN != arn || len(a.Asked()) == 0:
		case a.Method == remediation.MoveBack:
			inPart = true
			undone = undone || a.State == remediation.Succeeded
		case a.Method == remediation.NewKey:
			if newest && (inPart || a.State != remediation.Succeeded) {
				r.last = a
			}
			newest = false
			if !undone && (len(r.live) == 0 || r.live[0].NewKeyARN == a.NewKeyARN) {
				r.live = append(r.live, *a)
			}
		}
	}
	return r, nil
}

// begunReplacement is what there is already of a key's replacement.
type begunReplacement struct {
	made    *inventory.Key // by an earlier replacement; nil: nothing, or it is gone
	claimed string         // ARN of a key that says it replaces the key, and that rotd does not know to have made
	latest  string         // see latestAction
}

// begunReplacement looks for the new key that an earlier replacement made, or may have made: a second one must not be.
func (e *Engine) begunReplacement(ctx context.Context, key *inventory.Key) (b begunReplacement, err error) {
	var r replacements
	err = e.db.View(func(tx *state.Tx) (err error) {
		if b.latest, err = latestAction(tx, key.ARN); err != nil {
			return err
		}
		r, err = replacementsOf(tx, key.ARN)
		return err
	})
	if err != nil {
		return b, err
	}
	arn := ""
	if r.last != nil {
		if arn = r.last.NewKeyARN; arn == "" { // the answer to its CreateKey was lost
			seen := e.look(ctx, r.last)
			if seen.ReadError != "" {
				return b, fmt.Errorf("look for the key that %s may have made: %s", r.last.ID, seen.ReadError)
			}
			arn = seen.Made
		}
	}
	if arn == "" {
		b.claimed, err = e.claims(key)
		return b, err
	}
	if b.made, err = e.readWholeIn(ctx, arn, awskms.Act); err != nil {
		return b, fmt.Errorf("read the key that an earlier replacement made: %w", err)
	}
	if b.made.GoneAt != nil || b.made.State == "PendingDeletion" {
		b.made = nil
	}
	return b, nil
}

// latestAction names the newest action on a key and its state, so that what was read beside it is known to hold.
func latestAction(tx *state.Tx, arn string) (string, error) {
	actions, err := tx.ActionsOn(arn, 1)
	if err != nil || len(actions) == 0 {
		return "", err
	}
	return actions[0].ID + " " + string(actions[0].State), nil
}

// claims looks in the inventory for a key whose tags say that it replaces this one, made by an action that the state
// does not know: by a rotd that lost its state, or by whoever wants to have the alias.
func (e *Engine) claims(key *inventory.Key) (arn string, err error) {
	for after := ""; ; {
		err := e.db.View(func(tx *state.Tx) error {
			found, next, err := tx.Keys(after, 1000, func(k *inventory.Key) bool {
				return k.Tags[remediation.ReplacesTag] == key.ARN && k.GoneAt == nil && k.State != "PendingDeletion"
			})
			if err != nil {
				return err
			}
			after = next
			for i := range found {
				a, err := tx.Action(found[i].Tags[awskms.ActionTag])
				if err != nil {
					return err
				}
				if a == nil || a.KeyARN != key.ARN {
					arn = found[i].ARN
				}
			}
			return nil
		})
		if err != nil || arn != "" || after == "" {
			return arn, err
		}
	}
}
