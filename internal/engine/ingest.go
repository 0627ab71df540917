package engine

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"rotd/internal/events"
	"rotd/internal/events/queue"
)

const (
	// undecodableAfter is when a message that cannot be decoded is visible again, for the redrive policy to count.
	undecodableAfter = 30 * time.Second
	// undecodableReceives is how often it is received before it is acknowledged for want of a redrive policy; its
	// copy in the quarantine is durable by then.
	undecodableReceives = 5
	// faultAfter is when messages are visible again that could not be handled for no fault of their own.
	faultAfter = 5 * time.Second
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
	object  string         // s3://bucket/key of a log object's piece
	content events.Content
	failure *failure          // the message as a whole cannot be handled, for a reason of its own
	outcome queue.Disposition // what becomes of the message
	ignored string            // the whole message is judged by nobody, for this reason
	redrive bool              // the queue has a redrive policy
	counts  counts            // set by the commit
	pieces  counts            // of the log objects the message named, committed before it
	result  messageResult     // set by the commit
}

// counts says how many records were what.
type counts struct{ fresh, duplicates, malformed int }

func (c *counts) add(other counts) {
	c.fresh += other.fresh
	c.duplicates += other.duplicates
	c.malformed += other.malformed
}

// result is what a message with these records turned out to be.
func (c counts) result() messageResult {
	switch {
	case c.fresh > 0:
		return messageProcessed
	case c.duplicates > 0:
		return messageDuplicate
	case c.malformed > 0:
		return messageQuarantined
	}
	return messageIgnored
}

// failure says why a message cannot be decoded: a stable word, and details for people.
type failure struct {
	reason string
	detail string
}

// Handler returns what a consumer of a queue gives its batches to. redrive says whether the queue has a redrive policy.
func (e *Engine) Handler(redrive func() bool) queue.Handler {
	return func(ctx context.Context, b *queue.Batch) {
		e.metrics.received(len(b.Messages))
		w := &work{units: make([]unit, len(b.Messages))}
		objects := false
		decoder, senders := e.decoder(), e.Settings().Senders[b.Queue]
		for i := range b.Messages {
			u := &w.units[i]
			u.msg, u.redrive, u.outcome = &b.Messages[i], redrive(), queue.Disposition{Ack: true}
			if len(senders) > 0 && !slices.Contains(senders, u.msg.SenderID) {
				u.ignored = ignoredSender
				continue
			}
			u.decode(decoder)
			objects = objects || len(u.content.Objects) > 0
		}
		w.done = func(err error) { e.finishBatch(b, w, err) }
		if !objects {
			e.submit(ctx, w)
			return
		}
		e.readObjects(ctx, w)
	}
}

// decode decodes the message. A panic is a failure of this message alone.
func (u *unit) decode(d *events.Decoder) {
	defer func() {
		if v := recover(); v != nil {
			u.content = events.Content{}
			u.failure = &failure{reason: "panic", detail: fmt.Sprintf("%v\n%s", v, debug.Stack())}
		}
	}()
	content, err := d.Decode(u.msg.Body)
	if err != nil {
		u.failure = failureOf(err)
		return
	}
	u.content = content
}

// finishBatch tells SQS what becomes of the messages: only here, after the commit, is anything acknowledged.
func (e *Engine) finishBatch(b *queue.Batch, w *work, err error) {
	if err != nil {
		b.RetryAll(faultAfter)
		return
	}
	outcomes := make([]queue.Disposition, len(w.units))
	for i := range w.units {
		outcomes[i] = w.units[i].outcome
	}
	b.Done(outcomes)
}

// submit hands work to the committer.
func (e *Engine) submit(ctx context.Context, w *work) {
	select {
	case e.commits <- w:
	case <-ctx.Done():
		w.done(ctx.Err())
	}
}

// undecodable decides what becomes of a message that cannot be decoded: the redrive policy moves it to the dead-letter
// queue; without one it is acknowledged after some receives.
func (u *unit) undecodable() {
	if !u.redrive && u.msg.ReceiveCount >= undecodableReceives {
		u.outcome = queue.Disposition{Ack: true}
		return
	}
	u.outcome = queue.Disposition{VisibleAfter: undecodableAfter}
}

// logPanic never hides a contained panic.
func (e *Engine) logPanic(where string, value any, stack []byte) {
	e.metrics.panics.WithLabelValues(where).Inc()
	e.log.Error("contained a panic", zap.String("in", where), zap.Any("panic", value), zap.ByteString("stack", stack))
}
