package engine

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"rotd/internal/audit"
	"rotd/internal/awskms"
	"rotd/internal/reencrypt"
	"rotd/internal/state"
)

const (
	// blobsAtOnce keeps the quota busy although KMS takes its time for each answer.
	blobsAtOnce = 64
	// blobsWithin is when a batch is answered as far as it is: whoever sent it keeps what is done and sees how it goes.
	blobsWithin = 15 * time.Second
)

// BlobsAnswer is what became of the first blobs of a batch, in its order. The others were not asked for, or are of
// no use to anybody: they are to be sent again.
type BlobsAnswer struct {
	Outcomes []reencrypt.Outcome `json:"outcomes"`
	// Waiting says what keeps the next blob from being moved for the moment; "": nothing does.
	Waiting string        `json:"waiting,omitempty"`
	Job     reencrypt.Job `json:"job"`
}

// ReencryptBlobs moves a batch of a job's blobs; first is how many came before it. A blob that KMS refuses is a Failure
// among the outcomes; what is no blob's own fault (throttling, the network) ends the batch there.
func (e *Engine) ReencryptBlobs(ctx context.Context, id string, first int64, blobs []reencrypt.Blob) (
	*BlobsAnswer, error,
) {
	job, waiting, err := e.mayGoOn(id)
	if err != nil || waiting != "" {
		return &BlobsAnswer{Outcomes: []reencrypt.Outcome{}, Waiting: waiting, Job: *job}, err
	}
	place, err := e.placeOf(job.To)
	if err != nil {
		return nil, err
	}
	b := &batch{
		job: job, kms: place.acting(job.Emergency), region: place.Region, blobs: blobs,
		outcomes: make([]*reencrypt.Outcome, len(blobs)),
	}
	b.move(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err() // nobody is there to keep what was moved
	}
	answer := &BlobsAnswer{Outcomes: b.done(), Waiting: b.waiting}
	return answer, e.countBlobs(id, first, answer)
}

// mayGoOn returns a job of blobs that may go on, and what it has to wait for. One that is done may: its last answer may
// have been lost.
func (e *Engine) mayGoOn(id string) (job *reencrypt.Job, waiting string, err error) {
	err = e.db.View(func(tx *state.Tx) error {
		if job, err = knownJob(tx, id); err != nil {
			return err
		}
		switch {
		case job.Kind != reencrypt.Blobs:
			return fmt.Errorf("%w %q that takes blobs", ErrUnknownJob, id)
		case job.State == reencrypt.Cancelled:
			return fmt.Errorf("%s is %s: %w", id, job.State, ErrJobOver)
		case job.DryRun || job.Emergency:
			return nil
		}
		if paused, err := e.paused(tx, e.Settings()); err != nil || paused != "" {
			waiting = "rotd is paused (" + paused + ")"
			return err
		}
		return nil
	})
	if err != nil {
		return &reencrypt.Job{}, "", err
	}
	return job, waiting, nil
}

// countBlobs makes durable what came of a batch before it is told. Blobs that are sent again, because their answer was
// lost, are not counted again.
func (e *Engine) countBlobs(id string, first int64, a *BlobsAnswer) error {
	now := time.Now().UTC()
	return e.db.Update(func(tx *state.Tx) error {
		job, err := knownJob(tx, id)
		if err != nil {
			return err
		}
		moves := reencrypt.Moves{}
		for i := range a.Outcomes {
			if number := first + int64(i) + 1; number > job.Seen {
				count(job, moves, number, &a.Outcomes[i], now)
				job.Seen = number
			}
		}
		job.Updated, job.Waiting = now, a.Waiting
		if job.Seen >= job.Total && job.State == reencrypt.Running {
			if err := endJob(tx, job, reencrypt.Done, audit.Rotd, "", now); err != nil {
				return err
			}
		}
		a.Job = *job
		a.Job.Failures = nil // they are in the outcomes
		if err := tx.AddMoves(moves); err != nil {
			return err
		}
		return tx.PutJob(job)
	})
}

func count(job *reencrypt.Job, moves reencrypt.Moves, number int64, o *reencrypt.Outcome, now time.Time) {
	switch {
	case o.Failure != nil:
		job.Fails(strconv.FormatInt(number, 10), o.Failure)
		if job.From != "" && !job.DryRun {
			moves.Between(job.From, job.To, now).Failed++
		}
	case job.DryRun:
		job.Moved++
	default:
		job.Moved++
		job.Bytes += int64(len(o.Ciphertext))
		m := moves.Between(o.From, o.To, now)
		m.Blobs++
		m.Bytes += int64(len(o.Ciphertext))
	}
}

// batch is blobs on their way to another key.
type batch struct {
	job      *reencrypt.Job
	kms      *awskms.Client
	region   string
	blobs    []reencrypt.Blob
	outcomes []*reencrypt.Outcome // nil: not moved, and for no reason of its own

	mu      sync.Mutex
	waiting string
}

// move moves blobs side by side until all are done, one meets what is not its own fault, or the time is over.
func (b *batch) move(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, blobsWithin)
	defer cancel()
	next := make(chan int)
	var group sync.WaitGroup
	for range min(blobsAtOnce, len(b.blobs)) {
		group.Go(func() {
			for i := range next {
				if b.outcomes[i] = b.one(ctx, &b.blobs[i]); b.outcomes[i] == nil {
					cancel()
				}
			}
		})
	}
feed:
	for i := range b.blobs {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
}

// one moves a blob; nil when it has to be tried again.
func (b *batch) one(ctx context.Context, blob *reencrypt.Blob) *reencrypt.Outcome {
	if blob.Source == "" {
		blob.Source = b.job.From
	}
	if region := regionOf(blob.Source); region != "" && region != b.region {
		return &reencrypt.Outcome{Failure: reencrypt.Fail(reencrypt.CodeOtherRegion, fmt.Sprintf("its key is in %s and the "+
			"destination in %s: KMS re-encrypts within one Region only", region, b.region))}
	}
	moved, err := b.kms.ReEncrypt(ctx, blob, b.job.To, b.job.DryRun)
	switch class := awskms.Classify(err); {
	case err == nil:
		return &reencrypt.Outcome{Moved: moved}
	case ctx.Err() != nil:
		return nil
	case class.Passing():
		b.mu.Lock()
		defer b.mu.Unlock()
		b.waiting = fmt.Sprintf("KMS cannot be used at the moment (%s): %v", class, err)
		return nil
	}
	return &reencrypt.Outcome{Failure: reencrypt.Refusal(awskms.ErrorCode(err), awskms.Message(err))}
}

// done are the outcomes up to the first blob that has none.
func (b *batch) done() []reencrypt.Outcome {
	done := make([]reencrypt.Outcome, 0, len(b.outcomes))
	for _, o := range b.outcomes {
		if o == nil {
			break
		}
		done = append(done, *o)
	}
	return done
}

// regionOf is the Region that an ARN names; "" for any other name of a key.
func regionOf(name string) string {
	if parts := strings.SplitN(name, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		return parts[3]
	}
	return ""
}
