package awss3

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Held is an object as S3 describes it, with all that a copy must be told to be like it.
type Held struct {
	Location
	Size   int64
	KMSKey string // ARN of the key that encrypts it; "": S3's own keys do

	head *s3.HeadObjectOutput
}

// Look describes an object.
func (c *Client) Look(ctx context.Context, at Location) (*Held, error) {
	var out *s3.HeadObjectOutput
	err := c.onObject(ctx, "reading", at, func(in func(*s3.Options)) (err error) {
		out, err = c.api.HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: &at.Bucket, Key: &at.Key, ChecksumMode: types.ChecksumModeEnabled,
		}, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &Held{
		Location: at, Size: aws.ToInt64(out.ContentLength), KMSKey: aws.ToString(out.SSEKMSKeyId), head: out,
	}, nil
}

// Kept says why an object stays under its key; nil when it can be moved.
func (h *Held) Kept() error {
	switch class := h.head.StorageClass; {
	case class == types.StorageClassGlacier, class == types.StorageClassDeepArchive, h.head.ArchiveStatus != "":
		return &Error{Op: "moving", At: h.Location, Class: Refused, Err: &reason{"archived", "it is archived (" +
			string(class) + string(h.head.ArchiveStatus) + "): restore it first, and copy what was restored by hand"}}
	case h.head.ObjectLockEventHold != "":
		return &Error{Op: "moving", At: h.Location, Class: Refused, Err: &reason{"event-hold", "it is under an Object Lock " +
			"event hold, which a copy would begin anew"}}
	}
	return nil
}

// MoveToKey copies an object onto itself so that another key (ARN) encrypts it, and keeps everything else that it has.
// When it was changed or deleted since h was read, S3 refuses the copy. Older versions stay as they are. Of a large
// object, which goes in parts, begun hears the upload's id before the first of them: GiveUp has S3 forget what a kill
// leaves.
func (c *Client) MoveToKey(ctx context.Context, h *Held, key string, begun func(upload string) error) error {
	if err := h.Kept(); err != nil {
		return err
	}
	acl, err := c.grants(ctx, h.Location)
	if err != nil {
		return err
	}
	m := &move{c: c, h: h, key: key, acl: acl}
	if h.Size > c.maxCopy {
		return m.inParts(ctx, begun)
	}
	return m.atOnce(ctx)
}

// move is one object on its way to another key.
type move struct {
	c   *Client
	h   *Held
	key string
	acl grants
}

// source is the version that was described, as x-amz-copy-source has it.
func (m *move) source() *string {
	escaped := strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(m.h.Bucket + "/" + m.h.Key))
	if v := aws.ToString(m.h.head.VersionId); v != "" {
		escaped += "?versionId=" + url.QueryEscape(v)
	}
	return &escaped
}

// sse is the kind of encryption by KMS, which stays.
func (m *move) sse() types.ServerSideEncryption {
	if m.h.head.ServerSideEncryption == types.ServerSideEncryptionAwsKmsDsse {
		return types.ServerSideEncryptionAwsKmsDsse
	}
	return types.ServerSideEncryptionAwsKms
}

func (m *move) atOnce(ctx context.Context) error {
	head := m.h.head
	mode, until := m.lock()
	in := &s3.CopyObjectInput{
		Bucket: &m.h.Bucket, Key: &m.h.Key, CopySource: m.source(), CopySourceIfMatch: head.ETag, IfMatch: head.ETag,
		ServerSideEncryption: m.sse(), SSEKMSKeyId: &m.key, BucketKeyEnabled: head.BucketKeyEnabled,
		MetadataDirective: types.MetadataDirectiveCopy, TaggingDirective: types.TaggingDirectiveCopy,
		StorageClass: m.storageClass(), ChecksumAlgorithm: algorithm(head),
		WebsiteRedirectLocation: head.WebsiteRedirectLocation,
		ObjectLockMode:          mode, ObjectLockRetainUntilDate: until,
		ObjectLockLegalHoldStatus: head.ObjectLockLegalHoldStatus,
		GrantFullControl:          m.acl.fullControl, GrantRead: m.acl.read, GrantReadACP: m.acl.readACP,
		GrantWriteACP: m.acl.writeACP,
	}
	return m.do(ctx, func(region func(*s3.Options)) (*string, error) {
		out, err := m.c.api.CopyObject(ctx, in, region)
		if err != nil {
			return nil, err
		}
		return out.SSEKMSKeyId, nil
	})
}

// do makes a call that puts the object under its new key, and wants S3 to say that it is.
func (m *move) do(ctx context.Context, call func(region func(*s3.Options)) (key *string, err error)) error {
	var key *string
	err := m.c.onObject(ctx, "moving", m.h.Location, func(in func(*s3.Options)) (err error) {
		key, err = call(in)
		return err
	})
	if err == nil && aws.ToString(key) != m.key {
		err = &Error{Op: "moving", At: m.h.Location, Class: Refused, Err: &reason{
			"another-key",
			fmt.Sprintf("S3 encrypted the copy with %q", aws.ToString(key)),
		}}
	}
	return err
}

func (m *move) storageClass() types.StorageClass {
	if m.h.head.StorageClass == "" {
		return types.StorageClassStandard
	}
	return m.h.head.StorageClass
}

// lock is the retention that the copy gets: the same, unless it is over.
func (m *move) lock() (mode types.ObjectLockMode, until *time.Time) {
	if u := m.h.head.ObjectLockRetainUntilDate; u != nil && u.After(time.Now()) {
		return m.h.head.ObjectLockMode, u
	}
	return "", nil
}

// algorithm is that of the object's checksum; "": S3 chooses.
func algorithm(head *s3.HeadObjectOutput) types.ChecksumAlgorithm {
	switch {
	case head.ChecksumCRC32 != nil:
		return types.ChecksumAlgorithmCrc32
	case head.ChecksumCRC32C != nil:
		return types.ChecksumAlgorithmCrc32c
	case head.ChecksumCRC64NVME != nil:
		return types.ChecksumAlgorithmCrc64nvme
	case head.ChecksumSHA1 != nil:
		return types.ChecksumAlgorithmSha1
	case head.ChecksumSHA256 != nil:
		return types.ChecksumAlgorithmSha256
	}
	return ""
}

// grants are what others than its owner may do with an object, as headers of a request.
type grants struct{ fullControl, read, readACP, writeACP *string }

// grants reads an object's access control list, which no copy keeps by itself. The owner's own needs no telling: a
// bucket without lists takes none.
func (c *Client) grants(ctx context.Context, at Location) (g grants, err error) {
	var out *s3.GetObjectAclOutput
	err = c.onObject(ctx, "reading the access control list of", at, func(in func(*s3.Options)) (err error) {
		out, err = c.api.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: &at.Bucket, Key: &at.Key}, in)
		return err
	})
	if err != nil {
		return g, err
	}
	var owner string
	if out.Owner != nil {
		owner = aws.ToString(out.Owner.ID)
	}
	lists, others := map[types.Permission][]string{}, false
	for i := range out.Grants {
		grantee := out.Grants[i].Grantee
		if grantee == nil {
			continue
		}
		who := fmt.Sprintf("id=%q", aws.ToString(grantee.ID))
		if grantee.URI != nil {
			who = fmt.Sprintf("uri=%q", *grantee.URI)
		}
		lists[out.Grants[i].Permission] = append(lists[out.Grants[i].Permission], who)
		others = others || aws.ToString(grantee.ID) != owner
	}
	if !others {
		return g, nil
	}
	of := func(p types.Permission) *string { return optional(strings.Join(lists[p], ",")) }
	return grants{
		fullControl: of(types.PermissionFullControl), read: of(types.PermissionRead),
		readACP: of(types.PermissionReadAcp), writeACP: of(types.PermissionWriteAcp),
	}, nil
}

// reason is why rotd itself refuses something.
type reason struct{ code, text string }

func (r *reason) Error() string { return r.text }

// Why is the code of an error of this package, S3's where it has one, and what it means in plain words.
func Why(err error) (code, text string) {
	if own, ok := errors.AsType[*reason](err); ok {
		return own.code, own.text
	}
	e, ok := errors.AsType[*Error](err)
	if ok && e.Class == Exists {
		return "changed", "it was changed or deleted while it was copied; what is there now was not touched"
	}
	code, text = apiCode(err)
	if !ok || e.Advice() == "" {
		return code, text
	}
	return code, text + ": " + e.Advice()
}
