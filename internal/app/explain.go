package app

import (
	"context"
	"time"

	"rotd/internal/admin"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// Explain says which policy counts for a key, and why.
func (b *backend) Explain(_ context.Context, name string) (e *policy.Explanation, err error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	s := b.d.engine.Settings()
	err = b.onKey(name, func(tx *state.Tx, k *inventory.Key) error {
		a, err := tx.Assignment(k.ARN)
		e = s.Policies.Explain(k, a, s.Exceptions, s.Source, time.Now().UTC())
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Abilities says what can be done to a key, and by whom.
func (b *backend) Abilities(_ context.Context, name string) (*remediation.Abilities, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	var all remediation.Abilities
	err := b.onKey(name, func(tx *state.Tx, k *inventory.Key) (err error) {
		all, err = b.d.engine.Abilities(tx, k, time.Now().UTC())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &all, nil
}

// Acknowledge notes that a person answers for a finding.
func (b *backend) Acknowledge(_ context.Context, id, by string, r admin.AckRequest) (
	done admin.Acknowledged, err error,
) {
	if err := b.started(); err != nil {
		return done, err
	}
	as := finding.Acknowledgement{By: by, Reason: r.Reason, Incident: r.Incident}
	done.Finding, done.Before, err = b.d.engine.Acknowledge(id, as, r.Move)
	return done, asAdmin(err)
}

// Resolve ends a finding on a person's word.
func (b *backend) Resolve(_ context.Context, id, by string, r admin.ResolveRequest) (*finding.Finding, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	f, err := b.d.engine.Resolve(id, by, r.Reason, r.Incident)
	return f, asAdmin(err)
}
