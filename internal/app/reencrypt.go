package app

import (
	"context"

	"rotd/internal/admin"
	"rotd/internal/engine"
	"rotd/internal/reencrypt"
	"rotd/internal/state"
)

// Reencrypt plans a re-encryption and begins its job.
func (b *backend) Reencrypt(ctx context.Context, r admin.ReencryptRequest) (*admin.ReencryptPlan, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	plan, err := b.d.engine.Reencrypt(ctx, engine.ReencryptRequest(r))
	if err != nil {
		return nil, asAdmin(err)
	}
	return (*admin.ReencryptPlan)(plan), nil
}

// ReencryptBlobs moves a batch of blobs.
func (b *backend) ReencryptBlobs(ctx context.Context, id string, first int64, blobs []reencrypt.Blob) (
	*admin.BlobsAnswer, error,
) {
	if err := b.started(); err != nil {
		return nil, err
	}
	answer, err := b.d.engine.ReencryptBlobs(ctx, id, first, blobs)
	if err != nil {
		return nil, asAdmin(err)
	}
	return (*admin.BlobsAnswer)(answer), nil
}

// Jobs returns a page of jobs, newest first.
func (b *backend) Jobs(_ context.Context, r admin.Range) (page admin.Page[reencrypt.Job], err error) {
	err = b.d.db.View(func(tx *state.Tx) error {
		page.Items, page.Next, err = tx.Jobs(r.After, r.Limit, nil)
		return err
	})
	return page, err
}

// Job returns one job.
func (b *backend) Job(_ context.Context, id string) (*reencrypt.Job, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	job, err := b.d.engine.Job(id)
	return job, asAdmin(err)
}

// CancelJob ends a running job.
func (b *backend) CancelJob(_ context.Context, id, by, reason string) (*reencrypt.Job, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	job, err := b.d.engine.CancelJob(id, by, reason)
	return job, asAdmin(err)
}

// movesOf is what was moved from a key and to it.
func movesOf(tx *state.Tx, arn string) ([]reencrypt.Move, error) {
	from, err := tx.MovesFrom(arn, maxMovesShown)
	if err != nil {
		return nil, err
	}
	to, err := tx.MovesTo(arn, maxMovesShown)
	return append(from, to...), err
}
