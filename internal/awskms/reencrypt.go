package awskms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/reencrypt"
)

// dryRunPassed is the code of the error by which KMS says that a dry run would have succeeded.
const dryRunPassed = "DryRunOperationException"

// ReEncrypt seals a blob under another key (ARN) without anybody seeing what is in it. It changes nothing in KMS, so it
// is repeated like a read. A dry run only asks KMS whether it would.
func (c *Client) ReEncrypt(ctx context.Context, b *reencrypt.Blob, to string, dryRun bool) (reencrypt.Moved, error) {
	in := &kms.ReEncryptInput{
		CiphertextBlob: b.Ciphertext, SourceEncryptionContext: b.Context,
		DestinationKeyId: &to, DestinationEncryptionContext: b.NewContext(),
	}
	if b.Source != "" {
		in.SourceKeyId = &b.Source
	}
	if dryRun {
		in.DryRun = aws.Bool(true)
	}
	out, err := read(ctx, c, reEncrypt, in, func(ctx context.Context, in *kms.ReEncryptInput, o ...func(*kms.Options)) (
		*kms.ReEncryptOutput, error,
	) {
		out, err := c.api.ReEncrypt(ctx, in, o...)
		if dryRun && ErrorCode(err) == dryRunPassed {
			return &kms.ReEncryptOutput{}, nil
		}
		return out, err
	})
	if err != nil {
		return reencrypt.Moved{}, err
	}
	return reencrypt.Moved{
		Ciphertext: out.CiphertextBlob, From: aws.ToString(out.SourceKeyId), To: aws.ToString(out.KeyId),
	}, nil
}

// ReEncryptRate is how many calls of ReEncrypt a second rotd allows itself here.
func (c *Client) ReEncryptRate() float64 {
	return c.limits.of[reEncrypt].base[Sweep]
}
