package awss3

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Objects that no single copy takes are copied in parts.
const (
	maxCopySource = 5 << 30
	leastPart     = 512 << 20
)

// GiveUp has S3 forget an upload in parts, and the parts. One that is over or was never begun is no error.
func (c *Client) GiveUp(ctx context.Context, at Location, upload string) error {
	return (&parts{c: c, at: at, id: &upload}).abort(ctx)
}

// inParts copies a large object. What a copy keeps by itself must be told here: metadata, tags, headers. An upload that
// comes to nothing is given up; only a kill leaves one behind.
func (m *move) inParts(ctx context.Context, begun func(upload string) error) error {
	tags, err := m.tags(ctx)
	if err != nil {
		return err
	}
	var id *string
	err = m.c.onObject(ctx, "moving", m.h.Location, func(in func(*s3.Options)) error {
		out, err := m.c.api.CreateMultipartUpload(ctx, m.upload(tags), in)
		if err == nil {
			id = out.UploadId
		}
		return err
	})
	if err != nil {
		return err
	}
	if err = begun(aws.ToString(id)); err == nil {
		err = m.parts(ctx, id)
	}
	if err == nil {
		return nil
	}
	if left := (&parts{c: m.c, at: m.h.Location, id: id}).abort(ctx); left != nil {
		return fmt.Errorf("%w; its parts are left in the bucket (upload %s), until they are aborted by hand or by a "+
			"lifecycle rule (AbortIncompleteMultipartUpload): %w", err, aws.ToString(id), left)
	}
	return err
}

func (m *move) upload(tags *string) *s3.CreateMultipartUploadInput {
	head := m.h.head
	mode, until := m.lock()
	in := &s3.CreateMultipartUploadInput{
		Bucket: &m.h.Bucket, Key: &m.h.Key, ServerSideEncryption: m.sse(), SSEKMSKeyId: &m.key,
		BucketKeyEnabled: head.BucketKeyEnabled, StorageClass: m.storageClass(), ChecksumAlgorithm: algorithm(head),
		Metadata: head.Metadata, Tagging: tags, WebsiteRedirectLocation: head.WebsiteRedirectLocation,
		CacheControl: head.CacheControl, ContentDisposition: head.ContentDisposition, ContentEncoding: head.ContentEncoding,
		ContentLanguage: head.ContentLanguage, ContentType: head.ContentType,
		ObjectLockMode: mode, ObjectLockRetainUntilDate: until, ObjectLockLegalHoldStatus: head.ObjectLockLegalHoldStatus,
		GrantFullControl: m.acl.fullControl, GrantRead: m.acl.read, GrantReadACP: m.acl.readACP,
		GrantWriteACP: m.acl.writeACP,
	}
	if expires, err := time.Parse(time.RFC1123, aws.ToString(head.ExpiresString)); err == nil {
		in.Expires = &expires
	}
	return in
}

// parts copies one part after the other and puts them together, if the object is still the one that was described.
func (m *move) parts(ctx context.Context, id *string) error {
	size := max(m.c.leastPart, (m.h.Size+maxParts-1)/maxParts)
	var done []types.CompletedPart
	for from := int64(0); from < m.h.Size; from += size {
		number := int32(len(done) + 1) //nolint:gosec // at most maxParts
		err := m.c.onObject(ctx, "moving", m.h.Location, func(in func(*s3.Options)) error {
			out, err := m.c.api.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
				Bucket: &m.h.Bucket, Key: &m.h.Key, UploadId: id, PartNumber: &number, CopySource: m.source(),
				CopySourceIfMatch: m.h.head.ETag,
				CopySourceRange:   aws.String(fmt.Sprintf("bytes=%d-%d", from, min(from+size, m.h.Size)-1)),
			}, in)
			if err != nil {
				return err
			}
			part := types.CompletedPart{PartNumber: &number}
			if r := out.CopyPartResult; r != nil {
				part.ETag, part.ChecksumCRC32, part.ChecksumCRC32C = r.ETag, r.ChecksumCRC32, r.ChecksumCRC32C
				part.ChecksumCRC64NVME, part.ChecksumSHA1, part.ChecksumSHA256 = r.ChecksumCRC64NVME, r.ChecksumSHA1,
					r.ChecksumSHA256
			}
			done = append(done, part)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return m.do(ctx, func(region func(*s3.Options)) (*string, error) {
		out, err := m.c.api.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: &m.h.Bucket, Key: &m.h.Key, UploadId: id, IfMatch: m.h.head.ETag,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: done},
		}, region)
		if err != nil {
			return nil, err
		}
		return out.SSEKMSKeyId, nil
	})
}

// tags are the object's, as a header; nil when it has none.
func (m *move) tags(ctx context.Context) (*string, error) {
	if aws.ToInt32(m.h.head.TagCount) == 0 {
		return nil, nil //nolint:nilnil // there are none, and nothing went wrong
	}
	tags := url.Values{}
	err := m.c.onObject(ctx, "reading the tags of", m.h.Location, func(in func(*s3.Options)) error {
		out, err := m.c.api.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{
			Bucket: &m.h.Bucket, Key: &m.h.Key, VersionId: m.h.head.VersionId,
		}, in)
		if err != nil {
			return err
		}
		for _, tag := range out.TagSet {
			tags.Set(aws.ToString(tag.Key), aws.ToString(tag.Value))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return aws.String(tags.Encode()), nil
}
