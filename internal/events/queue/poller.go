package queue

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/zap"
)

const (
	// receiveMargin is what a receive may take beyond its long poll, the SDK's retries included.
	receiveMargin = 15 * time.Second
	// panicDelay keeps a batch whose handling panicked from coming back at once.
	panicDelay = 30 * time.Second
	// singlesFor is how long a poller asks for single messages after an answer too large for the budget.
	singlesFor = 10 * time.Minute
)

// poll receives and hands on until ctx ends. A receive under way then may go on until receiving ends; handlers get
// working.
func (c *Consumer) poll(ctx, receiving, working context.Context) {
	failures := 0
	var singlesUntil time.Time
	for c.ready(ctx) {
		size := c.opts.BatchSize
		if time.Now().Before(singlesUntil) {
			size = 1
		}
		got, err := c.receive(receiving, size)
		if err == nil {
			failures = 0
			c.take(ctx, working, got)
			continue
		}
		c.unsettled.Release(int64(c.opts.BatchSize))
		if receiving.Err() != nil {
			return
		}
		if _, tooLarge := errors.AsType[*tooLargeError](err); tooLarge {
			singlesUntil = time.Now().Add(singlesFor)
		}
		failures++
		c.stats.receiveErrors.Add(1)
		c.health.failed(err)
		sleep(ctx, c.opts.Jitter(backoffCeiling(failures)))
	}
}

// ready waits until something can be received and held, and reserves room for a batch. False means stop.
func (c *Consumer) ready(ctx context.Context) bool {
	c.health.waitResumed(ctx)
	if ctx.Err() != nil || c.opts.Budget.wait(ctx) != nil {
		return false
	}
	return c.unsettled.Acquire(ctx, int64(c.opts.BatchSize)) == nil
}

func (c *Consumer) receive(ctx context.Context, size int) (*received, error) {
	wait := c.opts.WaitTime
	if !c.health.sound() {
		wait = min(wait, time.Second)
	}
	ctx, cancel := context.WithTimeout(ctx, wait+receiveMargin)
	defer cancel()
	out, err := c.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &c.url,
		MaxNumberOfMessages: int32(size), //nolint:gosec // 1 to 10
		WaitTimeSeconds:     wholeSeconds(wait),
		VisibilityTimeout:   wholeSeconds(c.opts.VisibilityTimeout),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameSentTimestamp,
			types.MessageSystemAttributeNameSenderId,
		},
	}, c.opts.Budget.fastReceive)
	if err != nil {
		return nil, fmt.Errorf("receiving: %w", err)
	}
	return c.opts.Budget.messagesOf(ctx, out)
}

// take hands on what was received, or makes it visible again where it comes too late for that.
func (c *Consumer) take(ctx, working context.Context, got *received) {
	n := len(got.messages)
	c.stats.receives.Add(1)
	c.stats.messages.Add(uint64(n))
	c.health.succeeded(n)
	c.unsettled.Release(int64(c.opts.BatchSize - n))
	if n == 0 {
		c.opts.Budget.give(got.held)
		return
	}
	now := time.Now()
	for i := range got.messages {
		got.messages[i].Queue, got.messages[i].ReceivedAt = c.url, now
	}
	h := &holding{bytes: got.held, received: now, extended: now}
	h.batch = NewBatch(c.url, got.messages, func(outcomes []Disposition) {
		if c.hand.finish(h, outcomes) {
			c.settle(h)
		}
	})
	c.hand.add(h)
	if ctx.Err() != nil || c.health.isPaused() {
		c.stats.unhandled.Add(uint64(n))
		h.batch.Done(nil)
		return
	}
	c.handle(working, h.batch)
}

// handle runs the handler and contains its panic.
func (c *Consumer) handle(ctx context.Context, b *Batch) {
	defer func() {
		if value := recover(); value != nil {
			stack := debug.Stack()
			c.stats.panics.Add(1)
			c.log.Error("the handler panicked, its messages come back later", zap.Any("panic", value),
				zap.Int("messages", len(b.Messages)), zap.ByteString("stack", stack))
			c.opts.OnPanic(value, stack)
			b.RetryAll(panicDelay)
		}
	}()
	c.handler(ctx, b)
}

// settle gives a holding that may leave the hand to the senders, and only then takes it out of the hand: an empty hand
// means that nothing more comes to the senders.
func (c *Consumer) settle(h *holding) {
	defer c.hand.remove(h)
	c.opts.Budget.give(h.bytes)
	c.pending.Add(int64(len(h.batch.Messages)))
	for i := range h.batch.Messages {
		var d Disposition
		if i < len(h.outcomes) {
			d = h.outcomes[i]
		}
		receipt := h.batch.Messages[i].ReceiptHandle
		if d.Ack {
			c.deletes.entries <- entry{receipt: receipt}
		} else {
			c.releases.entries <- entry{receipt: receipt, after: d.VisibleAfter}
		}
	}
}
