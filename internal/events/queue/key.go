package queue

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// KMSKey asks SQS under which KMS key the queue's messages are: its id, ARN or alias, "" when they are under none.
func (c *Consumer) KMSKey(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := c.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &c.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameKmsMasterKeyId},
	})
	if err != nil {
		return "", fmt.Errorf("ask for the key of queue %s: %w", c.url, err)
	}
	return out.Attributes[string(types.QueueAttributeNameKmsMasterKeyId)], nil
}
