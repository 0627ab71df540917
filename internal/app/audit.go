package app

import (
	"bytes"
	"context"
	"io"
	"time"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/config"
	"rotd/internal/state"
)

// audit writes down what is about to be done. What is done in a transaction is written down in that one instead.
func (d *daemonProcess) audit(e audit.Entry) error {
	e.Time = time.Now()
	return d.db.Update(func(tx *state.Tx) error { return tx.Audit(e) })
}

// running says which program with which configuration runs.
func (d *daemonProcess) running(cfg *config.Config) map[string]string {
	detail := map[string]string{
		"version": d.opts.Version, "mode": string(cfg.Mode), "config": d.opts.ConfigPath, "config_sha256": cfg.Digest,
	}
	if digest := cfg.Detections.UsersDigest; digest != "" {
		detail["rules_sha256"] = digest
	}
	return detail
}

// AuditEntries returns a page of the audit log, newest first.
func (b *backend) AuditEntries(_ context.Context, q admin.AuditQuery) (page admin.Page[audit.Entry], err error) {
	if b.d.up.Load() && q.Key != "" {
		if arn, err := b.d.engine.ResolveKey(q.Key); err == nil {
			q.Key = arn // entries name keys by their ARNs
		}
	}
	err = b.d.db.View(func(tx *state.Tx) error {
		page.Items, page.Next, err = tx.AuditEntries(q.After, q.Limit, q.Keep)
		return err
	})
	return page, err
}

// AuditLog writes the audit log as it is kept. No transaction stays open while somebody reads.
func (b *backend) AuditLog(ctx context.Context, after uint64, to io.Writer) error {
	for ctx.Err() == nil {
		var lines [][]byte
		err := b.d.db.View(func(tx *state.Tx) error {
			lines, after = tx.AuditLines(after, admin.MaxRows)
			return nil
		})
		if err != nil || len(lines) == 0 {
			return err
		}
		if _, err := to.Write(append(bytes.Join(lines, []byte("\n")), '\n')); err != nil {
			return err
		}
	}
	return ctx.Err()
}
