package awskms

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// CanaryAgent is what the user agent of a canary's request names its nonce after, as `rotd-canary/<nonce>`.
const CanaryAgent = "rotd-canary"

// Canary asks KMS once to describe alias/rotd-canary-<nonce>, which is not there. That changes nothing, and CloudTrail
// records it: a NotFoundException, of which it need not tell what was asked for, or a refusal. The result's request id
// is the record's; its error is nil when KMS gave one of these answers. After any other nobody knows of a record.
func (c *Client) Canary(ctx context.Context, nonce string) Result {
	in := &kms.DescribeKeyInput{KeyId: aws.String("alias/rotd-canary-" + nonce)}
	_, err := once(ctx, c, describeKey, c.lane, in, func(
		ctx context.Context, in *kms.DescribeKeyInput, opts ...func(*kms.Options),
	) (*kms.DescribeKeyOutput, error) {
		return c.api.DescribeKey(ctx, in, append(opts, kms.WithAPIOptions(
			awsmiddleware.AddUserAgentKeyValue(CanaryAgent, nonce)))...)
	})
	if err == nil {
		err = errors.New("KMS describes a key of the canary's name")
	}
	r := refused(err)
	if r.RequestID != "" && (r.Class == NotFound || r.Class == AccessDenied) {
		r.Err = nil
	}
	return r
}
