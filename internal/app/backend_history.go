package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rotd/internal/admin"
	"rotd/internal/history"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// History returns a page of a key's timeline, newest first.
func (b *backend) History(_ context.Context, q admin.HistoryQuery) (page admin.Page[history.Line], err error) {
	key, kept, err := b.keyAndHistory(q.Key)
	if err != nil {
		return page, err
	}
	page.Items, page.Next = history.Page(history.Timeline(key, kept), q.After, q.Limit, q.Keep)
	return page, nil
}

// AsOf returns a key as rotd knew it at a time.
func (b *backend) AsOf(_ context.Context, name string, at time.Time) (*history.Past, error) {
	if now := time.Now().UTC(); at.After(now) {
		return nil, admin.As(admin.ErrInvalid, fmt.Errorf("%s is in the future", at.Format(time.RFC3339)))
	}
	key, kept, err := b.keyAndHistory(name)
	if err != nil {
		return nil, err
	}
	past, err := history.AsOf(key, kept, at)
	if _, ok := errors.AsType[*history.BeforeKnownError](err); ok {
		err = admin.As(admin.ErrNotFound, err)
	}
	return past, err
}

// keyAndHistory copies a key and what is kept of its history: what is made of it is made without a transaction.
func (b *backend) keyAndHistory(name string) (key *inventory.Key, kept *history.Kept, err error) {
	if err := b.started(); err != nil {
		return nil, nil, err
	}
	arn, err := b.d.engine.ResolveKey(name)
	if err != nil {
		return nil, nil, asAdmin(err)
	}
	err = b.d.db.View(func(tx *state.Tx) error {
		if key, err = tx.Key(arn); err != nil {
			return err
		}
		if key == nil {
			return fmt.Errorf("key %q: %w", name, admin.ErrNotFound)
		}
		kept, err = tx.History(arn)
		return err
	})
	return key, kept, err
}
