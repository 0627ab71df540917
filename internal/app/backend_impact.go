package app

import (
	"context"
	"errors"
	"time"

	"rotd/internal/admin"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// Impact says who used a key and what each measure against it would break.
func (b *backend) Impact(_ context.Context, name string) (a *impact.Assessment, err error) {
	err = b.weigh(name, func(f *impact.Facts) error {
		a = impact.Assess(f)
		return nil
	})
	return a, err
}

// Contents says what is known to be under a key, and how to move it to another one.
func (b *backend) Contents(_ context.Context, name, to string) (c *impact.Contents, err error) {
	if arn, err := b.d.engine.ResolveKey(to); to != "" && err == nil {
		to = arn // one that rotd does not know may still be there
	}
	err = b.weigh(name, func(f *impact.Facts) error {
		if c, err = impact.Plan(f, to); errors.Is(err, impact.ErrTarget) {
			err = admin.As(admin.ErrInvalid, err)
		}
		return err
	})
	return c, err
}

// weigh hands over what is known around a key.
func (b *backend) weigh(name string, fn func(*impact.Facts) error) error {
	if err := b.started(); err != nil {
		return err
	}
	return b.onKey(name, func(tx *state.Tx, k *inventory.Key) error {
		f, err := b.d.engine.ImpactFacts(tx, k, time.Now().UTC())
		if err != nil {
			return err
		}
		return fn(f)
	})
}
