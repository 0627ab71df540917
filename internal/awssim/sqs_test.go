package awssim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
)

func (w *world) send(t testing.TB, url *string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if _, err := w.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
}

// receive receives up to ten messages with all their attributes, waiting wait seconds of wall time at most.
func (w *world) receive(t testing.TB, url *string, wait int32) []types.Message {
	t.Helper()
	out, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func (w *world) depth(t testing.TB, url *string) awssim.QueueDepth {
	t.Helper()
	d, err := w.sim.QueueDepth(*url)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func bodies(messages []types.Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, *m.Body)
	}
	return out
}

func TestMessageComesWithEverythingAConsumerAsksFor(t *testing.T) {
	w, clock := standing(t)
	url := w.queue(t, "events")
	body := "{\"a\":\"ü \\\"\u2028<&>\"}\n"
	sent, err := w.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: &body,
		MessageAttributes: map[string]types.MessageAttributeValue{
			"rule": {DataType: aws.String("String"), StringValue: aws.String("key-disabled")},
			"raw":  {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	got := w.receive(t, url, 0)
	if len(got) != 1 {
		t.Fatalf("got %d messages, want 1", len(got))
	}
	m := got[0]
	want := map[string]string{
		"SenderId": w.user.PrincipalID, "ApproximateReceiveCount": "1",
		"SentTimestamp":                    fmt.Sprint(epoch.UnixMilli()),
		"ApproximateFirstReceiveTimestamp": fmt.Sprint(epoch.Add(time.Second).UnixMilli()),
	}
	if diff := cmp.Diff(want, m.Attributes); diff != "" {
		t.Errorf("system attributes (-want +got):\n%s", diff)
	}
	if *m.Body != body || *m.MessageId != *sent.MessageId || *m.MD5OfBody != *sent.MD5OfMessageBody {
		t.Errorf("got %q, id %s, md5 %s", *m.Body, *m.MessageId, *m.MD5OfBody)
	}
	if *m.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
		t.Errorf("md5 of attributes: sent %s, received %s", *sent.MD5OfMessageAttributes, *m.MD5OfMessageAttributes)
	}
	if *m.MessageAttributes["rule"].StringValue != "key-disabled" || len(m.MessageAttributes["raw"].BinaryValue) != 2 {
		t.Errorf("got attributes %v", m.MessageAttributes)
	}
}

func TestMessageComesBackWhenItsVisibilityTimeoutEnds(t *testing.T) {
	w, clock := standing(t)
	url := w.queue(t, "events", "VisibilityTimeout", "30")
	w.send(t, url, "one")
	first := w.receive(t, url, 0)
	clock.Advance(29 * time.Second)
	if got := w.receive(t, url, 0); len(got) != 0 {
		t.Fatalf("got %v while invisible", bodies(got))
	}
	if d := w.depth(t, url); d != (awssim.QueueDepth{InFlight: 1}) {
		t.Errorf("got %+v, want one in flight", d)
	}
	clock.Advance(time.Second)
	second := w.receive(t, url, 0)
	if len(second) != 1 || second[0].Attributes["ApproximateReceiveCount"] != "2" {
		t.Fatalf("got %+v, want the message with receive count 2", second)
	}
	if *first[0].ReceiptHandle == *second[0].ReceiptHandle {
		t.Error("the receipt handle is the same for both receives")
	}
	w.delete(t, url, first[0].ReceiptHandle)
	if d := w.depth(t, url); d != (awssim.QueueDepth{InFlight: 1}) {
		t.Errorf("an old receipt handle deleted the message: %+v", d)
	}
	w.delete(t, url, second[0].ReceiptHandle)
	w.delete(t, url, second[0].ReceiptHandle)
	if d := w.depth(t, url); d != (awssim.QueueDepth{}) {
		t.Errorf("got %+v, want nothing", d)
	}
	if n := len(w.sim.EffectsOf("DeleteMessage")); n != 1 {
		t.Errorf("the oracle has %d effective deletes, want 1", n)
	}
}

func (w *world) delete(t *testing.T, url, handle *string) {
	t.Helper()
	if _, err := w.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{
		QueueUrl: url, ReceiptHandle: handle,
	}); err != nil {
		t.Fatal(err)
	}
}

func TestChangedVisibilityCountsFromNow(t *testing.T) {
	w, clock := standing(t)
	url := w.queue(t, "events")
	w.send(t, url, "one")
	handle := w.receive(t, url, 0)[0].ReceiptHandle
	change := func(seconds int32) error {
		_, err := w.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
			QueueUrl: url, ReceiptHandle: handle, VisibilityTimeout: seconds,
		})
		return err
	}
	clock.Advance(20 * time.Second)
	if err := change(60); err != nil {
		t.Fatal(err)
	}
	clock.Advance(59 * time.Second)
	if got := w.receive(t, url, 0); len(got) != 0 {
		t.Fatalf("got %v before the extended timeout", bodies(got))
	}
	wantCode(t, change(43_200), "InvalidParameterValue") // twelve hours in all
	if err := change(0); err != nil {
		t.Fatal(err)
	}
	wantType[*types.MessageNotInflight](t, change(10))
	if got := w.receive(t, url, 0); len(got) != 1 {
		t.Fatalf("got %v, want the message back at once", bodies(got))
	}
}

func TestBatchesFailEntryByEntry(t *testing.T) {
	w, clock := standing(t)
	url := w.queue(t, "events")
	sent, err := w.sqs.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{
		QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{
			{Id: aws.String("a"), MessageBody: aws.String("one")},
			{Id: aws.String("b"), MessageBody: aws.String("\x01")},
			{Id: aws.String("c"), MessageBody: aws.String("two"), DelaySeconds: 5},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sent.Successful) != 2 || len(sent.Failed) != 1 || *sent.Failed[0].Code != "InvalidMessageContents" {
		t.Fatalf("got %+v and %+v", sent.Successful, sent.Failed)
	}
	if d := w.depth(t, url); d != (awssim.QueueDepth{Visible: 1, Delayed: 1}) {
		t.Errorf("got %+v, want one visible, one delayed", d)
	}
	clock.Advance(5 * time.Second)
	got := w.receive(t, url, 0)
	if diff := cmp.Diff([]string{"one", "two"}, bodies(got)); diff != "" {
		t.Fatal(diff)
	}
	changed, err := w.sqs.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
		QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 90},
			{Id: aws.String("b"), ReceiptHandle: aws.String("no handle"), VisibilityTimeout: 90},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(changed.Successful) != 1 || *changed.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Fatalf("got %+v", changed)
	}
	deleted, err := w.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{
		QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle},
			{Id: aws.String("b"), ReceiptHandle: aws.String("no handle")},
			{Id: aws.String("c"), ReceiptHandle: got[1].ReceiptHandle},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(deleted.Successful) != 2 || len(deleted.Failed) != 1 || *deleted.Failed[0].Id != "b" ||
		*deleted.Failed[0].Code != "ReceiptHandleIsInvalid" || !deleted.Failed[0].SenderFault {
		t.Fatalf("got %+v", deleted)
	}
	if d := w.depth(t, url); d != (awssim.QueueDepth{}) {
		t.Errorf("got %+v, want nothing left", d)
	}
}

func TestSQSErrorsAreTheSDKsTypedOnes(t *testing.T) {
	w, _ := standing(t)
	url := w.queue(t, "events")
	missing := aws.String(w.sim.URL() + "/" + account + "/nowhere")
	entry := func(id string) types.DeleteMessageBatchRequestEntry {
		return types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: aws.String("h")}
	}
	batch := func(entries ...types.DeleteMessageBatchRequestEntry) error {
		_, err := w.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries})
		return err
	}

	_, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: missing})
	if typed := wantType[*types.QueueDoesNotExist](t, err); typed.ErrorMessage() == "" {
		t.Error("the error has no message")
	}
	wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = w.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("nowhere")})
	wantType[*types.QueueDoesNotExist](t, err)
	_, err = w.sqs.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String("h")})
	wantType[*types.ReceiptHandleIsInvalid](t, err)
	wantType[*types.EmptyBatchRequest](t, batch([]types.DeleteMessageBatchRequestEntry{}...))
	wantType[*types.BatchEntryIdsNotDistinct](t, batch(entry("a"), entry("a")))
	wantType[*types.InvalidBatchEntryId](t, batch(entry("")))
	var eleven []types.DeleteMessageBatchRequestEntry
	for i := range 11 {
		eleven = append(eleven, entry(fmt.Sprint(i)))
	}
	wantType[*types.TooManyEntriesInBatchRequest](t, batch(eleven...))
}

func TestQueueSettingsAreChecked(t *testing.T) {
	w, _ := standing(t)
	url := w.queue(t, "events")
	_, err := w.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("events"), Attributes: map[string]string{"VisibilityTimeout": "31"},
	})
	wantType[*types.QueueNameExists](t, err)
	_, err = w.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: url, MessageBody: aws.String(strings.Repeat("x", 1<<20+1)),
	})
	wantCode(t, err, "InvalidParameterValue")
	_, err = w.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": "soon"},
	})
	wantType[*types.InvalidAttributeValue](t, err)
	_, err = w.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: url, Attributes: map[string]string{"Colour": "red"},
	})
	wantType[*types.InvalidAttributeName](t, err)
	_, err = w.sqs.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: url})
	wantCode(t, err, "UnknownOperationException")
}

func TestQueueAttributesSayHowTheQueueIs(t *testing.T) {
	w, clock := standing(t)
	dead := w.queue(t, "dead")
	url := w.queue(t, "events")
	policy := `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead","maxReceiveCount":"20"}`
	clock.Advance(time.Minute)
	if _, err := w.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: url, Attributes: map[string]string{"RedrivePolicy": policy, "VisibilityTimeout": "45"},
	}); err != nil {
		t.Fatal(err)
	}
	w.send(t, url, "one", "two", "three")
	if _, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url}); err != nil {
		t.Fatal(err)
	}
	got, err := w.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"QueueArn": "arn:aws:sqs:eu-west-1:111122223333:events", "VisibilityTimeout": "45", "DelaySeconds": "0",
		"ReceiveMessageWaitTimeSeconds": "0", "MessageRetentionPeriod": "345600", "MaximumMessageSize": "1048576",
		"SqsManagedSseEnabled": "true", "RedrivePolicy": policy,
		"ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesNotVisible": "1",
		"ApproximateNumberOfMessagesDelayed": "0",
		"CreatedTimestamp":                   fmt.Sprint(epoch.Unix()),
		"LastModifiedTimestamp":              fmt.Sprint(epoch.Unix() + 60),
	}
	if diff := cmp.Diff(want, got.Attributes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	one, err := w.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: dead, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn, "RedrivePolicy"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want = map[string]string{"QueueArn": "arn:aws:sqs:eu-west-1:111122223333:dead"}
	if diff := cmp.Diff(want, one.Attributes); diff != "" {
		t.Errorf("only what was asked for and is set (-want +got):\n%s", diff)
	}
	found, err := w.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{
		QueueName: aws.String("events"), QueueOwnerAWSAccountId: aws.String(account),
	})
	if err != nil || *found.QueueUrl != *url {
		t.Errorf("got %v, %v, want %s", found, err, *url)
	}
}

func TestMessageReceivedTooOftenDies(t *testing.T) {
	w, clock := standing(t)
	dead := w.queue(t, "dead")
	url := w.queue(t, "events", "VisibilityTimeout", "1", "RedrivePolicy",
		`{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:111122223333:dead","maxReceiveCount":2}`)
	w.send(t, url, "poison")
	for range 2 {
		if got := w.receive(t, url, 0); len(got) != 1 {
			t.Fatalf("got %d messages, want 1", len(got))
		}
		clock.Advance(time.Second)
	}
	if got := w.receive(t, url, 0); len(got) != 0 {
		t.Fatalf("received a third time: %v", bodies(got))
	}
	got := w.receive(t, dead, 0)
	if len(got) != 1 || *got[0].Body != "poison" {
		t.Fatalf("got %v from the dead-letter queue", bodies(got))
	}
	want := map[string]string{
		"SenderId": w.user.PrincipalID, "ApproximateReceiveCount": "3", "SentTimestamp": fmt.Sprint(epoch.UnixMilli()),
		"ApproximateFirstReceiveTimestamp": fmt.Sprint(epoch.UnixMilli()),
		"DeadLetterQueueSourceArn":         "arn:aws:sqs:eu-west-1:111122223333:events",
	}
	if diff := cmp.Diff(want, got[0].Attributes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPurgedQueueIsEmptyAndRests(t *testing.T) {
	w, clock := standing(t)
	url := w.queue(t, "events")
	w.send(t, url, "one", "two")
	w.receive(t, url, 0)
	purge := func() error {
		_, err := w.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: url})
		return err
	}
	if err := purge(); err != nil {
		t.Fatal(err)
	}
	if d := w.depth(t, url); d != (awssim.QueueDepth{}) {
		t.Errorf("got %+v, want nothing", d)
	}
	wantType[*types.PurgeQueueInProgress](t, purge())
	clock.Advance(time.Minute)
	if err := purge(); err != nil {
		t.Fatal(err)
	}
}

func TestExpiredMessagesAreNotDelivered(t *testing.T) {
	w, clock := standing(t)
	url := w.queue(t, "events", "MessageRetentionPeriod", "60")
	w.send(t, url, "old")
	clock.Advance(61 * time.Second)
	w.send(t, url, "new")
	if diff := cmp.Diff([]string{"new"}, bodies(w.receive(t, url, 0))); diff != "" {
		t.Error(diff)
	}
}

func TestADeletedQueueIsMissedByItsPollers(t *testing.T) {
	w, _ := standing(t)
	url := w.queue(t, "events")
	polled := make(chan error, 1)
	go func() {
		_, err := w.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
		polled <- err
	}()
	w.inHand(t, "ReceiveMessage", 1)
	if _, err := w.sqs.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: url}); err != nil {
		t.Fatal(err)
	}
	wantType[*types.QueueDoesNotExist](t, <-polled)
	out, err := w.sqs.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil || len(out.QueueUrls) != 0 {
		t.Errorf("got %v, %v, want no queues", out, err)
	}
}
