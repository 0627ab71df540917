package app

import (
	"context"
	"fmt"
	"strconv"

	"rotd/internal/admin"
	"rotd/internal/suppression"
)

// Suppressions returns a page of suppressions: rotd.yaml's, then those that people made.
func (b *backend) Suppressions(_ context.Context, r admin.Range) (page admin.Page[suppression.Standing], err error) {
	if err := b.started(); err != nil {
		return page, err
	}
	all, err := b.d.engine.Suppressions()
	if err != nil {
		return page, err
	}
	from := 0
	if r.After != "" {
		if from, err = strconv.Atoi(r.After); err != nil || from < 0 {
			return page, admin.As(admin.ErrInvalid, fmt.Errorf("after: %q is not a position of this list", r.After))
		}
	}
	from = min(from, len(all))
	to := min(from+r.Limit, len(all))
	if page.Items = all[from:to]; to < len(all) {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

// TrySuppressions says what suppressions would have hidden.
func (b *backend) TrySuppressions(ctx context.Context, all []suppression.Suppression) (*suppression.Trial, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	trial, err := b.d.engine.TrySuppressions(ctx, all)
	return trial, asAdmin(err)
}

// Suppress keeps a suppression.
func (b *backend) Suppress(_ context.Context, s suppression.Suppression, by string) (
	*suppression.Suppression, error,
) {
	if err := b.started(); err != nil {
		return nil, err
	}
	kept, err := b.d.engine.Suppress(s, by)
	return kept, asAdmin(err)
}

// EndSuppression forgets one that a person made.
func (b *backend) EndSuppression(_ context.Context, name, by, reason string) (*suppression.Suppression, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	ended, err := b.d.engine.EndSuppression(name, by, reason)
	return ended, asAdmin(err)
}
