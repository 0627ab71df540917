package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/awskms"
	"rotd/internal/awss3"
	"rotd/internal/config"
	"rotd/internal/scheduler"
	"rotd/internal/state"
)

const (
	// snapshotTimeout bounds one snapshot.
	snapshotTimeout = time.Hour
	// lastSnapshot bounds the one at the end: service managers wait 45 seconds and longer for all of a stop.
	lastSnapshot = 15 * time.Second
	// restoreTimeout bounds the fetching of a snapshot at start.
	restoreTimeout = 10 * time.Minute
)

// snapshotJobs keeps a copy of the state elsewhere, where the configuration says so.
func (d *daemonProcess) snapshotJobs(cfg *config.Config) []scheduler.Job {
	s := cfg.State.Snapshots
	if s.To == "" {
		return nil
	}
	return []scheduler.Job{{
		Name: "snapshot", Spec: cfg.Schedules.Snapshot, CatchUp: true, Jitter: time.Minute, Timeout: snapshotTimeout,
		Run: func(ctx context.Context) error { return d.snapshot(ctx, s) },
	}}
}

// snapshot puts a copy of the state to S3 and lets the oldest go, if it is to. Where nothing was written since the last
// one there is nothing to do.
func (d *daemonProcess) snapshot(ctx context.Context, s config.Snapshots) error {
	folder, err := awss3.Parse(s.To)
	if err != nil {
		return fmt.Errorf("snapshot the state: %w", err)
	}
	c, err := d.db.Copy(ctx)
	if err != nil {
		return fmt.Errorf("snapshot the state: %w", err)
	}
	defer c.Close()
	to := inFolder(folder, state.CopyName(c.Shard, c.Commits.At))
	err = d.store.Put(ctx, to, upload(c, admin.BackupRequest{KMSKey: s.KMSKey}))
	if e, ok := errors.AsType[*awss3.Error](err); ok && e.Class == awss3.Exists {
		return nil
	}
	if err != nil {
		return fmt.Errorf("snapshot the state: %w", advised(err))
	}
	d.log.Info("a snapshot of the state was put to S3", zap.Stringer("to", to), zap.Int64("bytes", c.Bytes),
		zap.String("sha256", c.SHA256))
	if s.Keep == 0 {
		return nil
	}
	return forgetSnapshots(ctx, d.store, folder, c.Shard, s.Keep)
}

// keepElsewhere is the last thing of a stop: what leaves holds all that rotd did, and that it ended cleanly.
func (d *daemonProcess) keepElsewhere() {
	if d.store == nil {
		return // rotd never came so far
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastSnapshot)
	defer cancel()
	if to := d.cfg.Audit.Export; to != "" {
		if err := d.exportAudit(ctx, to); err != nil {
			d.log.Error("the end of the audit log could not be exported; the next start does it", zap.Error(err))
		}
	}
	if s := d.cfg.State.Snapshots; s.To != "" {
		if err := d.snapshot(ctx, s); err != nil {
			d.log.Error("the last snapshot of the state could not be put to S3; what is newer than the one before it is on "+
				"this machine only", zap.String("to", s.To), zap.Error(err))
		}
	}
}

// tellJob tells of jobs that keep something elsewhere and fail. Sweeps tell by themselves what they could not read.
func (d *daemonProcess) tellJob(job string, failed error) {
	outside := job == "snapshot" || job == "audit-export" || strings.HasPrefix(job, "report-")
	if !outside || errors.Is(failed, context.Canceled) {
		return
	}
	if err := d.engine.NoteJob(job, failed); err != nil {
		d.log.Error("what became of a job could not be noted", zap.String("job", job), zap.Error(err))
	}
}

func inFolder(folder awss3.Location, name string) awss3.Location {
	if !folder.IsFolder() {
		folder.Key += "/"
	}
	folder.Key += name
	return folder
}

// snapshots are a shard's copies in a folder, oldest first: names are in order, and so are the times in them.
func snapshots(ctx context.Context, store objects, folder awss3.Location, shard string) (
	all []awss3.Location, err error,
) {
	folder = inFolder(folder, "")
	for o, err := range store.List(ctx, inFolder(folder, shard+"-")) {
		if err != nil {
			return nil, err
		}
		if state.IsCopyName(strings.TrimPrefix(o.Key, folder.Key), shard) {
			all = append(all, o.Location)
		}
	}
	return all, nil
}

// forgetSnapshots deletes a shard's oldest copies.
func forgetSnapshots(ctx context.Context, store objects, folder awss3.Location, shard string, keep int) error {
	all, err := snapshots(ctx, store, folder, shard)
	if err != nil {
		return fmt.Errorf("list the snapshots of the state: %w", advised(err))
	}
	var failed []error
	for _, at := range all[:max(len(all)-keep, 0)] {
		if err := store.Delete(ctx, at); err != nil {
			failed = append(failed, fmt.Errorf("delete an old snapshot of the state: %w", advised(err)))
		}
	}
	return errors.Join(failed...)
}

// ErrNoSnapshot is returned where a folder has no copy of the shard's state.
var ErrNoSnapshot = errors.New("no copy")

// NewestSnapshot finds a shard's newest copy in a folder of S3; ErrNoSnapshot when there is none.
func NewestSnapshot(ctx context.Context, store *awss3.Client, folder awss3.Location, shard string) (
	newest awss3.Location, err error,
) {
	all, err := snapshots(ctx, store, folder, shard)
	if err != nil {
		return newest, err
	}
	if len(all) == 0 {
		return newest, fmt.Errorf("there is %w of shard %q in %s", ErrNoSnapshot, shard, folder)
	}
	return all[len(all)-1], nil
}

// restoreLost fetches the newest snapshot where the state file is gone, as on a new machine. A folder without one is a
// first start. A folder that cannot be read ends the start: a new state in its place would be taken for the true one
// from then on.
func restoreLost(ctx context.Context, cfg *config.Config, log *zap.Logger) error {
	s := cfg.State.Snapshots
	if s.To == "" || !s.Restore {
		return nil
	}
	if info, err := os.Stat(cfg.State.Path); !errors.Is(err, fs.ErrNotExist) && (err != nil || info.Size() > 0) {
		return nil // opening it says what is wrong with it
	}
	ctx, cancel := context.WithTimeout(ctx, restoreTimeout)
	defer cancel()
	log.Info("there is no state: its newest snapshot is looked for", zap.String("snapshots", s.To))
	stop := whileOpening(log, "fetching the newest snapshot of the state")
	defer stop()
	err := restoreNewest(ctx, cfg, log)
	if errors.Is(err, ErrNoSnapshot) {
		log.Info("there is no state, and no snapshot of one: a new state is begun", zap.String("snapshots", s.To))
		return nil
	}
	if err != nil {
		return fmt.Errorf("there is no state at %s, and its newest snapshot cannot be restored (with "+
			"state.snapshots.restore: false a new state is begun): %w", cfg.State.Path, advised(err))
	}
	return nil
}

func restoreNewest(ctx context.Context, cfg *config.Config, log *zap.Logger) error {
	folder, err := awss3.Parse(cfg.State.Snapshots.To)
	if err != nil {
		return err
	}
	sdk, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithHTTPClient(awskms.HTTPClient()))
	if err != nil {
		return fmt.Errorf("load the AWS configuration: %w", err)
	}
	store := awss3.New(withRegion(sdk, cfg))
	newest, err := NewestSnapshot(ctx, store, folder, cfg.Shard)
	if err != nil {
		return err
	}
	object, err := store.Get(ctx, newest)
	if err != nil {
		return err
	}
	defer object.Body.Close()
	done, err := state.Restore(state.Restoring{
		From: object.Body, Name: newest.String(), Size: object.Size, SHA256: object.Metadata[admin.MetadataSHA256],
		Path: cfg.State.Path, Shard: cfg.Shard, Now: time.Now().UTC(), By: audit.Rotd,
	})
	if err != nil {
		return err
	}
	log.Warn("the state was gone; its newest snapshot is restored. Nothing automatic happens before `rotd resume`",
		zap.Stringer("from", newest), zap.Time("last_written", done.Commits.At))
	return nil
}
