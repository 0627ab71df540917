package trail

import (
	"context"
	"errors"
	"fmt"

	"rotd/internal/awss3"
	"rotd/internal/events"
)

// Getter opens objects: an *awss3.Client.
type Getter interface {
	Get(ctx context.Context, at awss3.Location) (*awss3.Object, error)
}

// Reader reads log objects from S3. It may be used by many goroutines.
type Reader struct {
	store   Getter
	limits  Limits
	buckets buckets
}

// NewReader returns a Reader over store.
func NewReader(store Getter, limits Limits) *Reader {
	return &Reader{store: store, limits: limits, buckets: buckets{known: make(map[string]*bucket)}}
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
	out, err := r.store.Get(ctx, awss3.Location{Bucket: ref.Bucket, Key: ref.Key, Region: ref.Region})
	if err != nil && ctx.Err() != nil {
		return Stats{}, ctx.Err()
	}
	if err != nil {
		class := r.buckets.denied(ref, classify(err))
		if s3, ok := errors.AsType[*awss3.Error](err); ok {
			err = s3.Err // it says where, as ObjectError does
		}
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
