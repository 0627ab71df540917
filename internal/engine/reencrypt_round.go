package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"rotd/internal/awss3"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// round is some of a job's objects that are moved side by side, and committed together.
type round struct {
	e     *Engine
	job   *reencrypt.Job
	store *awss3.Client

	mu   sync.Mutex
	stay map[string]*reencrypt.Failure // why objects under a key (ARN) stay, as far as it was judged; nil: they do not
}

// object is what came of one object.
type object struct {
	key     string
	done    bool
	counted bool   // in an earlier round
	from    string // ARN of the key it was under
	bytes   int64
	moved   bool
	here    bool // under the destination already
	other   bool // not under the key that is asked for
	fail    *reencrypt.Failure
}

// move moves objects and makes durable what came of them. What is no object's own fault ends the round, and is what the
// job has to wait for.
func (r *round) move(ctx context.Context, next []awss3.Listed) (waiting string, err error) {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		group sync.WaitGroup
		slots = make(chan struct{}, objectsCopied)
		moved = make([]object, len(next))
	)
	for i := range next {
		o := &moved[i]
		if o.key = next[i].Key; slices.Contains(r.job.Ahead, o.key) {
			o.done, o.counted = true, true
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			err := r.one(within, &next[i], o)
			r.mu.Lock()
			defer r.mu.Unlock()
			if err != nil && within.Err() == nil {
				waiting = "S3 or KMS cannot be used at the moment: " + err.Error()
				cancel()
			}
		})
	}
	group.Wait()
	return waiting, r.e.countObjects(r.job.ID, moved)
}

// one moves one object, if it is to be moved. An error is not the object's own.
func (r *round) one(ctx context.Context, listed *awss3.Listed, o *object) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	held, err := r.store.Look(ctx, listed.Location)
	if err == nil {
		o.from, o.bytes = held.KMSKey, held.Size
		switch {
		case held.KMSKey == r.job.To:
			o.here = true
		case held.KMSKey == "" || r.job.From != "" && held.KMSKey != r.job.From:
			o.other = true
		case r.job.DryRun:
			err = held.Kept()
		default:
			if o.fail, err = r.stays(o.from); o.fail == nil && err == nil {
				err = r.store.MoveToKey(ctx, held, r.job.To, func(id string) error { return r.e.noteUpload(r.job.ID, o.key, id) })
			}
		}
	}
	switch {
	case err != nil && (ctx.Err() != nil || awss3.Passing(err)):
		return err
	case err != nil:
		o.fail = reencrypt.Fail(awss3.Why(err))
	case o.fail == nil && !o.here && !o.other:
		o.moved = true
	}
	o.done = true
	return nil
}

// stays says why objects under a key stay where they are; nil when they may be moved.
func (r *round) stays(arn string) (*reencrypt.Failure, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	why, judged := r.stay[arn]
	if judged {
		return why, nil
	}
	err := r.e.db.View(func(tx *state.Tx) error {
		n := r.e.newNotebook(tx, time.Now().UTC(), r.e.Settings(), nil)
		f, err := n.moveFacts(arn)
		if err != nil {
			return err
		}
		g, err := n.guardrails()
		if d := g.MoveMore(arn, r.job.From != "", f); d.Verdict != remediation.Allow {
			why = reencrypt.Fail(d.Guardrail, d.Reason)
		}
		return err
	})
	if err == nil {
		r.stay[arn] = why
	}
	return why, err
}

// countObjects makes durable what came of objects, also of those that were moved while somebody cancelled the job.
func (e *Engine) countObjects(id string, round []object) error {
	if !slices.ContainsFunc(round, func(o object) bool { return o.done && !o.counted }) {
		return nil
	}
	return e.db.Update(func(tx *state.Tx) error {
		j, err := knownJob(tx, id)
		if err != nil {
			return err
		}
		now, moves := time.Now().UTC(), reencrypt.Moves{}
		whole := true // up to here every object is done
		j.Updated, j.Waiting, j.Ahead = now, "", nil
		for i := range round {
			o := &round[i]
			switch whole = whole && o.done; {
			case whole:
				j.Cursor = o.key
			case o.done:
				j.Ahead = append(j.Ahead, o.key)
			}
			if o.done && !o.counted {
				o.count(j, moves, now)
			}
		}
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
		delete(j.Uploads, o.key)
		if !j.DryRun {
			m := moves.Between(o.from, j.To, now)
			m.Objects++
			m.Bytes += o.bytes
		}
	}
}

// noteUpload makes durable that an object is on its way in parts, before there is one of them.
func (e *Engine) noteUpload(id, key, upload string) error {
	job, err := e.onJob(id, func(_ *state.Tx, j *reencrypt.Job, _ time.Time) error {
		if j.Uploads == nil {
			j.Uploads = make(map[string]string)
		}
		j.Uploads[key] = upload
		return nil
	})
	if err == nil && job.State != reencrypt.Running {
		err = fmt.Errorf("%s is %s: %w", id, job.State, ErrJobOver)
	}
	return err
}

// giveUp has S3 forget what was copied in parts when the job was killed, also while rotd is paused: the parts are paid
// for. What S3 refuses is tried again in the next round.
func (e *Engine) giveUp(ctx context.Context, store *awss3.Client, job *reencrypt.Job, in awss3.Location) (
	waiting string, err error,
) {
	var over []string
	for key, upload := range job.Uploads {
		err := store.GiveUp(ctx, awss3.Location{Bucket: in.Bucket, Key: key, Region: in.Region}, upload)
		switch {
		case err == nil:
			over = append(over, key)
		case awss3.Passing(err):
			return "S3 cannot be used at the moment: " + err.Error(), nil
		default:
			e.log.Warn("the parts of a copy that was broken off are left in the bucket", zap.String("job", job.ID),
				zap.String("key", key), zap.String("upload", upload), zap.Error(err))
		}
	}
	if len(over) == 0 {
		return "", nil
	}
	_, err = e.onJob(job.ID, func(_ *state.Tx, j *reencrypt.Job, _ time.Time) error {
		for _, key := range over {
			delete(j.Uploads, key)
			delete(job.Uploads, key)
		}
		return nil
	})
	return "", err
}
