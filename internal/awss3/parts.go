package awss3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	// PartSize is how much of an object one request writes, and what a Put keeps in memory. Larger objects go in parts:
	// one request takes 5 GiB at most, and a part that fails is repeated alone.
	PartSize = 16 << 20
	maxParts = 10_000 // S3's own bound
	// MaxPut is the largest object that Put writes: 156 GiB.
	MaxPut = maxParts * PartSize

	// abortWithin is how long S3 is asked to forget parts, also when the caller's context has ended.
	abortWithin = 20 * time.Second
)

// putParts writes an object part by part, and makes S3 forget the parts when they do not become the object.
func (c *Client) putParts(ctx context.Context, at Location, up Upload) error {
	in := &s3.CreateMultipartUploadInput{
		Bucket: &at.Bucket, Key: &at.Key, Metadata: maps.Clone(up.Metadata), ContentType: optional(up.ContentType),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, SSEKMSKeyId: optional(up.KMSKey),
	}
	if up.KMSKey != "" {
		in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
	}
	var begun *s3.CreateMultipartUploadOutput
	err := c.onObject(ctx, "writing", at, func(region func(*s3.Options)) (err error) {
		begun, err = c.api.CreateMultipartUpload(ctx, in, region)
		return err
	})
	if err != nil {
		return err
	}
	p := parts{c: c, at: at, up: up, id: begun.UploadId}
	err = p.send(ctx)
	if err == nil {
		err = p.complete(ctx)
	}
	if err == nil {
		return nil
	}
	if left := p.abort(ctx); left != nil {
		return fmt.Errorf("%w; its parts are left in the bucket (upload %s), until they are aborted by hand or by a "+
			"lifecycle rule (AbortIncompleteMultipartUpload): %w", err, aws.ToString(p.id), left)
	}
	return err
}

// parts is an upload under way.
type parts struct {
	c    *Client
	at   Location
	up   Upload
	id   *string
	done []types.CompletedPart
}

// send writes the parts one after another. S3 verifies the digest of each, and that of them all is verified here, since
// S3 keeps none of a whole object that came in parts.
func (p *parts) send(ctx context.Context) error {
	if _, err := p.up.Body.Seek(0, io.SeekStart); err != nil {
		return p.failed("go to the beginning of what is written", err)
	}
	whole := sha256.New()
	buf := make([]byte, PartSize)
	for left := p.up.Size; left > 0; {
		part := buf[:min(left, PartSize)]
		if _, err := io.ReadFull(p.up.Body, part); err != nil {
			return p.failed("read what is written", err)
		}
		whole.Write(part)
		if err := p.sendPart(ctx, part); err != nil {
			return err
		}
		left -= int64(len(part))
	}
	if sum := hex.EncodeToString(whole.Sum(nil)); p.up.SHA256 != "" && sum != p.up.SHA256 {
		return p.failed("check what was written", fmt.Errorf("its SHA-256 is %s, not %s", sum, p.up.SHA256))
	}
	return nil
}

func (p *parts) sendPart(ctx context.Context, part []byte) error {
	number := aws.Int32(int32(len(p.done) + 1)) //nolint:gosec // at most maxParts
	return p.c.onObject(ctx, "writing", p.at, func(region func(*s3.Options)) error {
		out, err := p.c.api.UploadPart(ctx, &s3.UploadPartInput{
			Bucket: &p.at.Bucket, Key: &p.at.Key, UploadId: p.id, PartNumber: number, Body: bytes.NewReader(part),
			ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		}, region)
		if err != nil {
			return err
		}
		p.done = append(p.done, types.CompletedPart{
			PartNumber: number, ETag: out.ETag, ChecksumSHA256: out.ChecksumSHA256,
		})
		return nil
	})
}

// complete makes the parts one object.
func (p *parts) complete(ctx context.Context) error {
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &p.at.Bucket, Key: &p.at.Key, UploadId: p.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: p.done},
	}
	if !p.up.Overwrite {
		in.IfNoneMatch = aws.String("*")
	}
	return p.c.onObject(ctx, "writing", p.at, func(region func(*s3.Options)) error {
		_, err := p.c.api.CompleteMultipartUpload(ctx, in, region)
		return err
	})
}

// abort has S3 forget the parts. An upload that S3 does not know has none left.
func (p *parts) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortWithin)
	defer cancel()
	err := p.c.onObject(ctx, "aborting", p.at, func(region func(*s3.Options)) error {
		_, err := p.c.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
			Bucket: &p.at.Bucket, Key: &p.at.Key, UploadId: p.id,
		}, region)
		return err
	})
	if ClassOf(err) == Gone {
		return nil
	}
	return err
}

// failed is an error of ours, not of S3's, in the shape of S3's.
func (p *parts) failed(doing string, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{Op: "writing", At: p.at, Class: Unavailable, Err: fmt.Errorf("%s: %w", doing, err)}
}
