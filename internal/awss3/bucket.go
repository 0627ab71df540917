package awss3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Bucket is what must be known of a bucket before its objects are moved.
type Bucket struct {
	Region    string
	Versioned bool // or was: there may be older versions
}

// Bucket describes a location's bucket.
func (c *Client) Bucket(ctx context.Context, at Location) (b Bucket, err error) {
	err = c.do(ctx, "looking at", at, func(in func(*s3.Options)) error {
		out, err := c.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &at.Bucket}, in)
		if err == nil {
			b.Region = aws.ToString(out.BucketRegion)
		}
		return err
	})
	if err != nil {
		return b, err
	}
	err = c.do(ctx, "looking at", at, func(in func(*s3.Options)) error {
		out, err := c.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &at.Bucket}, in)
		if err == nil {
			b.Versioned = out.Status != ""
		}
		return err
	})
	return b, err
}

// CountOlder counts the versions under a prefix that are not the current ones.
func (c *Client) CountOlder(ctx context.Context, prefix Location) (n int64, err error) {
	in := &s3.ListObjectVersionsInput{Bucket: &prefix.Bucket, Prefix: optional(prefix.Key)}
	for {
		var out *s3.ListObjectVersionsOutput
		err := c.do(ctx, "listing the versions of", prefix, func(region func(*s3.Options)) (err error) {
			out, err = c.api.ListObjectVersions(ctx, in, region)
			return err
		})
		if err != nil {
			return n, err
		}
		for i := range out.Versions {
			if !aws.ToBool(out.Versions[i].IsLatest) {
				n++
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return n, nil
		}
		in.KeyMarker, in.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
	}
}
