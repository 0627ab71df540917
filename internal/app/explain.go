package app

import (
	"context"
	"time"

	"rotd/internal/admin"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/policy"
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

// Acknowledge notes that a person answers for a finding.
func (b *backend) Acknowledge(_ context.Context, id, by string, r admin.AckRequest) (
	done admin.Acknowledged, err error,
) {
	if err := b.started(); err != nil {
		return done, err
	}
	done.Finding, done.Before, err = b.d.engine.Acknowledge(id, finding.Acknowledgement{By: by, Reason: r.Reason}, r.Move)
	return done, asAdmin(err)
}
