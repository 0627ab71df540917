package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func snsBehaviours() []behaviour {
	return []behaviour{
		{"SNS", "a published message reaches a queue inside a notification", notifies},
		{"SNS", "raw delivery hands on the message alone", deliversRaw},
		{"SNS", "attributes are part of the notification", notifiesAttributes},
		{"SNS", "a filter policy holds messages back", filters},
		{"SNS", "publishing to a missing topic is a typed error", missesATopic},
		{"SNS", "a message of 256 KiB is accepted", acceptsALongMessage},
		{"SNS", "a message over 256 KiB is refused", refusesALongerMessage},
		{"SNS", "a subject with a line break is refused", refusesALineBreak},
		{"SNS", "a subject over 100 characters is refused", refusesALongSubject},
		{"SNS", "a structured message without a default is refused", refusesNoDefault},
	}
}

// topic makes the behaviour's topic.
func (a *api) topic(ctx context.Context) (string, error) {
	out, err := a.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: &a.name})
	if err != nil {
		return "", fmt.Errorf("CreateTopic: %w", err)
	}
	return *out.TopicArn, nil
}

// subscribed makes the behaviour's topic, and a queue that is subscribed to it with the given attributes.
func (a *api) subscribed(ctx context.Context, attributes map[string]string) (topic, queue string, err error) {
	if topic, err = a.topic(ctx); err != nil {
		return "", "", err
	}
	if queue, err = a.queue(ctx, "", nil); err != nil {
		return "", "", err
	}
	arn, err := a.attribute(ctx, queue, sqstypes.QueueAttributeNameQueueArn)
	if err != nil {
		return "", "", err
	}
	_, err = a.sns.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("sqs"), Endpoint: &arn, Attributes: attributes,
	})
	if err != nil {
		return "", "", fmt.Errorf("Subscribe: %w", err)
	}
	return topic, queue, nil
}

// notification is what SNS wraps a message in.
type notification struct {
	Type, MessageId, TopicArn, Subject, Message, Timestamp string

	MessageAttributes map[string]struct{ Type, Value string }
}

// publish publishes and gives the message's id and the body that reaches the queue.
func (a *api) publish(ctx context.Context, queue string, in *sns.PublishInput) (id, body string, err error) {
	out, err := a.sns.Publish(ctx, in)
	if err != nil {
		return "", "", fmt.Errorf("Publish: %w", err)
	}
	messages, err := a.receive(ctx, queue, 1, 30)
	if err != nil {
		return "", "", err
	}
	return aws.ToString(out.MessageId), *messages[0].Body, nil
}

func notifies(ctx context.Context, a *api) error {
	topic, queue, err := a.subscribed(ctx, nil)
	if err != nil {
		return err
	}
	const message = "CRITICAL: ü \"key\" <&>\nsecond line"
	id, body, err := a.publish(ctx, queue, &sns.PublishInput{
		TopicArn: &topic, Subject: aws.String("CRITICAL key-disabled"), Message: aws.String(message),
	})
	if err != nil {
		return err
	}
	var n notification
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	if id == "" || n.Timestamp == "" {
		return errors.New("no id or no timestamp")
	}
	return errors.Join(
		same("Type", n.Type, "Notification"), same("MessageId", n.MessageId, id), same("TopicArn", n.TopicArn, topic),
		same("Subject", n.Subject, "CRITICAL key-disabled"), same("Message", n.Message, message),
	)
}

func deliversRaw(ctx context.Context, a *api) error {
	topic, queue, err := a.subscribed(ctx, map[string]string{"RawMessageDelivery": "true"})
	if err != nil {
		return err
	}
	_, body, err := a.publish(ctx, queue, &sns.PublishInput{TopicArn: &topic, Message: aws.String(`{"a":1}`)})
	if err != nil {
		return err
	}
	return same("body", body, `{"a":1}`)
}

func severity(value string) map[string]types.MessageAttributeValue {
	return map[string]types.MessageAttributeValue{
		"severity": {DataType: aws.String("String"), StringValue: &value},
	}
}

func notifiesAttributes(ctx context.Context, a *api) error {
	topic, queue, err := a.subscribed(ctx, nil)
	if err != nil {
		return err
	}
	_, body, err := a.publish(ctx, queue, &sns.PublishInput{
		TopicArn: &topic, Message: aws.String("x"), MessageAttributes: severity("HIGH"),
	})
	if err != nil {
		return err
	}
	var n notification
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	got := n.MessageAttributes["severity"]
	return errors.Join(same("Type", got.Type, "String"), same("Value", got.Value, "HIGH"))
}

func filters(ctx context.Context, a *api) error {
	topic, queue, err := a.subscribed(ctx, map[string]string{
		"RawMessageDelivery": "true", "FilterPolicy": `{"severity":["CRITICAL","HIGH"]}`,
	})
	if err != nil {
		return err
	}
	for _, level := range []string{"LOW", "MEDIUM"} {
		if _, err := a.sns.Publish(ctx, &sns.PublishInput{
			TopicArn: &topic, Message: &level, MessageAttributes: severity(level),
		}); err != nil {
			return fmt.Errorf("Publish: %w", err)
		}
	}
	_, body, err := a.publish(ctx, queue, &sns.PublishInput{
		TopicArn: &topic, Message: aws.String("HIGH"), MessageAttributes: severity("HIGH"),
	})
	if err != nil {
		return err
	}
	return same("body", body, "HIGH")
}

func missesATopic(ctx context.Context, a *api) error {
	topic, err := a.topic(ctx)
	if err != nil {
		return err
	}
	_, err = a.sns.Publish(ctx, &sns.PublishInput{TopicArn: aws.String(topic + "-missing"), Message: aws.String("x")})
	return refusal[*types.NotFoundException](err)
}

const longest = 256 << 10

// publishing is what a topic answers to a message that has no subscriber.
func (a *api) publishing(ctx context.Context, in sns.PublishInput) error {
	topic, err := a.topic(ctx)
	if err != nil {
		return err
	}
	in.TopicArn = &topic
	_, err = a.sns.Publish(ctx, &in)
	return err
}

func acceptsALongMessage(ctx context.Context, a *api) error {
	return a.publishing(ctx, sns.PublishInput{Message: aws.String(strings.Repeat("x", longest))})
}

func refusesALongerMessage(ctx context.Context, a *api) error {
	return refusal[*types.InvalidParameterException](
		a.publishing(ctx, sns.PublishInput{Message: aws.String(strings.Repeat("x", longest+1))}))
}

func refusesALineBreak(ctx context.Context, a *api) error {
	return refusal[*types.InvalidParameterException](
		a.publishing(ctx, sns.PublishInput{Message: aws.String("x"), Subject: aws.String("a\nb")}))
}

func refusesALongSubject(ctx context.Context, a *api) error {
	return refusal[*types.InvalidParameterException](
		a.publishing(ctx, sns.PublishInput{Message: aws.String("x"), Subject: aws.String(strings.Repeat("x", 101))}))
}

func refusesNoDefault(ctx context.Context, a *api) error {
	return refusal[*types.InvalidParameterException](a.publishing(ctx, sns.PublishInput{
		Message: aws.String(`{"sqs":"x"}`), MessageStructure: aws.String("json"),
	}))
}
