package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"go.uber.org/zap"

	"rotd/internal/events"
	"rotd/internal/events/queue"
)

// work is what one batch, or one piece of a log object, brought. done is called once, after the commit or when there
// can be none.
type work struct {
	units []unit
	done  func(err error)
}

// unit is one message, or one piece of a log object.
type unit struct {
	msg     *queue.Message // nil for a piece of a log object
	redrive func() bool    // whether the message's queue has a redrive policy
	object  string         // s3://bucket/key of a log object's piece
	content events.Content
	failure *failure          // the message as a whole cannot be handled, for a reason of its own
	ignored string            // the whole message is judged by nobody, for this reason
	pieces  counts            // of the log objects the message named, committed before it
	counts  counts            // set by the commit
	outcome queue.Disposition // set by the commit: what becomes of the message
}

// failure says why a message cannot be decoded: a stable word, and details for people.
type failure struct {
	reason string
	detail string
}

// Handler returns what a consumer of a queue gives its batches to. redrive says whether the queue has a redrive
// policy.
func (e *Engine) Handler(redrive func() bool) queue.Handler {
	return func(ctx context.Context, b *queue.Batch) {
		w := e.decodeBatch(b, redrive)
		w.done = func(err error) { e.finishBatch(b, w, err) }
		if w.namesObjects() {
			e.readObjects(ctx, w)
			return
		}
		e.submit(ctx, w)
	}
}

// decodeBatch decodes the messages of trusted senders.
func (e *Engine) decodeBatch(b *queue.Batch, redrive func() bool) *work {
	settings := e.Settings()
	decoder, senders := events.NewDecoder(settings.Judge), settings.Senders[b.Queue]
	w := &work{units: make([]unit, len(b.Messages))}
	for i := range b.Messages {
		u := &w.units[i]
		u.msg, u.redrive = &b.Messages[i], redrive
		if len(senders) > 0 && !slices.Contains(senders, u.msg.SenderID) {
			u.ignored = ignoredSender
			continue
		}
		e.decode(u, decoder)
	}
	return w
}

// decode decodes the message. A panic is a failure of this message alone.
func (e *Engine) decode(u *unit, d *events.Decoder) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("decode", v, debug.Stack())
			u.content = events.Content{}
			u.failure = &failure{reason: "panic", detail: fmt.Sprint(v)}
		}
	}()
	content, err := d.Decode(u.msg.Body)
	if err != nil {
		u.failure = failureOf(err)
		return
	}
	u.content = content
}

func (w *work) namesObjects() bool {
	return slices.ContainsFunc(w.units, func(u unit) bool { return len(u.content.Objects) > 0 })
}

// logPanic never hides a contained panic.
func (e *Engine) logPanic(where string, value any, stack []byte) {
	e.metrics.panics.WithLabelValues(where).Inc()
	e.log.Error("contained a panic", zap.String("in", where), zap.Any("panic", value), zap.ByteString("stack", stack))
}
