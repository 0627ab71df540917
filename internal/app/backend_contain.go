package app

import (
	"context"

	"rotd/internal/admin"
	"rotd/internal/engine"
)

// Contain plans what a person chose to have done to a key, and begins it.
func (b *backend) Contain(ctx context.Context, r admin.ContainRequest) (*admin.ContainPlan, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	plan, err := b.d.engine.Contain(ctx, engine.ContainRequest(r))
	if err != nil {
		return nil, asAdmin(err)
	}
	return (*admin.ContainPlan)(plan), nil
}
