package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
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
	if e.store == nil {
		return errNoStore
	}
	at, err := awss3.Parse(location)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadLocation, err)
	}
	b, err := e.store.Bucket(ctx, at)
	if err != nil {
		code, text := awss3.Why(err)
		return fmt.Errorf("%w: S3 does not show %s to rotd (%s: %s): its role needs s3:ListBucket and "+
			"s3:GetBucketVersioning there", ErrBadLocation, at, code, text)
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
	if paused, err := e.holdsUp(job); err != nil || paused != "" {
		return paused, err
	}
	at, err := awss3.Parse(job.Location)
	if err != nil {
		return "", err
	}
	at.Region = job.Bucket
	next, err := e.nextObjects(ctx, at, job.Cursor)
	switch {
	case ctx.Err() != nil:
		return "", nil //nolint:nilerr // a stop, no fault: the job goes on after the next start
	case err != nil && awss3.Passing(err):
		return "S3 cannot be used at the moment: " + err.Error(), nil
	case err != nil:
		return "", e.failJob(job.ID, "S3 does not list the objects: "+err.Error())
	case len(next) == 0:
		return e.finishObjects(ctx, job, at)
	}
	if paused, err := e.holdsUp(job); err != nil || paused != "" { // listing may have taken long
		return paused, err
	}
	moved, waiting := e.moveObjects(ctx, job, next)
	return waiting, e.countObjects(job.ID, moved)
}

// holdsUp says which pause a job has to wait for; "" when none.
func (e *Engine) holdsUp(job *reencrypt.Job) (paused string, err error) {
	if job.DryRun || len(job.Overrode) > 0 {
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
func (e *Engine) finishObjects(ctx context.Context, job *reencrypt.Job, at awss3.Location) (waiting string, err error) {
	older, err := e.store.CountOlder(ctx, at)
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
	_, err = e.onJob(job.ID, func(tx *state.Tx, j *reencrypt.Job, now time.Time) error {
		j.Older = older
		return endJob(tx, j, reencrypt.Done, audit.Rotd, outcome, now)
	})
	e.log.Info("re-encryption ended", zap.String("job", job.ID), zap.Int64("moved", job.Moved),
		zap.Int64("failed", job.Failed))
	return "", err
}

// nextObjects are those behind a key, a few at a time.
func (e *Engine) nextObjects(ctx context.Context, prefix awss3.Location, after string) ([]awss3.Listed, error) {
	var next []awss3.Listed
	for o, err := range e.store.ListAfter(ctx, prefix, after) {
		if err != nil {
			return nil, err
		}
		if next = append(next, o); len(next) == objectsInOne {
			break
		}
	}
	return next, nil
}

// object is what came of one object.
type object struct {
	key   string
	done  bool
	from  string // ARN of the key it was under
	bytes int64
	moved bool
	here  bool // under the destination already
	other bool // not under the key that is asked for
	fail  *reencrypt.Failure
}

// moveObjects moves objects side by side. What is no object's own fault ends the round: the objects up to there count.
func (e *Engine) moveObjects(ctx context.Context, job *reencrypt.Job, next []awss3.Listed) (
	moved []object, waiting string,
) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group sync.WaitGroup
		mu    sync.Mutex
		slots = make(chan struct{}, objectsCopied)
	)
	moved = make([]object, len(next))
	for i := range next {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			err := e.moveObject(ctx, job, &next[i], &moved[i])
			mu.Lock()
			defer mu.Unlock()
			if err != nil && ctx.Err() == nil {
				waiting = "S3 or KMS cannot be used at the moment: " + err.Error()
				cancel()
			}
		})
	}
	group.Wait()
	if undone := slices.IndexFunc(moved, func(o object) bool { return !o.done }); undone >= 0 {
		moved = moved[:undone]
	}
	return moved, waiting
}

// moveObject moves one object, if it is to be moved. An error is not the object's own.
func (e *Engine) moveObject(ctx context.Context, job *reencrypt.Job, listed *awss3.Listed, o *object) error {
	o.key = listed.Key
	if ctx.Err() != nil {
		return ctx.Err()
	}
	held, err := e.store.Look(ctx, listed.Location)
	if err == nil {
		o.from, o.bytes = held.KMSKey, held.Size
		switch {
		case held.KMSKey == job.To:
			o.here = true
		case held.KMSKey == "" || job.From != "" && held.KMSKey != job.From:
			o.other = true
		case job.DryRun:
			err = held.Kept()
		default:
			err = e.store.MoveToKey(ctx, held, job.To)
		}
	}
	switch {
	case ctx.Err() != nil || err != nil && awss3.Passing(err):
		return err
	case err != nil:
		o.fail = reencrypt.Fail(awss3.Why(err))
	case !o.here && !o.other:
		o.moved = true
	}
	o.done = true
	return nil
}

// countObjects makes durable what came of objects, also of those that were moved while somebody cancelled the job.
func (e *Engine) countObjects(id string, moved []object) error {
	if len(moved) == 0 {
		return nil
	}
	return e.db.Update(func(tx *state.Tx) error {
		j, err := knownJob(tx, id)
		if err != nil {
			return err
		}
		now, moves := time.Now().UTC(), reencrypt.Moves{}
		for i := range moved {
			moved[i].count(j, moves, now)
		}
		j.Cursor, j.Updated, j.Waiting = moved[len(moved)-1].key, now, ""
		if err := tx.AddMoves(moves); err != nil {
			return err
		}
		return tx.PutJob(j)
	})
}

func (o *object) count(j *reencrypt.Job, moves reencrypt.Moves, now time.Time) {
	j.Seen++
	switch {
	case o.fail != nil:
		j.Fails(o.key, o.fail)
		if o.from != "" && !j.DryRun {
			moves.Between(o.from, j.To, now).Failed++
		}
	case o.here:
		j.Already++
	case o.other:
		j.Other++
	case o.moved:
		j.Moved++
		j.Bytes += o.bytes
		if !j.DryRun {
			m := moves.Between(o.from, j.To, now)
			m.Objects++
			m.Bytes += o.bytes
		}
	}
}
