package engine

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
)

// reassign judges whether the key's tags or aliases moved it to another policy, and remembers what that means. A laxer
// policy waits for a person, unless nobody wants to be told of it.
func (n *notebook) reassign(was, is *inventory.Key) (*policy.Assignment, error) {
	before, err := n.tx.Assignment(is.ARN)
	if err != nil {
		return nil, err
	}
	if !is.NamesTold() || was != nil && !was.NamesTold() {
		return before, nil // what KMS did not tell is no move, and neither is its being told at last
	}
	if before == nil && was != nil && !n.settled(was) {
		return nil, nil //nolint:nilnil // its maker is still naming it
	}
	if moved, err := n.movedByRotd(was, is); moved || err != nil {
		return before, err
	}
	next := policy.Reassign(n.settings.Policies, n.settings.Exceptions, before, was, is, n.now)
	if next != nil && next.Pending != nil && !n.tellsOfMoves(next, is) {
		if next.Accept(n.now); next.Spent(n.now) {
			next = nil
		}
	}
	if before == nil && next == nil {
		return nil, nil //nolint:nilnil // nothing to remember is an answer
	}
	return next, n.tx.SetAssignment(is.ARN, next)
}

// settlesAt is when a new key's tags and aliases are taken for its own. Who creates a key with Terraform or
// CloudFormation names it some seconds later, which is no move from one policy to another.
func (n *notebook) settlesAt(key *inventory.Key) time.Time {
	return key.Created.Add(n.settings.Guardrails.Grace)
}

// settled reports whether the key's tags and aliases, as they are known, were read no earlier than that.
func (n *notebook) settled(key *inventory.Key) bool {
	at := n.settlesAt(key)
	return !key.FullAt.Before(at) && !key.AliasesAt.Before(at)
}

// readWhenSettled has a new key read again when its tags and aliases count, rather than at the next sweep.
func (n *notebook) readWhenSettled(key *inventory.Key) error {
	at := n.settlesAt(key)
	if key.Manager != "CUSTOMER" || !n.now.Before(at) {
		return nil
	}
	n.tally.rereads++
	return n.tx.PlanReread(key.ARN, at.Add(time.Second)) // which are whole seconds
}

// tellsOfMoves reports whether a laxer assignment of the key is a finding, which somebody can acknowledge.
func (n *notebook) tellsOfMoves(a *policy.Assignment, key *inventory.Key) bool {
	return n.settings.Judge.Judges(detection.AssignmentChangedID) &&
		n.settings.Exceptions.InForce(a).For(key, detection.AssignmentChangedID, n.now) == nil
}

// policyOf is the policy in force for a key; nil when there is none.
func (n *notebook) policyOf(key *inventory.Key) (*policy.Policy, error) {
	a, err := n.tx.Assignment(key.ARN)
	return n.settings.Policies.InForce(a, key), err
}

// exception returns the exception in force that lets a key off a check; nil when none does.
func (n *notebook) exception(key *inventory.Key, checkID string) (*policy.Exception, error) {
	if len(n.settings.Exceptions) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	a, err := n.tx.Assignment(key.ARN)
	return n.settings.Exceptions.InForce(a).For(key, checkID, n.now), err
}

// Errors an acknowledgement can meet.
var (
	ErrUnknownFinding = errors.New("unknown finding")
	ErrNotOpen        = errors.New("not open")
	ErrOtherMove      = errors.New("not the move that waits now")
)

// Acknowledge notes that a person (By and Reason of as) has seen an open finding and answers for it. Of a laxer
// assignment it lets the new policy count, which ends the episode: move is then the finding's as that person read it,
// and ErrOtherMove says that another one waits by now. before is an earlier acknowledgement of the same episode, nil
// for none.
func (e *Engine) Acknowledge(id string, as finding.Acknowledgement, move string) (
	f *finding.Finding, before *finding.Acknowledgement, err error,
) {
	if strings.TrimSpace(as.Reason) == "" {
		return nil, nil, ErrNoReason
	}
	e.deciding.Lock() // no action is decided about while what counts for its key changes
	defer e.deciding.Unlock()
	now := time.Now().UTC()
	err = e.note(now, func(n *notebook) error {
		if f, err = openFinding(n.tx, id); err != nil {
			return err
		}
		if err := n.forIncident(as.Incident); err != nil {
			return err
		}
		if err := n.audit(audit.Entry{
			Actor: as.By, Event: audit.Acknowledged, Key: f.KeyARN, Finding: f.ID, Incident: as.Incident,
			Detail: texts("reason", as.Reason, "rule", f.RuleID, "move", move),
		}); err != nil {
			return err
		}
		before = f.Acknowledged
		as.At = now
		f.Acknowledged = &as
		if f.RuleID == detection.AssignmentChangedID {
			return n.accept(f, move)
		}
		if f.RuleID == detection.ContainedDeadlineID {
			return n.letDeadlineGo(f)
		}
		return n.tx.PutFinding(f)
	})
	if err != nil {
		return nil, nil, err
	}
	e.log.Info("a finding was acknowledged", zap.String("finding", f.ID), zap.String("rule", f.RuleID),
		zap.String("subject", f.Subject.ID), zap.String("by", as.By), zap.String("reason", as.Reason))
	return f, before, nil
}

// accept lets the policy count that a key's tags or aliases gave it, if it is the one that was read of.
func (n *notebook) accept(f *finding.Finding, move string) error {
	a, err := n.tx.Assignment(f.KeyARN)
	if err != nil {
		return err
	}
	if a != nil {
		key, err := n.key(f.KeyARN)
		if err != nil {
			return err
		}
		if key != nil { // a reload may have changed what the policies ask for
			a = policy.Reassign(n.settings.Policies, n.settings.Exceptions, a, key, key, n.now)
		}
	}
	if a != nil {
		if a.Pending != nil && a.Pending.ID() != move {
			return otherMove(f.ID, a)
		}
		if a.Accept(n.now); a.Spent(n.now) {
			a = nil
		}
	}
	if err := n.tx.SetAssignment(f.KeyARN, a); err != nil {
		return err
	}
	n.tally.actions++ // what the policy before asked for may not be wanted any more
	return n.resolve(f, f.Acknowledged.By+" accepted it: "+f.Acknowledged.Reason, false)
}

// otherMove says what waits instead of what was read of.
func otherMove(id string, a *policy.Assignment) error {
	p := a.Pending
	return fmt.Errorf("%w: tags, aliases or rotd.yaml may have changed since. What waits now is %s instead of %s, by %s. "+
		"That is laxer: %s. Nothing was accepted. If that is meant, too: %s", ErrOtherMove, policyName(p.Policy),
		policyName(a.Policy), strings.Join(p.Changed, ", "), strings.Join(p.Laxer, "; "), ackCommand(id, p.ID()))
}

func policyName(name string) string {
	if name == "" {
		return "no policy"
	}
	return "policy " + name
}

// ackCommand accepts a move.
func ackCommand(id, move string) string {
	return fmt.Sprintf("rotd findings ack %s --move %s --reason 'the move is meant'", id, move)
}
