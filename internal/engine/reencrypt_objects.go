package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/awss3"
	"rotd/internal/reencrypt"
	"rotd/internal/state"
)

const (
	objectsInOne  = 100 // looked at and committed together
	objectsCopied = 16  // side by side
	firstPause    = 200 * time.Millisecond
	longestPause  = time.Minute
)

// errNoStore is met where no S3 was given.
var errNoStore = errors.New("this rotd has no access to S3")

// planObjects finds out what there is to know of a bucket before its objects are moved.
func (e *Engine) planObjects(ctx context.Context, p *ReencryptPlan, location string) error {
	store := e.storeFor(p.Job.To, p.Job.Emergency)
	if store == nil {
		return errNoStore
	}
	at, err := awss3.Parse(location)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadLocation, err)
	}
	b, err := store.Bucket(ctx, at)
	switch class := awss3.ClassOf(err); {
	case class == awss3.Gone:
		return fmt.Errorf("%w: there is no bucket %s", ErrBadLocation, at.Bucket)
	case class == awss3.Denied:
		return fmt.Errorf("%w: S3 does not let rotd look at %s: its role needs s3:ListBucket and s3:GetBucketVersioning "+
			"there, and the bucket's policy must not deny them", ErrBadLocation, at.Bucket)
	case err != nil:
		return fmt.Errorf("look at the bucket: %w", err)
	}
	p.Job.Kind, p.Job.Location, p.Job.Bucket = reencrypt.Objects, at.String(), b.Region
	p.Job.Manifest, p.Job.Total = "", 0
	p.Warnings = append(p.Warnings, "Every object that is moved is written anew: its time changes, so that lifecycle "+
		"rules count from now on, notifications and replication see a new object, and its ETag is another one. An "+
		"encryption context of its own is lost.")
	if b.Versioned {
		p.Warnings = append(p.Warnings, "The bucket has versions: older ones stay as they are, under the key they have, and "+
			"each move leaves one more. S3 cannot move them; a lifecycle rule with NoncurrentVersionExpiration removes them.")
	}
	return nil
}

// objectsUnfit says why objects cannot be moved as planned; "" when they can, or none are.
func (p *ReencryptPlan) objectsUnfit() string {
	switch {
	case p.Job.Kind != reencrypt.Objects:
		return ""
	case p.Job.Bucket != "" && p.Job.Bucket != p.To.Region:
		return fmt.Sprintf("the bucket is in %s and %s in %s: S3 encrypts with keys of the bucket's own Region only",
			p.Job.Bucket, p.To.Name(), p.To.Region)
	case p.Job.From == p.Job.To:
		return "objects under this key would be copied onto the same key, and nobody could tell which are done. Replace " +
			"the key, and move them to the new one."
	}
	return ""
}

// runJobs moves the objects of all jobs side by side, until ctx ends: one that waits for a resume holds up no
// emergency. A job that a stop or a crash left running goes on where it was.
func (e *Engine) runJobs(ctx context.Context) error {
	var (
		group sync.WaitGroup
		under sync.Map // jobs under way, by id
	)
	defer group.Wait()
	for ctx.Err() == nil {
		moved := e.jobsMoved.wait()
		var jobs []reencrypt.Job
		err := e.db.View(func(tx *state.Tx) (err error) {
			jobs, err = tx.RunningJobs(reencrypt.Objects)
			return err
		})
		if err != nil {
			e.log.Error("cannot read the jobs; they wait", zap.Error(err))
		}
		for i := range jobs {
			id := jobs[i].ID
			if _, already := under.LoadOrStore(id, true); already || e.store == nil {
				continue
			}
			group.Go(func() {
				e.moveContained(ctx, id)
				under.Delete(id)
				e.jobsMoved.send() // it may have been resumed in that moment
			})
		}
		select {
		case <-ctx.Done():
		case <-moved:
		}
	}
	return nil
}

// moveContained works on a job until it is over or ctx ends. A panic ends the job, and nothing else.
func (e *Engine) moveContained(ctx context.Context, id string) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("jobs", v, debug.Stack())
			if err := e.failJob(id, fmt.Sprintf("rotd met an error of its own: %v", v)); err != nil {
				e.log.Error("cannot end a job", zap.String("job", id), zap.Error(err))
			}
		}
	}()
	for tries := 0; ctx.Err() == nil; tries++ {
		moved := e.jobsMoved.wait()
		before, err := e.Job(id)
		if err == nil && before.State != reencrypt.Running {
			return
		}
		var waiting string
		if err == nil {
			waiting, err = e.moveSome(ctx, before)
		}
		if err != nil && ctx.Err() == nil {
			e.log.Error("a job cannot go on; it is tried again", zap.String("job", id), zap.Error(err))
			waiting = err.Error()
		}
		if waiting == "" {
			tries = -1
			continue
		}
		e.waitFor(ctx, moved, id, waiting, tries)
	}
}

// waitFor keeps what a job waits for and waits, longer each time, but no longer than until a job is cancelled.
func (e *Engine) waitFor(ctx context.Context, moved <-chan struct{}, id, waiting string, tries int) {
	if _, err := e.onJob(id, func(_ *state.Tx, j *reencrypt.Job, now time.Time) error {
		j.Waiting, j.Updated = waiting, now
		return nil
	}); err != nil {
		e.log.Error("cannot keep what a job waits for", zap.String("job", id), zap.Error(err))
	}
	pause := min(firstPause<<min(tries, 12), longestPause)
	timer := time.NewTimer(pause/2 + rand.N(pause/2)) //nolint:gosec // jitter keeps no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-moved:
	}
}

// onJob changes a running job in a transaction; one that is over stays as it is.
func (e *Engine) onJob(id string, change func(tx *state.Tx, j *reencrypt.Job, now time.Time) error) (
	job *reencrypt.Job, err error,
) {
	err = e.db.Update(func(tx *state.Tx) error {
		if job, err = knownJob(tx, id); err != nil || job.State != reencrypt.Running {
			return err
		}
		if err := change(tx, job, time.Now().UTC()); err != nil {
			return err
		}
		return tx.PutJob(job)
	})
	return job, err
}

// moveSome moves the next objects of a job and makes durable what came of them. It says what the job has to wait for.
func (e *Engine) moveSome(ctx context.Context, job *reencrypt.Job) (waiting string, err error) {
	store := e.storeFor(job.To, job.Emergency)
	at, err := awss3.Parse(job.Location)
	if err != nil {
		return "", err
	}
	at.Region = job.Bucket
	if waiting, err := e.giveUp(ctx, store, job, at); err != nil || waiting != "" {
		return waiting, err
	}
	if paused, err := e.holdsUp(job); err != nil || paused != "" {
		return paused, err
	}
	next, err := nextObjects(ctx, store, at, job.Cursor)
	switch {
	case ctx.Err() != nil:
		return "", nil //nolint:nilerr // a stop, no fault: the job goes on after the next start
	case err != nil && awss3.Passing(err):
		return "S3 cannot be used at the moment: " + err.Error(), nil
	case err != nil:
		code, text := awss3.Why(err)
		return "", e.failJob(job.ID, fmt.Sprintf("S3 does not list the objects: %s: %s", code, text))
	case len(next) == 0:
		return e.finishObjects(ctx, store, job, at)
	}
	if paused, err := e.holdsUp(job); err != nil || paused != "" { // listing may have taken long
		return paused, err
	}
	r := &round{e: e, job: job, store: store, stay: make(map[string]*reencrypt.Failure)}
	return r.move(ctx, next)
}

// holdsUp says which pause a job has to wait for; "" when none.
func (e *Engine) holdsUp(job *reencrypt.Job) (paused string, err error) {
	if job.DryRun || job.Emergency {
		return "", nil
	}
	err = e.db.View(func(tx *state.Tx) (err error) { paused, err = e.paused(tx, e.Settings()); return err })
	return paused, err
}

func (e *Engine) failJob(id, outcome string) error {
	_, err := e.onJob(id, func(tx *state.Tx, j *reencrypt.Job, now time.Time) error {
		return endJob(tx, j, reencrypt.Failed, audit.Rotd, outcome, now)
	})
	e.log.Error("re-encryption failed", zap.String("job", id), zap.String("outcome", outcome))
	return err
}

// finishObjects counts what stays behind, and ends the job.
func (e *Engine) finishObjects(ctx context.Context, store *awss3.Client, job *reencrypt.Job, at awss3.Location) (
	waiting string, err error,
) {
	older, err := store.CountOlder(ctx, at)
	switch {
	case ctx.Err() != nil:
		return "", nil //nolint:nilerr // a stop, no fault
	case err != nil && awss3.Passing(err):
		return "S3 cannot be used at the moment: " + err.Error(), nil
	}
	outcome := ""
	if err != nil {
		outcome = "older versions could not be counted: " + err.Error()
	}
	if n := len(job.Uploads); n > 0 {
		outcome = strings.TrimPrefix(outcome+fmt.Sprintf("; of %d copies in parts that were broken off the parts are left "+
			"in the bucket, since S3 does not let rotd abort them (s3:AbortMultipartUpload): -o json names the uploads", n),
			"; ")
	}
	_, err = e.onJob(job.ID, func(tx *state.Tx, j *reencrypt.Job, now time.Time) error {
		j.Older = older
		return endJob(tx, j, reencrypt.Done, audit.Rotd, outcome, now)
	})
	e.log.Info("re-encryption ended", zap.String("job", job.ID), zap.Int64("moved", job.Moved),
		zap.Int64("failed", job.Failed))
	return "", err
}

// nextObjects are those behind a key, a few at a time.
func nextObjects(ctx context.Context, store *awss3.Client, prefix awss3.Location, after string) (
	next []awss3.Listed, err error,
) {
	for o, err := range store.ListAfter(ctx, prefix, after) {
		if err != nil {
			return nil, err
		}
		if next = append(next, o); len(next) == objectsInOne {
			break
		}
	}
	return next, nil
}
