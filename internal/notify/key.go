package notify

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// KMSKey asks SNS under which KMS key a topic's messages are: its id, ARN or alias, "" when they are under none.
func KMSKey(ctx context.Context, client *sns.Client, topicARN string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	out, err := client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &topicARN}, inRegionOf(topicARN))
	if err != nil {
		return "", fmt.Errorf("ask for the key of topic %s: %w", topicARN, err)
	}
	return out.Attributes["KmsMasterKeyId"], nil
}
