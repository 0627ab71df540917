package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/awss3"
	"rotd/internal/state"
)

// CopyState makes a copy of the state for somebody.
func (b *backend) CopyState(ctx context.Context, by string) (*state.Copy, error) {
	if err := b.d.audit(audit.Entry{Actor: by, Event: audit.CopyRequested}); err != nil {
		return nil, err
	}
	return b.copyState(ctx)
}

func (b *backend) copyState(ctx context.Context) (*state.Copy, error) {
	c, err := b.d.db.Copy(ctx)
	if err != nil {
		return nil, asBusy(err)
	}
	b.d.log.Info("the state is copied", zap.Int64("bytes", c.Bytes), zap.String("sha256", c.SHA256))
	return c, nil
}

func asBusy(err error) error {
	if errors.Is(err, state.ErrCopying) {
		return admin.As(admin.ErrBusy, fmt.Errorf("%w; try again when it is done", err))
	}
	return err
}

// BackUp makes a copy of the state and puts it to S3.
func (b *backend) BackUp(ctx context.Context, r admin.BackupRequest) (*admin.Backup, error) {
	to, err := awss3.Parse(r.To)
	if err != nil {
		return nil, admin.As(admin.ErrInvalid, fmt.Errorf("to: %w", err))
	}
	if err := b.started(); err != nil {
		return nil, err
	}
	if err := b.d.audit(audit.Entry{
		Actor: r.Requester, Event: audit.BackupRequested, Detail: map[string]string{"to": to.String()},
	}); err != nil {
		return nil, err
	}
	c, err := b.copyState(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if to.IsFolder() {
		to.Key += state.CopyName(c.Shard, c.Commits.At)
	}
	if err := b.d.store.Put(ctx, to, upload(c, r)); err != nil {
		return nil, advised(err)
	}
	b.d.log.Info("a copy of the state was put to S3", zap.Stringer("to", to), zap.String("sha256", c.SHA256))
	return &admin.Backup{To: to.String(), Description: c.Description, SHA256: c.SHA256}, nil
}

// upload says of a copy what restoring it needs.
func upload(c *state.Copy, r admin.BackupRequest) awss3.Upload {
	return awss3.Upload{
		Body: c, Size: c.Bytes, SHA256: c.SHA256, ContentType: "application/octet-stream", KMSKey: r.KMSKey,
		Overwrite: r.Overwrite, Metadata: map[string]string{
			admin.MetadataSHA256: c.SHA256, "rotd-shard": c.Shard, "rotd-schema": strconv.FormatUint(c.Schema, 10),
			"rotd-created": c.Created.Format(time.RFC3339), "rotd-commits": strconv.FormatUint(c.Commits.Count, 10),
		},
	}
}

// advised adds to an error of S3's what a person can do about it.
func advised(err error) error {
	e, ok := errors.AsType[*awss3.Error](err)
	if !ok {
		return err
	}
	if e.Class == awss3.Exists {
		return admin.As(admin.ErrInvalid, fmt.Errorf("%s is there already; --force overwrites it", e.At))
	}
	if advice := e.Advice(); advice != "" {
		return fmt.Errorf("%w: %s", err, advice)
	}
	return err
}

// CheckState reads everything in the state.
func (b *backend) CheckState(context.Context) (*admin.StateCheck, error) {
	d, err := b.d.db.Inspect()
	if err != nil {
		return nil, err
	}
	usage, err := b.d.db.Usage()
	if err != nil {
		return nil, err
	}
	if len(d.Unreadable) > 0 {
		b.d.log.Error("records of the state cannot be read", zap.String("which", strings.Join(d.Unreadable, ", ")))
	}
	return &admin.StateCheck{Path: b.d.db.Path(), Description: d, Free: usage.Free}, nil
}

// CompactState asks for a compaction at the next start.
func (b *backend) CompactState(_ context.Context, by string) (*state.Usage, error) {
	now := time.Now().UTC()
	err := b.d.db.Update(func(tx *state.Tx) error {
		return errors.Join(
			tx.Audit(audit.Entry{Time: now, Actor: by, Event: audit.CompactionRequested}),
			tx.AskCompaction(&state.CompactionAsked{At: now, By: by}),
		)
	})
	if err != nil {
		return nil, err
	}
	usage, err := b.d.db.Usage()
	return &usage, err
}
