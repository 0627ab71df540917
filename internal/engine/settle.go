package engine

import (
	"time"

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

// finishBatch tells SQS what becomes of the messages: only here, after the commit, is anything acknowledged. Messages
// handed back for a fault that is not theirs are counted when they come again.
func (e *Engine) finishBatch(b *queue.Batch, w *work, err error) {
	if err != nil {
		e.metrics.returned.Add(float64(len(b.Messages)))
		b.RetryAll(faultAfter)
		return
	}
	e.metrics.in.Add(float64(len(b.Messages)))
	outcomes := make([]queue.Disposition, len(w.units))
	for i := range w.units {
		outcomes[i] = w.units[i].outcome
	}
	b.Done(outcomes)
}

// undecodable decides what becomes of a message that cannot be decoded: the redrive policy moves it to the dead-letter
// queue; without one it is acknowledged after some receives.
func (u *unit) undecodable() queue.Disposition {
	if u.msg.ReceiveCount >= undecodableReceives && !u.redrive() {
		return queue.Disposition{Ack: true}
	}
	return queue.Disposition{VisibleAfter: undecodableAfter}
}
