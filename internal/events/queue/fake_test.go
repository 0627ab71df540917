package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const testURL = "https://sqs.eu-west-1.example/111122223333/rotd"

// fakeSQS is one queue that behaves like SQS: long polls, visibility, receive counts, stale receipt handles, failures
// of single entries.
type fakeSQS struct {
	mu       sync.Mutex
	messages []*fakeMessage
	changed  chan struct{} // closed and replaced when something may have become visible
	attrs    map[string]string

	fault      func(op string) error             // nil error: none
	entryFault func(op, id string) (code string) // "": none; "sender:…" is the sender's fault
	answering  func(*sqs.ReceiveMessageInput)    // runs when messages were taken and are about to be answered
	calls      map[string]int                    // by operation
	deletes    []int                             // entries of each DeleteMessageBatch
	changes    []types.ChangeMessageVisibilityBatchRequestEntry
	changing   func()
}

type fakeMessage struct {
	id, body, receipt string
	receives          int
	sent, visibleAt   time.Time
	deleted           bool
}

func newFake(bodies ...string) *fakeSQS {
	f := &fakeSQS{changed: make(chan struct{}), calls: map[string]int{}, attrs: map[string]string{}}
	f.send(bodies...)
	return f
}

func (f *fakeSQS) send(bodies ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, body := range bodies {
		id := "m" + strconv.Itoa(len(f.messages))
		f.messages = append(f.messages, &fakeMessage{id: id, body: body, sent: time.Now(), visibleAt: time.Now()})
	}
	f.wake()
}

func (f *fakeSQS) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fakeSQS) begin(op string) error {
	f.mu.Lock()
	f.calls[op]++
	fault := f.fault
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(op)
}

func (f *fakeSQS) ReceiveMessage(
	ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options),
) (*sqs.ReceiveMessageOutput, error) {
	if err := f.begin("ReceiveMessage"); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(time.Duration(in.WaitTimeSeconds) * time.Second)
	for {
		out, next, changed := f.collect(in)
		if len(out.Messages) > 0 || !time.Now().Before(deadline) {
			if f.answering != nil && len(out.Messages) > 0 {
				f.answering(in)
			}
			return out, nil
		}
		if next.IsZero() || next.After(deadline) {
			next = deadline
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

func (f *fakeSQS) collect(in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, time.Time, chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &sqs.ReceiveMessageOutput{}
	var next time.Time
	now := time.Now()
	for _, m := range f.messages {
		if m.deleted || len(out.Messages) == int(in.MaxNumberOfMessages) {
			continue
		}
		if m.visibleAt.After(now) {
			if next.IsZero() || m.visibleAt.Before(next) {
				next = m.visibleAt
			}
			continue
		}
		m.receives++
		m.visibleAt = now.Add(time.Duration(in.VisibilityTimeout) * time.Second)
		m.receipt = fmt.Sprintf("%s#%d", m.id, m.receives)
		out.Messages = append(out.Messages, types.Message{
			MessageId: aws.String(m.id), Body: aws.String(m.body), ReceiptHandle: aws.String(m.receipt),
			Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.receives),
				"SentTimestamp":           strconv.FormatInt(m.sent.UnixMilli(), 10),
				"SenderId":                "AIDAEXAMPLE",
			},
		})
	}
	return out, next, f.changed
}

func (f *fakeSQS) byReceipt(receipt string) *fakeMessage {
	for _, m := range f.messages {
		if m.receipt == receipt {
			return m
		}
	}
	return nil
}

func (f *fakeSQS) failed(op, entryID, receipt string) *types.BatchResultErrorEntry {
	m := f.byReceipt(receipt)
	if m == nil || f.entryFault == nil {
		return nil
	}
	code := f.entryFault(op, m.id)
	if code == "" {
		return nil
	}
	return &types.BatchResultErrorEntry{
		Id: aws.String(entryID), Code: aws.String(code), SenderFault: code == "ReceiptHandleIsInvalid",
	}
}

func (f *fakeSQS) DeleteMessageBatch(
	_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options),
) (*sqs.DeleteMessageBatchOutput, error) {
	if err := f.begin("DeleteMessageBatch"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deletes = append(f.deletes, len(in.Entries))
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if fail := f.failed("DeleteMessageBatch", *e.Id, *e.ReceiptHandle); fail != nil {
			out.Failed = append(out.Failed, *fail)
			continue
		}
		if m := f.byReceipt(*e.ReceiptHandle); m != nil { // a stale handle is accepted and deletes nothing
			m.deleted = true
		}
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func (f *fakeSQS) ChangeMessageVisibilityBatch(
	_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options),
) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	if err := f.begin("ChangeMessageVisibilityBatch"); err != nil {
		return nil, err
	}
	if f.changing != nil {
		f.changing()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		if fail := f.failed("ChangeMessageVisibilityBatch", *e.Id, *e.ReceiptHandle); fail != nil {
			out.Failed = append(out.Failed, *fail)
			continue
		}
		f.changes = append(f.changes, e)
		if m := f.byReceipt(*e.ReceiptHandle); m != nil {
			m.visibleAt = time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
		}
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	f.wake()
	return out, nil
}

func (f *fakeSQS) GetQueueAttributes(
	context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options),
) (*sqs.GetQueueAttributesOutput, error) {
	if err := f.begin("GetQueueAttributes"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return &sqs.GetQueueAttributesOutput{Attributes: f.attrs}, nil
}

// left returns the ids of the messages that are not deleted.
func (f *fakeSQS) left() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, m := range f.messages {
		if !m.deleted {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// hidden returns the ids of the messages that are neither deleted nor visible.
func (f *fakeSQS) hidden() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for _, m := range f.messages {
		if !m.deleted && m.visibleAt.After(time.Now()) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

func (f *fakeSQS) count(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[op]
}

func (f *fakeSQS) setFault(fault func(op string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

var errDown = errors.New("connection refused")

// failing makes every call of one of ops fail.
func failing(err error, ops ...string) func(string) error {
	return func(op string) error {
		if slices.Contains(ops, op) {
			return err
		}
		return nil
	}
}
