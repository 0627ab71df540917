package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// SNS is what a Publisher needs of SNS's client.
type SNS interface {
	Publish(ctx context.Context, in *sns.PublishInput, options ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// DefaultTimeout is how long one attempt to publish may take.
const DefaultTimeout = 15 * time.Second

// Publisher sends messages to topics.
type Publisher struct {
	client  SNS
	timeout time.Duration
}

// NewPublisher makes a Publisher; a timeout of 0 is DefaultTimeout.
func NewPublisher(client SNS, timeout time.Duration) *Publisher {
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	return &Publisher{client: client, timeout: timeout}
}

// Publish sends a message to a topic, once: whether to send it again is for the caller to say, who knows from Class
// what a failure means. The message id is SNS's.
func (p *Publisher) Publish(ctx context.Context, topic Topic, m Message) (messageID string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	in := &sns.PublishInput{
		TopicArn:          aws.String(topic.ARN),
		Subject:           aws.String(m.Subject),
		Message:           aws.String(m.Body),
		MessageAttributes: make(map[string]types.MessageAttributeValue, len(m.Attributes)),
	}
	for name, value := range m.Attributes {
		in.MessageAttributes[name] = types.MessageAttributeValue{
			DataType: aws.String("String"), StringValue: aws.String(value),
		}
	}
	if strings.HasSuffix(topic.ARN, ".fifo") {
		in.MessageGroupId, in.MessageDeduplicationId = aws.String(m.GroupID), aws.String(m.DedupeID)
	}
	out, err := p.client.Publish(ctx, in, once(topic.ARN))
	if err != nil {
		return "", fmt.Errorf("publish to %s: %w", topic.ARN, err)
	}
	return aws.ToString(out.MessageId), nil
}

// once has the SDK try a single time, so that an answer that did not arrive is seen and not repeated unseen, and talk
// to the topic's own Region.
func once(arn string) func(*sns.Options) {
	return func(o *sns.Options) {
		o.Retryer = aws.NopRetryer{}
		inRegionOf(arn)(o)
	}
}

func inRegionOf(arn string) func(*sns.Options) {
	return func(o *sns.Options) {
		if parts := strings.Split(arn, ":"); len(parts) == 6 && parts[3] != "" {
			o.Region = parts[3]
		}
	}
}
