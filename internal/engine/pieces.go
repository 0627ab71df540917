package engine

import (
	"bytes"
	"context"
	"fmt"

	"rotd/internal/events"
	"rotd/internal/events/trail"
)

// Bounds of what is committed of a log object together.
const (
	pieceRecords = 1000
	pieceBytes   = 8 << 20
)

// pieces commits a log object's records piece by piece.
type pieces struct {
	e       *Engine
	decoder *events.Decoder
	object  string // s3://bucket/key
	unit    unit   // the piece in hand
	bytes   int
	index   int    // of the next record
	counts  counts // of what is committed
}

// add decodes one record. raw is the reader's and is copied where it is kept.
func (p *pieces) add(raw []byte) {
	ev, wanted, err := p.decoder.DecodeRecord(raw)
	content := &p.unit.content
	switch {
	case err != nil:
		f := failureOf(err)
		content.Malformed = append(content.Malformed, events.Malformed{
			Raw: bytes.Clone(raw), Index: p.index, Reason: events.Reason(f.reason), Detail: f.detail,
		})
	case wanted:
		content.Events = append(content.Events, ev)
	default:
		content.Ignored[events.NotWanted]++
	}
	if err != nil || wanted {
		p.bytes += len(raw)
	}
	p.index++
}

// last commits the last piece. An object without records counts as one that is ignored.
func (p *pieces) last(ctx context.Context, stats trail.Stats) error {
	switch {
	case p.index > 0:
	case stats.Digest:
		p.unit.content.Ignored[events.SkippedFile]++
	default:
		p.unit.content.Ignored[events.EmptyFile]++
	}
	if p.unit.content.Records() == 0 {
		return nil
	}
	return p.commit(ctx)
}

// commit commits the piece in hand and returns when it is durable.
func (p *pieces) commit(ctx context.Context) error {
	committed := make(chan error, 1)
	p.unit.object = p.object
	w := &work{units: []unit{p.unit}, done: func(err error) { committed <- err }}
	p.unit, p.bytes = unit{}, 0
	p.e.submit(ctx, w)
	select {
	case err := <-committed:
		if err != nil {
			return &commitError{err}
		}
		p.counts.add(w.units[0].counts)
		return nil
	case <-p.e.stopped:
		return &commitError{errStopped}
	}
}

// commitError is why a piece could not be committed: the state's fault, which the committer has dealt with.
type commitError struct{ err error }

func (e *commitError) Error() string { return fmt.Sprintf("commit: %v", e.err) }
func (e *commitError) Unwrap() error { return e.err }
