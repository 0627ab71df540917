// Package awssts is how people prove who they are to AWS: a GetCallerIdentity that they sign and rotd sends, so that
// STS names them and rotd never sees a secret. The signature is bound to one plan, one shard and one use. Who may do
// what is decided elsewhere.
//
// The one who proves sends a URL and a nonce; the request is built from them here, by Check, and from nothing else. Its
// headers are rotd's own words for what is agreed to, so that STS refuses a signature over anything else.
package awssts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Subject is what a signature is for. Each member is a header that is signed.
type Subject struct {
	Plan  string // hash of the plan
	Nonce string // used once
	Shard string
}

// ErrProof marks a proof that proves nothing: its maker is to blame. Any other error says that STS could not be asked.
var ErrProof = errors.New("the AWS identity is not proven")

// ValidFor is how old a signature may be.
const ValidFor = 5 * time.Minute

// The signed headers, besides the host.
const (
	headerPlan  = "X-Rotd-Plan"
	headerNonce = "X-Rotd-Nonce"
	headerShard = "X-Rotd-Shard"
)

// Sign makes the URL that proves who cfg's credentials belong to; nothing is sent.
func Sign(ctx context.Context, cfg aws.Config, s Subject) (url string, err error) {
	client := sts.NewPresignClient(sts.NewFromConfig(cfg), sts.WithPresignClientFromClientOptions(sts.WithAPIOptions(
		smithyhttp.SetHeaderValue(headerPlan, s.Plan),
		smithyhttp.SetHeaderValue(headerNonce, s.Nonce),
		smithyhttp.SetHeaderValue(headerShard, s.Shard),
		smithyhttp.SetHeaderValue("X-Amz-Expires", expires), // becomes a parameter
	)))
	signed, err := client.PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fmt.Errorf("sign with your AWS credentials: %w", err)
	}
	return signed.URL, nil
}
