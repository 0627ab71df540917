package notify

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// NewClient returns the SDK's client; Publish picks the Region of each topic.
func NewClient(cfg aws.Config) *sns.Client { return sns.NewFromConfig(cfg) }
