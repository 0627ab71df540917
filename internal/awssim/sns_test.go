package awssim_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
)

func (w *world) topic(t *testing.T, name string, attributes ...string) *string {
	t.Helper()
	attrs := map[string]string{}
	for i := 0; i < len(attributes); i += 2 {
		attrs[attributes[i]] = attributes[i+1]
	}
	out, err := w.sns.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &name, Attributes: attrs})
	if err != nil {
		t.Fatal(err)
	}
	return out.TopicArn
}

func attribute(kind, value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: &kind, StringValue: &value}
}

func TestPublishedMessageIsRememberedAsItWasSent(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "oncall")
	var told []string
	stop := w.sim.OnPublish(func(p awssim.Published) { told = append(told, p.MessageID) })
	out, err := w.sns.Publish(t.Context(), &sns.PublishInput{
		TopicArn: topic, Subject: aws.String("HIGH key disabled"), Message: aws.String("line one\nü"),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"severity": attribute("String", "HIGH"), "count": attribute("Number", "3"),
			"raw": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	stop()
	want := []awssim.Published{{
		Time: epoch, TopicARN: *topic, MessageID: *out.MessageId, Subject: "HIGH key disabled", Message: "line one\nü",
		PrincipalARN: w.user.ARN,
		Attributes: map[string]awssim.PublishedAttribute{
			"severity": {DataType: "String", StringValue: "HIGH"}, "count": {DataType: "Number", StringValue: "3"},
			"raw": {DataType: "Binary", BinaryValue: []byte{1, 2}},
		},
	}}
	if diff := cmp.Diff(want, w.sim.Published(*topic)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{*out.MessageId}, told); diff != "" {
		t.Errorf("listeners (-want +got):\n%s", diff)
	}
}

func TestWhatSNSRefuses(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "oncall")
	fifo := w.topic(t, "oncall.fifo", "FifoTopic", "true")
	attributes := func(value types.MessageAttributeValue) map[string]types.MessageAttributeValue {
		return map[string]types.MessageAttributeValue{"a": value}
	}
	text := func(n int) *string { return aws.String(strings.Repeat("x", n)) }
	const invalid, badAttribute = "InvalidParameter", "ParameterValueInvalid"
	jsonStructure, another := aws.String("json"), aws.String("arn:aws:sns:us-east-1:111122223333:oncall")
	tests := []struct {
		name string
		code string
		in   sns.PublishInput
	}{
		{"no message", invalid, sns.PublishInput{Message: text(0)}},
		{"a message over 256 KiB", invalid, sns.PublishInput{Message: text(256<<10 + 1)}},
		{"a message over 256 KiB with its attributes", invalid, sns.PublishInput{
			Message: text(256 << 10), MessageAttributes: attributes(attribute("String", "v")),
		}},
		{"a subject of 100 characters", invalid, sns.PublishInput{Subject: text(100)}},
		{"a subject with a line break", invalid, sns.PublishInput{Subject: aws.String("a\nb")}},
		{"a subject beyond ASCII", invalid, sns.PublishInput{Subject: aws.String("ü")}},
		{"a subject that begins with a space", invalid, sns.PublishInput{Subject: aws.String(" a")}},
		{"a JSON structure without default", invalid, sns.PublishInput{
			Message: aws.String(`{"sqs":"m"}`), MessageStructure: jsonStructure,
		}},
		{"a JSON structure whose default is no string", invalid, sns.PublishInput{
			Message: aws.String(`{"default":{}}`), MessageStructure: jsonStructure,
		}},
		{"an empty attribute", badAttribute, sns.PublishInput{MessageAttributes: attributes(attribute("String", ""))}},
		{"a number that is none", badAttribute, sns.PublishInput{
			MessageAttributes: attributes(attribute("Number", "many")),
		}},
		{"a topic that is missing", "NotFound", sns.PublishInput{TopicArn: aws.String(*topic + "x")}},
		{"a topic of another Region", invalid, sns.PublishInput{TopicArn: another}},
		{"a FIFO message without group", invalid, sns.PublishInput{TopicArn: fifo, MessageDeduplicationId: text(1)}},
		{"a FIFO message without deduplication id", invalid, sns.PublishInput{TopicArn: fifo, MessageGroupId: text(1)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.in.TopicArn == nil {
				tt.in.TopicArn = topic
			}
			if tt.in.Message == nil {
				tt.in.Message = text(1)
			}
			_, err := w.sns.Publish(t.Context(), &tt.in)
			wantCode(t, err, tt.code)
		})
	}
	if got := w.sim.Published(*topic); len(got) != 0 {
		t.Errorf("the topic took %v", got)
	}
	if got := w.sim.EffectsOf("Publish"); len(got) != 0 {
		t.Errorf("the oracle has effects: %v", got)
	}
}

func TestSNSErrorsAreTheSDKsTypedOnes(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "oncall")
	_, err := w.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(*topic + "x"), Message: aws.String("m")})
	if typed := wantType[*types.NotFoundException](t, err); typed.ErrorMessage() != "Topic does not exist" {
		t.Errorf("got message %q", typed.ErrorMessage())
	}
	_, err = w.sns.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: aws.String(*topic + "x")})
	wantType[*types.NotFoundException](t, err)
	_, err = w.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("")})
	wantType[*types.InvalidParameterException](t, err)
	_, err = w.sns.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic, Protocol: aws.String("email"), Endpoint: aws.String("a@b"),
	})
	wantType[*types.InvalidParameterException](t, err)
	denied := worldOf(t, w.sim, w.sim.NewAccessKey(account, "bob", "sqs:*"))
	_, err = denied.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("m")})
	wantType[*types.AuthorizationErrorException](t, err)
	_, err = w.sns.PublishBatch(t.Context(), &sns.PublishBatchInput{
		TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{},
	})
	wantType[*types.EmptyBatchRequestException](t, err)
}

func TestFIFOTopicForgetsADuplicateAfterFiveMinutes(t *testing.T) {
	w, clock := standing(t)
	topic := w.topic(t, "oncall.fifo", "FifoTopic", "true", "ContentBasedDeduplication", "true")
	publish := func(message string, id *string) string {
		t.Helper()
		out, err := w.sns.Publish(t.Context(), &sns.PublishInput{
			TopicArn: topic, Message: &message, MessageGroupId: aws.String("g"), MessageDeduplicationId: id,
		})
		if err != nil {
			t.Fatal(err)
		}
		return *out.MessageId
	}
	first := publish("m", nil)
	clock.Advance(5*time.Minute - time.Millisecond)
	if again := publish("m", nil); again != first {
		t.Errorf("the duplicate got id %s, want %s", again, first)
	}
	if other := publish("m", aws.String("d")); other == first {
		t.Error("another deduplication id is taken for a duplicate")
	}
	clock.Advance(time.Millisecond)
	if again := publish("m", nil); again == first {
		t.Error("five minutes later it is still a duplicate")
	}
	if n := len(w.sim.Published(*topic)); n != 3 {
		t.Errorf("the topic took %d messages, want 3", n)
	}
	if n := len(w.sim.EffectsOf("Publish")); n != 3 {
		t.Errorf("the oracle has %d effects, want 3", n)
	}
}

func TestSubscribedQueueGetsTheMessage(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "trail")
	wrapped, raw := w.queue(t, "wrapped"), w.queue(t, "raw")
	for url, attrs := range map[*string]map[string]string{wrapped: nil, raw: {"RawMessageDelivery": "true"}} {
		name := (*url)[strings.LastIndex(*url, "/")+1:]
		if _, err := w.sns.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: topic, Protocol: aws.String("sqs"), Attributes: attrs,
			Endpoint: aws.String("arn:aws:sqs:eu-west-1:111122223333:" + name),
		}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := w.sns.Publish(t.Context(), &sns.PublishInput{
		TopicArn: topic, Message: aws.String(`{"default":"d","sqs":"for queues"}`), MessageStructure: aws.String("json"),
		Subject: aws.String("s"), MessageAttributes: map[string]types.MessageAttributeValue{"k": attribute("String", "v")},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := w.receive(t, raw, 0)
	if len(got) != 1 || *got[0].Body != "for queues" || *got[0].MessageAttributes["k"].StringValue != "v" {
		t.Errorf("raw: got %+v", got)
	}
	got = w.receive(t, wrapped, 0)
	if len(got) != 1 {
		t.Fatalf("wrapped: got %d messages, want 1", len(got))
	}
	var n map[string]any
	if err := json.Unmarshal([]byte(*got[0].Body), &n); err != nil {
		t.Fatal(err)
	}
	for _, technical := range []string{"Signature", "SignatureVersion", "SigningCertURL", "UnsubscribeURL"} {
		delete(n, technical)
	}
	want := map[string]any{
		"Type": "Notification", "MessageId": *out.MessageId, "TopicArn": *topic, "Subject": "s", "Message": "for queues",
		"Timestamp":         "2026-11-23T09:00:00.000Z",
		"MessageAttributes": map[string]any{"k": map[string]any{"Type": "String", "Value": "v"}},
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("notification (-want +got):\n%s", diff)
	}
	attrs, err := w.sns.GetTopicAttributes(t.Context(), &sns.GetTopicAttributesInput{TopicArn: topic})
	if err != nil || attrs.Attributes["SubscriptionsConfirmed"] != "2" || attrs.Attributes["TopicArn"] != *topic {
		t.Errorf("got %+v, %v", attrs, err)
	}
}

func TestRawDeliveryDropsMoreThanTenAttributes(t *testing.T) {
	w, _ := standing(t)
	topic, url := w.topic(t, "oncall"), w.queue(t, "raw")
	if err := w.sim.SubscribeQueue(*topic, *url, true); err != nil {
		t.Fatal(err)
	}
	attrs := map[string]types.MessageAttributeValue{}
	for _, c := range "abcdefghijk" {
		attrs[string(c)] = attribute("String", "v")
	}
	if _, err := w.sns.Publish(t.Context(), &sns.PublishInput{
		TopicArn: topic, Message: aws.String("m"), MessageAttributes: attrs,
	}); err != nil {
		t.Fatal(err)
	}
	if got := w.receive(t, url, 0); len(got) != 0 {
		t.Errorf("got %v", bodies(got))
	}
}

func TestPublishBatchFailsEntryByEntry(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "oncall")
	out, err := w.sns.PublishBatch(t.Context(), &sns.PublishBatchInput{
		TopicArn: topic, PublishBatchRequestEntries: []types.PublishBatchRequestEntry{
			{Id: aws.String("a"), Message: aws.String("one")},
			{Id: aws.String("b"), Message: aws.String("two"), Subject: aws.String("bad\n")},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Successful) != 1 || *out.Successful[0].Id != "a" || len(out.Failed) != 1 ||
		*out.Failed[0].Code != "InvalidParameter" || !out.Failed[0].SenderFault {
		t.Errorf("got %+v", out)
	}
	if got := w.sim.Published(*topic); len(got) != 1 || got[0].Message != "one" {
		t.Errorf("the topic took %+v", got)
	}
}

func TestADeletedTopicIsGone(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "oncall")
	if _, err := w.sns.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: topic}); err != nil {
		t.Fatal(err)
	}
	_, err := w.sns.Publish(t.Context(), &sns.PublishInput{TopicArn: topic, Message: aws.String("m")})
	wantType[*types.NotFoundException](t, err)
}

func TestWaitPublishedReturnsWhenEnoughWasPublished(t *testing.T) {
	w, _ := standing(t)
	topic := w.topic(t, "oncall")
	published := make(chan error, 1)
	go func() { published <- errors.Join(publish(t, w, topic), publish(t, w, topic)) }()
	got, err := w.sim.WaitPublished(t.Context(), *topic, 2)
	if err != nil || len(got) != 2 {
		t.Errorf("got %v, %v", got, err)
	}
	if err := <-published; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.sim.WaitPublished(ctx, *topic, 3); err == nil {
		t.Error("no error although the context ended")
	}
}
