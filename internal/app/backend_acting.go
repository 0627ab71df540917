package app

import (
	"context"

	"rotd/internal/admin"
	"rotd/internal/engine"
)

// Rotate plans a rotation and begins it.
func (b *backend) Rotate(ctx context.Context, r admin.RotateRequest) (*admin.Planned, error) {
	return b.asked(func() (*engine.Planned, error) { return b.d.engine.Rotate(ctx, engine.RotateRequest(r)) })
}

// Replace plans a key's replacement and begins it.
func (b *backend) Replace(ctx context.Context, r admin.ReplaceRequest) (*admin.Planned, error) {
	return b.asked(func() (*engine.Planned, error) { return b.d.engine.Replace(ctx, engine.ReplaceRequest(r)) })
}

// UndoAlias plans to move a replacement's aliases back and begins it.
func (b *backend) UndoAlias(ctx context.Context, r admin.UndoAliasRequest) (*admin.Planned, error) {
	return b.asked(func() (*engine.Planned, error) { return b.d.engine.UndoAlias(ctx, engine.UndoAliasRequest(r)) })
}

// Contain plans what a person chose to have done to a key, and begins it.
func (b *backend) Contain(ctx context.Context, r admin.ContainRequest) (*admin.Planned, error) {
	return b.asked(func() (*engine.Planned, error) { return b.d.engine.Contain(ctx, engine.ContainRequest(r)) })
}

// asked is what the engine answers to a request about a key.
func (b *backend) asked(ask func() (*engine.Planned, error)) (*admin.Planned, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	plan, err := ask()
	return (*admin.Planned)(plan), asAdmin(err)
}
