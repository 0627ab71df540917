package main

import (
	"context"
	"fmt"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"rotd/internal/awss3"
)

// openStore is S3 as the AWS SDK's own chain of credentials, Regions and endpoints says.
func openStore(ctx context.Context) (*awss3.Client, error) {
	sdk, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	sdk.Region = orElse(sdk.Region, "us-east-1") // S3 says where the bucket is
	return awss3.New(sdk), nil
}
