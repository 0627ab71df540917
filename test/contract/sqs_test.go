package contract

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func sqsBehaviours() []behaviour {
	return []behaviour{
		{"SQS", "a message is received as it was sent", receivesAsSent},
		{"SQS", "a received message says when it was sent and how often it was received", describesAMessage},
		{"SQS", "a message comes back after its visibility timeout, counted", comesBack},
		{"SQS", "a visibility of zero gives a message back at once", givesBack},
		{"SQS", "a batch of visibility changes keeps messages away", keepsAway},
		{"SQS", "a deleted message does not come back", deletes},
		{"SQS", "a batch of deletes answers for each entry", deletesEachEntry},
		{"SQS", "more than ten messages at a time are refused", refusesElevenAtATime},
		{"SQS", "a long poll answers when a message arrives", pollsLong},
		{"SQS", "a missing queue is a typed error", missesAQueue},
		{"SQS", "a message received too often moves to the dead-letter queue", redrives},
		{"SQS", "a queue tells its ARN, redrive policy and depth", describesAQueue},
		{"SQS", "a message of 1 MiB is accepted", acceptsAMebibyte},
		{"SQS", "a message over 1 MiB is refused", refusesMore},
		{"SQS", "a character that XML cannot carry is refused", refusesControlCharacters},
	}
}

// queue makes the behaviour's queue, or another with a suffix.
func (a *api) queue(ctx context.Context, suffix string, attributes map[string]string) (string, error) {
	out, err := a.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String(a.name + suffix), Attributes: attributes,
	})
	if err != nil {
		return "", fmt.Errorf("CreateQueue: %w", err)
	}
	return *out.QueueUrl, nil
}

// queueWith makes the behaviour's queue with messages in it.
func (a *api) queueWith(ctx context.Context, attributes map[string]string, bodies ...string) (string, error) {
	url, err := a.queue(ctx, "", attributes)
	if err != nil {
		return "", err
	}
	for _, body := range bodies {
		if _, err := a.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
			return "", fmt.Errorf("SendMessage: %w", err)
		}
	}
	return url, nil
}

// receive waits for n messages and hides them for the given seconds.
func (a *api) receive(ctx context.Context, url string, n int, hide int32) ([]types.Message, error) {
	var messages []types.Message
	err := until(ctx, func() error {
		out, err := a.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: hide,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			return fmt.Errorf("ReceiveMessage: %w", err)
		}
		messages = append(messages, out.Messages...)
		return same("number of messages", len(messages), n)
	})
	return messages, err
}

// empty expects that a queue hands out nothing.
func (a *api) empty(ctx context.Context, url string) error {
	out, err := a.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		return fmt.Errorf("ReceiveMessage: %w", err)
	}
	return same("number of messages", len(out.Messages), 0)
}

// pause lets time pass on the server, which has a clock of its own.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func receivesAsSent(ctx context.Context, a *api) error {
	const body = "{\"detail\":\"ü \\\"quoted\\\" \u2028 <&> 日本\"}\r\n\t"
	url, err := a.queueWith(ctx, nil, body)
	if err != nil {
		return err
	}
	messages, err := a.receive(ctx, url, 1, 30)
	if err != nil {
		return err
	}
	return same("body", *messages[0].Body, body)
}

func describesAMessage(ctx context.Context, a *api) error {
	began := time.Now()
	url, err := a.queueWith(ctx, nil, "x")
	if err != nil {
		return err
	}
	messages, err := a.receive(ctx, url, 1, 30)
	if err != nil {
		return err
	}
	attributes := messages[0].Attributes
	millis, err := strconv.ParseInt(attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return fmt.Errorf("SentTimestamp: %w", err)
	}
	if sent := time.UnixMilli(millis); sent.Before(began.Add(-2*time.Second)) || sent.After(time.Now().Add(2*time.Second)) {
		return fmt.Errorf("SentTimestamp is %v, sent at %v", sent, began)
	}
	return same("ApproximateReceiveCount", attributes["ApproximateReceiveCount"], "1")
}

func comesBack(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil, "x")
	if err != nil {
		return err
	}
	if _, err := a.receive(ctx, url, 1, 1); err != nil {
		return err
	}
	if err := a.empty(ctx, url); err != nil {
		return fmt.Errorf("before the timeout: %w", err)
	}
	messages, err := a.receive(ctx, url, 1, 30)
	if err != nil {
		return fmt.Errorf("after the timeout: %w", err)
	}
	return same("ApproximateReceiveCount", messages[0].Attributes["ApproximateReceiveCount"], "2")
}

func givesBack(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil, "x")
	if err != nil {
		return err
	}
	messages, err := a.receive(ctx, url, 1, 600)
	if err != nil {
		return err
	}
	if _, err := a.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: messages[0].ReceiptHandle, VisibilityTimeout: 0,
	}); err != nil {
		return fmt.Errorf("ChangeMessageVisibility: %w", err)
	}
	_, err = a.receive(ctx, url, 1, 30)
	return err
}

func keepsAway(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil, "x", "y")
	if err != nil {
		return err
	}
	messages, err := a.receive(ctx, url, 2, 2)
	if err != nil {
		return err
	}
	var entries []types.ChangeMessageVisibilityBatchRequestEntry
	for i, message := range messages {
		entries = append(entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 60,
		})
	}
	out, err := a.sqs.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: &url, Entries: entries,
	})
	if err != nil {
		return fmt.Errorf("ChangeMessageVisibilityBatch: %w", err)
	}
	if len(out.Successful) != 2 || len(out.Failed) != 0 {
		return fmt.Errorf("%d changed and %d failed, want 2 and 0", len(out.Successful), len(out.Failed))
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return err
	}
	return a.empty(ctx, url)
}

func deletes(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil, "x")
	if err != nil {
		return err
	}
	messages, err := a.receive(ctx, url, 1, 1)
	if err != nil {
		return err
	}
	if _, err := a.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{
		QueueUrl: &url, ReceiptHandle: messages[0].ReceiptHandle,
	}); err != nil {
		return fmt.Errorf("DeleteMessage: %w", err)
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	return a.empty(ctx, url)
}

func deletesEachEntry(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil, "x")
	if err != nil {
		return err
	}
	messages, err := a.receive(ctx, url, 1, 1)
	if err != nil {
		return err
	}
	out, err := a.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{
		QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: messages[0].ReceiptHandle},
			{Id: aws.String("bad"), ReceiptHandle: aws.String("no receipt handle")},
		},
	})
	if err != nil {
		return fmt.Errorf("DeleteMessageBatch: %w", err)
	}
	if len(out.Successful) != 1 || *out.Successful[0].Id != "good" {
		return fmt.Errorf("%d entries deleted, want the good one", len(out.Successful))
	}
	if len(out.Failed) != 1 || *out.Failed[0].Id != "bad" {
		return fmt.Errorf("%d entries failed, want the bad one", len(out.Failed))
	}
	if !out.Failed[0].SenderFault {
		return errors.New("the bad entry is not called the sender's fault")
	}
	return same("code", *out.Failed[0].Code, "ReceiptHandleIsInvalid")
}

func refusesElevenAtATime(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil)
	if err != nil {
		return err
	}
	_, err = a.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11})
	return refusedAs(err, "InvalidParameterValue", "InvalidParameterValueException", "ReadCountOutOfRange")
}

func pollsLong(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil)
	if err != nil {
		return err
	}
	answered := make(chan error, 1)
	began := time.Now()
	go func() {
		out, err := a.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 10})
		if err == nil {
			err = same("number of messages", len(out.Messages), 1)
		}
		answered <- err
	}()
	if err := pause(ctx, 500*time.Millisecond); err != nil {
		return err
	}
	if _, err := a.queueWith(ctx, nil, "x"); err != nil {
		return err
	}
	if err := <-answered; err != nil {
		return err
	}
	if took := time.Since(began); took > 5*time.Second {
		return fmt.Errorf("answered after %v, the message came after half a second", took)
	}
	return nil
}

func missesAQueue(ctx context.Context, a *api) error {
	url, err := a.queue(ctx, "", nil)
	if err != nil {
		return err
	}
	_, err = a.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: aws.String(url + "-missing")})
	return refusal[*types.QueueDoesNotExist](err)
}

// redriven makes a queue whose messages move to a second one after two receives.
func (a *api) redriven(ctx context.Context, bodies ...string) (url, deadLetters string, err error) {
	deadLetters, err = a.queue(ctx, "-dead", nil)
	if err != nil {
		return "", "", err
	}
	arn, err := a.attribute(ctx, deadLetters, types.QueueAttributeNameQueueArn)
	if err != nil {
		return "", "", err
	}
	policy := fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":"2"}`, arn)
	url, err = a.queueWith(ctx, map[string]string{"RedrivePolicy": policy}, bodies...)
	return url, deadLetters, err
}

func (a *api) attribute(ctx context.Context, url string, name types.QueueAttributeName) (string, error) {
	out, err := a.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{name},
	})
	if err != nil {
		return "", fmt.Errorf("GetQueueAttributes: %w", err)
	}
	return out.Attributes[string(name)], nil
}

func redrives(ctx context.Context, a *api) error {
	url, deadLetters, err := a.redriven(ctx, "poison")
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := a.receive(ctx, url, 1, 1); err != nil {
			return err
		}
	}
	if err := pause(ctx, 1500*time.Millisecond); err != nil {
		return err
	}
	if err := a.empty(ctx, url); err != nil { // the receive that finds it has been received too often
		return fmt.Errorf("third receive: %w", err)
	}
	messages, err := a.receive(ctx, deadLetters, 1, 30)
	if err != nil {
		return fmt.Errorf("dead-letter queue: %w", err)
	}
	return same("body", *messages[0].Body, "poison")
}

func describesAQueue(ctx context.Context, a *api) error {
	url, _, err := a.redriven(ctx, "x", "y")
	if err != nil {
		return err
	}
	out, err := a.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return fmt.Errorf("GetQueueAttributes: %w", err)
	}
	if policy := out.Attributes["RedrivePolicy"]; !strings.Contains(policy, "maxReceiveCount") {
		return fmt.Errorf("RedrivePolicy is %q", policy)
	}
	arn := fmt.Sprintf(":sqs:%s:%s:%s", region, out.Attributes["QueueArn"][len("arn:aws:sqs:"+region+":"):][:12], a.name)
	if !strings.HasSuffix(out.Attributes["QueueArn"], arn) {
		return fmt.Errorf("QueueArn is %q", out.Attributes["QueueArn"])
	}
	return same("ApproximateNumberOfMessages", out.Attributes["ApproximateNumberOfMessages"], "2")
}

const mebibyte = 1 << 20

func acceptsAMebibyte(ctx context.Context, a *api) error {
	url, err := a.queueWith(ctx, nil, strings.Repeat("x", mebibyte))
	if err != nil {
		return err
	}
	messages, err := a.receive(ctx, url, 1, 30)
	if err != nil {
		return err
	}
	return same("length", len(*messages[0].Body), mebibyte)
}

func refusesMore(ctx context.Context, a *api) error {
	_, err := a.queueWith(ctx, nil, strings.Repeat("x", mebibyte+1))
	return refusedAs(err, "InvalidParameterValue", "InvalidParameterValueException")
}

func refusesControlCharacters(ctx context.Context, a *api) error {
	_, err := a.queueWith(ctx, nil, "a\x01b")
	return refusal[*types.InvalidMessageContents](err)
}
