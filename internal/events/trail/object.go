package trail

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"rotd/internal/events"
)

// S3 is the part of the S3 client that is used.
type S3 interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Reader reads log objects from S3. It may be used by many goroutines.
type Reader struct {
	client  S3
	limits  Limits
	buckets buckets
}

// NewReader returns a Reader over client.
func NewReader(client S3, limits Limits) *Reader {
	return &Reader{client: client, limits: limits, buckets: buckets{known: make(map[string]*bucket)}}
}

// ObjectError is why a log object could not be read.
type ObjectError struct {
	Ref   events.ObjectRef
	Class Class
	Err   error
}

func (e *ObjectError) Error() string {
	return fmt.Sprintf("reading s3://%s/%s (%s): %v", e.Ref.Bucket, e.Ref.Key, e.Class, e.Err)
}

func (e *ObjectError) Unwrap() error { return e.Err }

// Object hands out the records of one log object, as Stream does. The error is that of each or ctx as it is, or else
// an *ObjectError. Records already handed out are handed out again when the object is read again.
func (r *Reader) Object(ctx context.Context, ref events.ObjectRef, each Each) (Stats, error) {
	if err := check(ref); err != nil {
		return Stats{}, &ObjectError{Ref: ref, Class: Gone, Err: err}
	}
	out, err := r.get(ctx, ref)
	if ctx.Err() != nil {
		return Stats{}, ctx.Err()
	}
	if err != nil {
		class := r.buckets.denied(ref, classify(err))
		return Stats{}, &ObjectError{Ref: ref, Class: class, Err: err}
	}
	r.buckets.allowed(ref.Bucket)
	defer out.Body.Close()

	var own error
	stats, err := stream(ctx, out.Body, r.limits, isLines(ref.Key), func(raw []byte) error {
		own = each(raw)
		return own
	})
	switch {
	case err == nil || own != nil:
		return stats, own
	case ctx.Err() != nil:
		return stats, ctx.Err()
	}
	class := Unavailable
	if _, ok := errors.AsType[*FileError](err); ok {
		class = Damaged
	}
	return stats, &ObjectError{Ref: ref, Class: class, Err: err}
}

// get asks for the object, and once more where its bucket turns out to be: CloudTrail's own notification does not say.
func (r *Reader) get(ctx context.Context, ref events.ObjectRef) (*s3.GetObjectOutput, error) {
	region := r.buckets.region(ref)
	out, err := r.getIn(ctx, ref, region)
	if err == nil {
		return out, nil
	}
	if actual := movedTo(err); actual != "" && actual != region {
		r.buckets.moved(ref.Bucket, actual)
		return r.getIn(ctx, ref, actual)
	}
	return nil, err
}

func (r *Reader) getIn(ctx context.Context, ref events.ObjectRef, region string) (*s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{Bucket: aws.String(ref.Bucket), Key: aws.String(ref.Key)}
	return r.client.GetObject(ctx, in, func(o *s3.Options) {
		if region != "" {
			o.Region = region
		}
	})
}

// Names that S3 itself would not take come from a message, and asking with one fails as if S3 were not there.
var (
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$`)
	regionName = regexp.MustCompile(`^[a-z0-9-]{0,32}$`)
)

const maxKeyLength = 1024

func check(ref events.ObjectRef) error {
	switch {
	case !bucketName.MatchString(ref.Bucket):
		return errors.New("not a bucket's name")
	case !regionName.MatchString(ref.Region):
		return errors.New("not a Region's name")
	case ref.Key == "" || len(ref.Key) > maxKeyLength:
		return errors.New("not an object's key")
	}
	return nil
}
