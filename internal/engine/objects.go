package engine

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"

	"rotd/internal/events"
	"rotd/internal/events/trail"
)

// Objects reads log objects record by record.
type Objects interface {
	// Object calls each with every record of a log object in order; it stops at each's first error and returns it.
	Object(ctx context.Context, ref events.ObjectRef, each trail.Each) (trail.Stats, error)
}

// readObjects handles a batch that names log objects: their records are committed piece by piece, and the message is
// settled only after the last piece. It keeps its poller, and as many at a time as there are slots read objects: what
// waits is SQS's to hold.
func (e *Engine) readObjects(ctx context.Context, w *work) {
	select {
	case e.objectSlots <- struct{}{}:
	case <-ctx.Done():
		w.done(ctx.Err())
		return
	}
	defer func() { <-e.objectSlots }()
	for i := range w.units {
		if err := e.readObjectsOf(ctx, &w.units[i]); err != nil {
			w.done(err)
			return
		}
	}
	e.submit(ctx, w)
}

// readObjectsOf reads the log objects one message names. An object at fault is the message's failure; an error is
// nobody's who sent a message, and has stopped the intake until it is over.
func (e *Engine) readObjectsOf(ctx context.Context, u *unit) error {
	for _, ref := range u.content.Objects {
		err := e.readObject(ctx, u, ref)
		if err == nil {
			continue
		}
		if u.failure = ownFault(err); u.failure != nil {
			return nil
		}
		if _, ours := errors.AsType[*commitError](err); ours || ctx.Err() != nil {
			return err
		}
		if e.intake.close(e.queues, "log objects cannot be read: "+err.Error(), func() error {
			return e.probeObject(ctx, ref)
		}) {
			e.log.Warn("cannot read log objects; receiving stops until they can be read", zap.Error(err))
		}
		return err
	}
	return nil
}

// probeObject reads an object's first record.
func (e *Engine) probeObject(ctx context.Context, ref events.ObjectRef) error {
	_, err := e.objects.Object(ctx, ref, func([]byte) error { return errProbed })
	if errors.Is(err, errProbed) || ownFault(err) != nil || ctx.Err() != nil {
		return nil //nolint:nilerr // S3 answers again, or the consumer that asked has stopped
	}
	return err
}

// errProbed ends a probe's read at its first record.
var errProbed = errors.New("probed")

// readObject streams one log object through the committer.
func (e *Engine) readObject(ctx context.Context, message *unit, ref events.ObjectRef) error {
	if e.objects == nil {
		return &objectError{reason: "no-object-reader", err: errors.New("this rotd reads no log objects")}
	}
	p := &pieces{e: e, decoder: e.decoder(), object: "s3://" + ref.Bucket + "/" + ref.Key}
	stats, err := e.objects.Object(ctx, ref, func(raw []byte) error {
		p.add(raw)
		if p.unit.content.Records() < pieceRecords && p.bytes < pieceBytes {
			return nil
		}
		return p.commit(ctx)
	})
	if err == nil {
		err = p.last(ctx, stats)
	}
	message.pieces.add(p.counts)
	if err != nil {
		return fmt.Errorf("read %s named by message %s: %w", p.object, message.msg.ID, err)
	}
	return nil
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
	if own := ownError(err); own != nil {
		return &failure{reason: own.reason, detail: own.Error()}
	}
	return nil
}
