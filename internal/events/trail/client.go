package trail

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// NewClient returns the SDK's client.
func NewClient(cfg aws.Config) *s3.Client { return s3.NewFromConfig(cfg) }
