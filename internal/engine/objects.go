package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.uber.org/zap"

	"rotd/internal/events"
	"rotd/internal/events/trail"
)

// Objects reads log objects record by record.
type Objects interface {
	// Object calls each with every record of a log object in order; it stops at each's first error and returns it.
	Object(ctx context.Context, ref events.ObjectRef, each trail.Each) (trail.Stats, error)
}

// pieceSize is how many records of a log object are committed together.
const pieceSize = 1000

// readObjects handles a batch that names log objects: their records are committed piece by piece, and the message is
// settled only after the last piece. It runs beside the poller, a bounded number at a time.
func (e *Engine) readObjects(ctx context.Context, w *work) {
	select {
	case e.objectSlots <- struct{}{}:
	case <-ctx.Done():
		w.done(ctx.Err())
		return
	}
	defer func() { <-e.objectSlots }()
	for i := range w.units {
		u := &w.units[i]
		for _, ref := range u.content.Objects {
			err := e.readObject(ctx, u, ref)
			if err == nil {
				continue
			}
			if own := ownFault(err); own != nil {
				u.failure = own
				break
			}
			e.log.Warn("cannot read log objects; receiving stops until they can be read", zap.Error(err))
			e.intake.close(ctx, e.queues, "log objects cannot be read: "+err.Error(), func() error {
				_, err := e.objects.Object(ctx, ref, func([]byte) error { return errProbed })
				if errors.Is(err, errProbed) || ownFault(err) != nil {
					return nil
				}
				return err
			})
			w.done(err)
			return
		}
	}
	e.submit(ctx, w)
}

// errProbed ends a probe's read at its first record.
var errProbed = errors.New("probed")

// readObject streams one log object through the committer.
func (e *Engine) readObject(ctx context.Context, message *unit, ref events.ObjectRef) error {
	if e.objects == nil {
		return &objectError{reason: "no-object-reader", err: errors.New("this rotd reads no log objects")}
	}
	name := "s3://" + ref.Bucket + "/" + ref.Key
	decoder := e.decoder()
	piece := unit{object: name}
	index := 0
	flush := func() error {
		committed := make(chan error, 1)
		w := &work{units: []unit{piece}, done: func(err error) { committed <- err }}
		piece = unit{object: name}
		e.submit(ctx, w)
		err := <-committed
		message.pieces.add(w.units[0].counts)
		return err
	}
	_, err := e.objects.Object(ctx, ref, func(raw []byte) error {
		piece.add(decoder, raw, index)
		index++
		if piece.content.Records() < pieceSize {
			return nil
		}
		return flush()
	})
	if err == nil && piece.content.Records() > 0 {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("read %s named by message %s: %w", name, message.msg.ID, err)
	}
	return nil
}

// add decodes one record of a log object. raw is the reader's and is copied when it is kept.
func (u *unit) add(d *events.Decoder, raw []byte, index int) {
	ev, wanted, err := d.DecodeRecord([]byte(strings.Clone(string(raw))))
	switch {
	case err != nil:
		f := failureOf(err)
		u.content.Malformed = append(u.content.Malformed, events.Malformed{
			Raw: []byte(string(raw)), Index: index, Reason: events.Reason(f.reason), Detail: f.detail,
		})
	case wanted:
		u.content.Events = append(u.content.Events, ev)
	default:
		u.content.Ignored[events.NotWanted]++
	}
}

// objectError is a fault of the object a message names.
type objectError struct {
	reason string
	err    error
}

func (e *objectError) Error() string { return e.err.Error() }
func (e *objectError) Unwrap() error { return e.err }

// failureOf turns a decoder's error into a failure of the message.
func failureOf(err error) *failure {
	if m, ok := errors.AsType[*events.MalformedError](err); ok {
		return &failure{reason: string(m.Reason), detail: m.Error()}
	}
	return &failure{reason: "undecodable", detail: err.Error()}
}

// ownFault returns the failure of a message whose log object is at fault; nil when no message is: S3, the network or a
// commit failed.
func ownFault(err error) *failure {
	if o, ok := errors.AsType[*trail.ObjectError](err); ok && o.Class.Own() {
		return &failure{reason: "object-" + string(o.Class), detail: o.Error()}
	}
	if o, ok := errors.AsType[*objectError](err); ok {
		return &failure{reason: o.reason, detail: o.Error()}
	}
	return nil
}
