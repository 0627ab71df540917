package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"rotd/internal/admin"
	"rotd/internal/awssts"
)

// awsIdentityFlag is the help of --aws-identity.
const awsIdentityFlag = "show the daemon who you are by your AWS credentials (AWS_PROFILE and so on); they stay here"

// as is the client asking in the name of the caller's AWS identity, for one request about one plan.
func (c *cli) as(ctx context.Context, client *admin.Client, plan string) (*admin.Client, error) {
	status, err := client.Status(ctx)
	if err != nil {
		return nil, err
	}
	loaded, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load your AWS configuration: %w", err)
	}
	if loaded.Region == "" {
		loaded.Region = "us-east-1" // any of STS's Regions knows everybody
	}
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	nonce := hex.EncodeToString(random[:])
	url, err := awssts.Sign(ctx, loaded, awssts.Subject{Plan: plan, Nonce: nonce, Shard: status.Shard})
	if err != nil {
		return nil, err
	}
	return client.As(admin.Proof{URL: url, Nonce: nonce, Plan: plan}), nil
}
