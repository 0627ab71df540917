package awss3

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Object is an object as it is stored.
type Object struct {
	Body     io.ReadCloser // streamed; the caller closes it
	Size     int64
	Metadata map[string]string // lower-case names
}

// Get opens an object.
func (c *Client) Get(ctx context.Context, at Location) (*Object, error) {
	var out *s3.GetObjectOutput
	err := c.onObject(ctx, "reading", at, func(in func(*s3.Options)) (err error) {
		out, err = c.api.GetObject(ctx, &s3.GetObjectInput{Bucket: &at.Bucket, Key: &at.Key}, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.seen(at, out.ServerSideEncryption, out.SSEKMSKeyId)
	return &Object{Body: out.Body, Size: aws.ToInt64(out.ContentLength), Metadata: out.Metadata}, nil
}

// Upload is what one Put writes.
type Upload struct {
	Body        io.ReadSeeker // read from its beginning, a small one again when a request has to be repeated
	Size        int64
	SHA256      string // of the body, in hex: S3 refuses what arrived otherwise
	ContentType string
	Metadata    map[string]string
	KMSKey      string // id, ARN or alias of the key to encrypt with; "": as the bucket does by itself
	Overwrite   bool   // also when an object is there already
}

// Put writes an object whole or not at all: what is larger than PartSize in parts.
func (c *Client) Put(ctx context.Context, at Location, up Upload) error {
	sum, err := hex.DecodeString(up.SHA256)
	switch {
	case err != nil:
		return fmt.Errorf("write %s: the SHA-256 is not in hex: %w", at, err)
	case up.Size > MaxPut:
		return &Error{Op: "writing", At: at, Class: Gone, Err: fmt.Errorf("%d bytes are more than the %d that rotd writes",
			up.Size, int64(MaxPut))}
	case up.Size > PartSize:
		return c.putParts(ctx, at, up)
	}
	in := &s3.PutObjectInput{
		Bucket: &at.Bucket, Key: &at.Key, Body: up.Body, ContentLength: &up.Size, Metadata: maps.Clone(up.Metadata),
		ContentType: optional(up.ContentType), SSEKMSKeyId: optional(up.KMSKey),
	}
	if up.SHA256 != "" {
		in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum))
	}
	if up.KMSKey != "" {
		in.ServerSideEncryption = types.ServerSideEncryptionAwsKms
	}
	if !up.Overwrite {
		in.IfNoneMatch = aws.String("*")
	}
	return c.onObject(ctx, "writing", at, func(region func(*s3.Options)) error {
		if _, err := up.Body.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("go to the beginning of what is written: %w", err)
		}
		out, err := c.api.PutObject(ctx, in, region)
		if err == nil {
			c.seen(at, out.ServerSideEncryption, out.SSEKMSKeyId)
		}
		return err
	})
}

// Delete removes an object; that it is not there is no error.
func (c *Client) Delete(ctx context.Context, at Location) error {
	return c.onObject(ctx, "deleting", at, func(in func(*s3.Options)) error {
		_, err := c.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &at.Bucket, Key: &at.Key}, in)
		return err
	})
}

// Listed is an object in a listing.
type Listed struct {
	Location
	Size     int64
	Modified time.Time
}

// List yields the objects whose keys begin with prefix's, in the order of their keys, page by page. After an error it
// yields nothing more.
func (c *Client) List(ctx context.Context, prefix Location) iter.Seq2[Listed, error] {
	return c.ListAfter(ctx, prefix, "")
}

// ListAfter is List from behind a key on.
func (c *Client) ListAfter(ctx context.Context, prefix Location, after string) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		var token *string
		for {
			var out *s3.ListObjectsV2Output
			err := c.do(ctx, "listing", prefix, func(in func(*s3.Options)) (err error) {
				out, err = c.api.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
					Bucket: &prefix.Bucket, Prefix: optional(prefix.Key), ContinuationToken: token,
					StartAfter: optional(after),
				}, in)
				return err
			})
			if err != nil {
				yield(Listed{}, err)
				return
			}
			for i := range out.Contents {
				o := &out.Contents[i]
				at := Location{Bucket: prefix.Bucket, Key: aws.ToString(o.Key), Region: prefix.Region}
				if !yield(Listed{Location: at, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)}, nil) {
					return
				}
			}
			if token = out.NextContinuationToken; token == nil || !aws.ToBool(out.IsTruncated) {
				return
			}
		}
	}
}

// onObject is do for what needs a key.
func (c *Client) onObject(ctx context.Context, what string, at Location, call func(in func(*s3.Options)) error) error {
	if err := at.isObject(); err != nil {
		return &Error{Op: what, At: at, Class: Gone, Err: err}
	}
	return c.do(ctx, what, at, call)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
