// Package queue consumes an SQS queue: it receives messages, hands them on in batches, keeps them invisible while work
// on them goes on, and deletes them or makes them visible again as it is told. It knows bodies and acknowledgements and
// nothing about what a body means: neither CloudTrail nor envelopes, and no state. A message is deleted only when its
// Batch was told so through Done, and Done is for the moment when everything the message means is durable.
package queue

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// maxBatch is how many messages SQS gives, deletes or changes in one call.
const maxBatch = 10

// SQS is what a Consumer needs of the SDK's client.
type SQS interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (
		*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (
		*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (
		*sqs.ChangeMessageVisibilityBatchOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (
		*sqs.GetQueueAttributesOutput, error)
}

// Message is one receive of a message.
type Message struct {
	ID            string
	ReceiptHandle string
	Body          []byte    // a slice of the batch's one buffer: keeping it keeps the whole buffer
	ReceiveCount  int       // ApproximateReceiveCount, 1 at the first receive; 0 when SQS did not say
	SentAt        time.Time // zero when SQS did not say
	ReceivedAt    time.Time
	SenderID      string // SQS's SenderId: an account, user or role id, never chosen by the sender
	Queue         string // the queue's URL
}

func (m *Message) clearAttributes() { m.ReceiveCount, m.SentAt, m.SenderID = 0, time.Time{}, "" }

// setAttribute takes over a system attribute as SQS gives it. A number that is none counts as absent: it is
// information about the message, and no reason to refuse it.
func (m *Message) setAttribute(name, value string) {
	switch name {
	case "ApproximateReceiveCount":
		m.ReceiveCount, _ = strconv.Atoi(value)
	case "SentTimestamp":
		m.SentAt = time.Time{}
		if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
			m.SentAt = time.UnixMilli(ms).UTC()
		}
	case "SenderId":
		m.SenderID = value
	}
}

// Disposition is what shall become of a message. The zero value makes it visible again at once.
type Disposition struct {
	Ack          bool          // delete it
	VisibleAfter time.Duration // otherwise: visible again after this, in whole seconds rounded up, at most 12 h
}

// Handler takes over a batch. It is called from a poller and may return before the batch is Done, so that several
// batches share one commit. ctx ends when the drain time of a stop is over, not when the stop begins.
type Handler func(ctx context.Context, b *Batch)

// Batch is the messages of one receive. Whoever has it owes it one call of Done.
type Batch struct {
	Queue    string
	Messages []Message

	finish func([]Disposition)
	done   atomic.Bool
}

// NewBatch makes a batch that reports to finish, which is called once.
func NewBatch(queue string, messages []Message, finish func([]Disposition)) *Batch {
	return &Batch{Queue: queue, Messages: messages, finish: finish}
}

// Done tells what shall become of the messages, outcomes in their order. It is for the moment when everything they mean
// is durable, may be called from any goroutine, and never blocks on the network. A message without an outcome is made
// visible again at once: nothing is deleted without being named. Only the first call counts.
func (b *Batch) Done(outcomes []Disposition) {
	if b.done.CompareAndSwap(false, true) {
		b.finish(outcomes)
	}
}

// AckAll calls Done so that every message is deleted.
func (b *Batch) AckAll() { b.all(Disposition{Ack: true}) }

// RetryAll calls Done so that every message becomes visible again after the delay.
func (b *Batch) RetryAll(after time.Duration) { b.all(Disposition{VisibleAfter: after}) }

func (b *Batch) all(d Disposition) {
	outcomes := make([]Disposition, len(b.Messages))
	for i := range outcomes {
		outcomes[i] = d
	}
	b.Done(outcomes)
}
