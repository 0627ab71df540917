package awss3

import (
	"errors"
	"fmt"
	"strings"

	"rotd/internal/pattern"
)

// Location is one object, or a prefix of keys.
type Location struct {
	Bucket string
	Key    string
	Region string // of the bucket, where known: it is found out otherwise
}

func (l Location) String() string { return "s3://" + l.Bucket + "/" + l.Key }

// Parse reads s3://bucket/key. A key that is empty or ends with a slash is a folder's.
func Parse(uri string) (Location, error) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	if !ok {
		return Location{}, fmt.Errorf("%q is not of the form s3://bucket/key", uri)
	}
	bucket, key, _ := strings.Cut(rest, "/")
	at := Location{Bucket: bucket, Key: key}
	if err := at.check(); err != nil {
		return Location{}, &ParseError{URI: uri, Err: err}
	}
	return at, nil
}

// ParseError is what is wrong with a location, for those who say beside it which it is.
type ParseError struct {
	URI string
	Err error
}

func (e *ParseError) Error() string { return fmt.Sprintf("%q: %v", e.URI, e.Err) }

func (e *ParseError) Unwrap() error { return e.Err }

// IsFolder reports whether the location is a prefix under which objects are, and no object itself.
func (l Location) IsFolder() bool { return l.Key == "" || strings.HasSuffix(l.Key, "/") }

// Names that S3 itself would not take come from a message or a person, and asking with one fails as if S3 were not
// there.
var (
	bucketName = pattern.New(`^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$`)
	regionName = pattern.New(`^[a-z0-9-]{0,32}$`)
)

const maxKeyLength = 1024

func (l Location) check() error {
	switch {
	case !bucketName.MatchString(l.Bucket):
		return errors.New("not a bucket's name")
	case !regionName.MatchString(l.Region):
		return errors.New("not a Region's name")
	case len(l.Key) > maxKeyLength:
		return errors.New("not an object's key")
	}
	return nil
}

// isObject refuses what names no object.
func (l Location) isObject() error {
	if l.Key == "" {
		return errors.New("not an object's key")
	}
	return nil
}
