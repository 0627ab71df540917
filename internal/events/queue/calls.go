package queue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// callTimeout bounds every call but the long poll, the SDK's retries included.
const callTimeout = 20 * time.Second

// maxVisibility is the longest SQS keeps a message invisible.
const maxVisibility = 12 * time.Hour

// entry is one message to delete or to change.
type entry struct {
	receipt string
	after   time.Duration // changes only
}

// caller makes the batch calls. They answer 200 also where single entries failed, so each returns the entries worth
// another attempt, the number of those not worth one, and an error that says what went wrong with either.
type caller struct {
	client SQS
	url    string
}

func (c *caller) deleteBatch(ctx context.Context, entries []entry) (again []entry, lost int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{
		QueueUrl: &c.url,
		Entries:  make([]types.DeleteMessageBatchRequestEntry, len(entries)),
	}
	for i := range entries {
		in.Entries[i] = types.DeleteMessageBatchRequestEntry{
			Id:            aws.String(strconv.Itoa(i)),
			ReceiptHandle: &entries[i].receipt,
		}
	}
	out, err := c.client.DeleteMessageBatch(ctx, in)
	if err != nil {
		return entries, 0, err
	}
	return sortOut(entries, out.Failed)
}

func (c *caller) changeBatch(ctx context.Context, entries []entry) (again []entry, lost int, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	in := &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &c.url,
		Entries:  make([]types.ChangeMessageVisibilityBatchRequestEntry, len(entries)),
	}
	for i := range entries {
		in.Entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id:                aws.String(strconv.Itoa(i)),
			ReceiptHandle:     &entries[i].receipt,
			VisibilityTimeout: wholeSeconds(entries[i].after),
		}
	}
	out, err := c.client.ChangeMessageVisibilityBatch(ctx, in)
	if err != nil {
		return entries, 0, err
	}
	return sortOut(entries, out.Failed)
}

// sortOut separates SQS's faults, which pass, from the sender's: a receipt handle that is no longer valid stays so.
func sortOut(entries []entry, failed []types.BatchResultErrorEntry) (again []entry, lost int, err error) {
	for i := range failed {
		f := &failed[i]
		n, convErr := strconv.Atoi(aws.ToString(f.Id))
		if convErr != nil || n < 0 || n >= len(entries) {
			continue // no entry of ours
		}
		if f.SenderFault {
			lost++
		} else {
			again = append(again, entries[n])
		}
		err = errors.Join(err, &entryError{code: aws.ToString(f.Code), message: aws.ToString(f.Message)})
	}
	return again, lost, err
}

// entryError is SQS's word on one entry of a batch.
type entryError struct{ code, message string }

func (e *entryError) Error() string { return e.code + ": " + e.message }

// wholeSeconds rounds up to what SQS takes.
func wholeSeconds(d time.Duration) int32 {
	d = min(max(d, 0), maxVisibility)
	return int32((d + time.Second - 1) / time.Second)
}
