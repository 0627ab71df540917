// Package awss3 is S3 as rotd sees it: objects read and written as streams, listed by prefix, moved to another key and
// deleted, in whichever Region their bucket is, with errors in classes and plain words. It knows nothing of what stands
// in an object.
package awss3

import (
	"context"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// api is the part of the SDK's client that is used.
type api interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, opts ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, opts ...func(*s3.Options)) (
		*s3.CreateMultipartUploadOutput, error)
	UploadPart(ctx context.Context, in *s3.UploadPartInput, opts ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	HeadBucket(ctx context.Context, in *s3.HeadBucketInput, opts ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
	GetBucketVersioning(ctx context.Context, in *s3.GetBucketVersioningInput, opts ...func(*s3.Options)) (
		*s3.GetBucketVersioningOutput, error)
	HeadObject(ctx context.Context, in *s3.HeadObjectInput, opts ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObjectAcl(ctx context.Context, in *s3.GetObjectAclInput, opts ...func(*s3.Options)) (
		*s3.GetObjectAclOutput, error)
	GetObjectTagging(ctx context.Context, in *s3.GetObjectTaggingInput, opts ...func(*s3.Options)) (
		*s3.GetObjectTaggingOutput, error)
	CopyObject(ctx context.Context, in *s3.CopyObjectInput, opts ...func(*s3.Options)) (*s3.CopyObjectOutput, error)
	UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput, opts ...func(*s3.Options)) (
		*s3.UploadPartCopyOutput, error)
	CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, opts ...func(*s3.Options)) (
		*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, opts ...func(*s3.Options)) (
		*s3.AbortMultipartUploadOutput, error)
	ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, opts ...func(*s3.Options)) (
		*s3.ListObjectVersionsOutput, error)
	ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, opts ...func(*s3.Options)) (
		*s3.ListObjectsV2Output, error)
}

// Client reads and writes objects. It may be used by many goroutines. An error of its methods is the context's own or
// an *Error.
type Client struct {
	api     api
	mu      sync.Mutex
	regions map[string]string // by bucket: where S3 said it is
	sealed  map[Sealed]bool

	maxCopy, leastPart int64 // of an object that is copied
}

// maxRegions bounds what is remembered of buckets; messages choose their names.
const maxRegions = 256

// New returns a client that calls S3 as cfg says, first in cfg's Region.
func New(cfg aws.Config) *Client { return newClient(s3.NewFromConfig(cfg)) }

func newClient(api api) *Client {
	return &Client{
		api: api, regions: make(map[string]string), sealed: make(map[Sealed]bool), maxCopy: maxCopySource,
		leastPart: leastPart,
	}
}

// LimitCopies has what is larger than most copied in parts of at least part bytes, so that no test needs gigabytes.
func (c *Client) LimitCopies(most, part int64) { c.maxCopy, c.leastPart = most, part }

// do calls S3 in the Region where the bucket is known to be, and once more where it turns out to be: neither people
// nor CloudTrail's notifications say.
func (c *Client) do(
	ctx context.Context, what string, at Location, call func(in func(*s3.Options)) error,
) error {
	if err := at.check(); err != nil {
		return &Error{Op: what, At: at, Class: Gone, Err: err}
	}
	region := c.region(at)
	err := call(inRegion(region))
	if actual := movedTo(err); actual != "" && actual != region {
		c.remember(at.Bucket, actual)
		err = call(inRegion(actual))
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &Error{Op: what, At: at, Class: classify(err), Err: err}
}

func inRegion(region string) func(*s3.Options) {
	return func(o *s3.Options) {
		if region != "" {
			o.Region = region
		}
	}
}

func (c *Client) region(at Location) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if region, ok := c.regions[at.Bucket]; ok {
		return region
	}
	return at.Region
}

func (c *Client) remember(bucket, region string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.regions) >= maxRegions {
		clear(c.regions)
	}
	c.regions[bucket] = region
}
