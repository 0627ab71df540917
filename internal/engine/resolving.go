package engine

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// Resolve ends the open episode of a finding because a person says that it is over. Nothing is read: what goes on all
// the same opens the next episode, and is told again.
func (e *Engine) Resolve(id, by, reason, incident string) (f *finding.Finding, err error) {
	if strings.TrimSpace(reason) == "" {
		return nil, ErrNoReason
	}
	err = e.note(time.Now().UTC(), func(n *notebook) error {
		if f, err = openFinding(n.tx, id); err != nil {
			return err
		}
		if err := n.forIncident(incident); err != nil {
			return err
		}
		if err := n.audit(audit.Entry{
			Actor: by, Event: audit.FindingResolved, Key: f.KeyARN, Finding: f.ID, Incident: incident,
			Detail: texts("reason", reason, "rule", f.RuleID),
		}); err != nil {
			return err
		}
		return n.resolve(f, by+" says that it is over: "+reason, false)
	})
	if err != nil {
		return nil, err
	}
	e.log.Info("a finding was resolved by a person", zap.String("finding", f.ID), zap.String("rule", f.RuleID),
		zap.String("subject", f.Subject.ID), zap.String("by", by), zap.String("reason", reason))
	return f, nil
}

// openFinding is the finding of an id, which has to be open.
func openFinding(tx *state.Tx, id string) (*finding.Finding, error) {
	f, err := tx.Finding(id)
	switch {
	case err != nil:
		return nil, err
	case f == nil:
		return nil, fmt.Errorf("%w %q", ErrUnknownFinding, id)
	case f.Status != finding.Open:
		return nil, fmt.Errorf("%w: finding %s is %s since %s", ErrNotOpen, id, f.Status, f.ResolvedAt.Format(time.RFC3339))
	}
	return f, nil
}
