package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"rotd/internal/awss3"
)

// loadAWS is AWS as the SDK's own chain of credentials, Regions and endpoints says.
func loadAWS(ctx context.Context) (aws.Config, error) {
	sdk, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return sdk, fmt.Errorf("load the AWS configuration: %w", err)
	}
	sdk.Region = orElse(sdk.Region, "us-east-1") // S3 says where a bucket is
	return sdk, nil
}

func openStore(ctx context.Context) (*awss3.Client, error) {
	sdk, err := loadAWS(ctx)
	if err != nil {
		return nil, err
	}
	return awss3.New(sdk), nil
}
