package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"rotd/internal/reencrypt"
)

// Tally adds up results.
type Tally struct {
	Lines  int64 `json:"lines"`  // that are done
	Moved  int64 `json:"moved"`  // of a dry run: would be
	Failed int64 `json:"failed"` // bad lines among them
	Bad    int64 `json:"bad_lines"`
	// First are the first failures, for people.
	First []reencrypt.Result `json:"first_failures,omitempty"`
}

const firstFailures = 10

func (t *Tally) add(r *reencrypt.Result) {
	t.Lines++
	if r.Failure == nil {
		t.Moved++
		return
	}
	t.Failed++
	if r.Failure.Code == reencrypt.CodeBadLine {
		t.Bad++
	}
	if len(t.First) < firstFailures {
		t.First = append(t.First, *r)
	}
}

// Answer is what came of a batch: the outcomes of its first blobs, and what the next one waits for.
type Answer struct {
	Outcomes []reencrypt.Outcome
	Waiting  string
}

// Run is one way through a manifest.
type Run struct {
	Path    string
	Survey  Survey
	Journal *Journal // begun; nil: results are only counted
	DryRun  bool
	// Send has a daemon move blobs, of which first came before. ErrLater among its errors: it may be asked again.
	Send func(ctx context.Context, first int64, blobs []reencrypt.Blob) (Answer, error)
	// Progress is told after every batch, and what is waited for.
	Progress func(t *Tally, waiting string)
	Patience time.Duration // for how long nothing may be moved
}

// Why a run ends before its end. What is done is kept.
var (
	ErrLater   = errors.New("it may work later")
	ErrGaveUp  = errors.New("nothing was moved for too long")
	ErrChanged = errors.New("the manifest changed while it was read")
)

// Do goes through the manifest from where the journal ends, and finishes the results at its end.
func (r *Run) Do(ctx context.Context) (*Tally, error) {
	file, err := open(r.Path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &pass{Run: r, file: file, tally: &Tally{}}
	if r.Journal != nil {
		p.tally = &r.Journal.Tally
	}
	if err := p.skip(); err != nil {
		return p.tally, err
	}
	for {
		more, err := p.fill()
		if err != nil {
			return p.tally, err
		}
		if len(p.lines) == 0 && !more {
			break
		}
		if err := p.step(ctx); err != nil {
			return p.tally, err
		}
	}
	switch {
	case file.digest() != r.Survey.SHA256:
		return p.tally, ErrChanged
	case r.Journal != nil:
		return p.tally, r.Journal.Finish()
	}
	return p.tally, nil
}

// pass is a run on its way.
type pass struct {
	*Run
	file  *reader
	tally *Tally
	lines []line // read and not done
	bytes int    // of them
	sent  int64  // blobs that are done
	tries int    // since something was moved
	since time.Time
}

// skip passes over the lines that the journal has.
func (p *pass) skip() error {
	if p.Journal == nil {
		return nil
	}
	for p.file.number < p.Journal.last {
		l, err := p.file.next()
		if err != nil {
			return fmt.Errorf("%w: %w", ErrOther, err)
		}
		if l.wrong == nil {
			p.sent++
		}
	}
	return nil
}

// fill reads lines for a batch.
func (p *pass) fill() (more bool, err error) {
	for len(p.lines) < reencrypt.MaxBatch && p.bytes < reencrypt.MaxBatchBytes {
		l, err := p.file.next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		p.lines, p.bytes = append(p.lines, l), p.bytes+l.bytes
	}
	return true, nil
}

// step sends the lines in hand, and keeps the results of as many as are done.
func (p *pass) step(ctx context.Context) error {
	blobs := make([]reencrypt.Blob, 0, len(p.lines))
	for i := range p.lines {
		if p.lines[i].wrong == nil {
			blobs = append(blobs, p.lines[i].blob.Blob)
		}
	}
	var answer Answer
	if len(blobs) > 0 {
		var err error
		answer, err = p.Send(ctx, p.sent, blobs)
		switch {
		case errors.Is(err, ErrLater):
			answer.Waiting = err.Error()
		case err != nil:
			return err
		case len(answer.Outcomes) > len(blobs):
			return fmt.Errorf("%d outcomes came for %d blobs", len(answer.Outcomes), len(blobs))
		}
	}
	if err := p.keep(p.results(answer.Outcomes)); err != nil {
		return err
	}
	p.Progress(p.tally, answer.Waiting)
	return p.wait(ctx, len(answer.Outcomes) > 0 || len(blobs) == 0, answer.Waiting)
}

// results are those of the first lines in hand, up to the first blob that has no outcome.
func (p *pass) results(outcomes []reencrypt.Outcome) []reencrypt.Result {
	results := make([]reencrypt.Result, 0, len(p.lines))
	for i := range p.lines {
		l := &p.lines[i]
		r := reencrypt.Result{Line: l.number, DryRun: p.DryRun}
		switch {
		case l.wrong != nil:
			r.Failure = reencrypt.Fail(reencrypt.CodeBadLine, l.wrong.Error())
		case len(outcomes) == 0:
			return results
		default:
			r.ID, r.Outcome = l.blob.ID, outcomes[0]
			outcomes = outcomes[1:]
			p.sent++
		}
		results = append(results, r)
	}
	return results
}

// keep makes results durable and lets go of their lines.
func (p *pass) keep(results []reencrypt.Result) error {
	if len(results) == 0 {
		return nil
	}
	if p.Journal == nil {
		for i := range results {
			p.tally.add(&results[i])
		}
	} else if err := p.Journal.Append(results); err != nil {
		return err
	}
	for i := range results {
		p.bytes -= p.lines[i].bytes
	}
	p.lines = append([]line(nil), p.lines[len(results):]...)
	return nil
}

const (
	firstWait = 200 * time.Millisecond
	maxWait   = 10 * time.Second
)

// wait waits longer and longer while nothing is moved, and at last no more.
func (p *pass) wait(ctx context.Context, moved bool, waiting string) error {
	if moved {
		p.tries, p.since = 0, time.Time{}
	}
	if waiting == "" && moved {
		return ctx.Err()
	}
	if p.since.IsZero() {
		p.since = time.Now()
	}
	if time.Since(p.since) >= p.Patience {
		return fmt.Errorf("%w: %s", ErrGaveUp, waiting)
	}
	d := min(firstWait<<min(p.tries, 10), maxWait)
	p.tries++
	timer := time.NewTimer(d/2 + rand.N(d/2)) //nolint:gosec // jitter keeps no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
