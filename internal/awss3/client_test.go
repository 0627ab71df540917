package awss3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
)

// fakeAPI is S3 with one bucket in one Region, or with one answer to everything.
type fakeAPI struct {
	api
	region string
	err    error
	asked  []string // region/bucket/key
}

func (f *fakeAPI) GetObject(_ context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options),
) (*s3.GetObjectOutput, error) {
	options := s3.Options{Region: "eu-west-1"}
	for _, opt := range opts {
		opt(&options)
	}
	f.asked = append(f.asked, options.Region+"/"+aws.ToString(in.Bucket)+"/"+aws.ToString(in.Key))
	switch {
	case f.err != nil:
		return nil, f.err
	case f.region != "" && options.Region != f.region:
		return nil, redirect(f.region)
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader("body")), ContentLength: aws.Int64(4)}, nil
}

func redirect(region string) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{
			StatusCode: http.StatusMovedPermanently, Header: http.Header{"X-Amz-Bucket-Region": {region}},
		}},
		Err: &smithy.GenericAPIError{Code: "PermanentRedirect"},
	}
}

func TestErrorsAreClassed(t *testing.T) {
	code := func(code string) error {
		return fmt.Errorf("operation error S3: GetObject: %w", &smithy.GenericAPIError{Code: code})
	}
	for _, test := range []struct {
		name string
		err  error
		want Class
	}{
		{"no such key", code("NoSuchKey"), Gone},
		{"no such bucket", code("NoSuchBucket"), Gone},
		{"archived", code("InvalidObjectState"), Gone},
		{"encrypted with a customer's own key", code("InvalidRequest"), Gone},
		{"denied", code("AccessDenied"), Denied},
		{"written only where nothing is", code("PreconditionFailed"), Exists},
		{"throttled", code("SlowDown"), Unavailable},
		{"a fault of S3's", code("InternalError"), Unavailable},
		{"credentials that have expired", code("ExpiredToken"), Unavailable},
		{"a clock that is wrong", code("RequestTimeTooSkewed"), Unavailable},
		{"the bucket's KMS key disabled", code("KMS.DisabledException"), Unavailable},
		{"something new", code("SomethingNew"), Unavailable},
		{"no network", errors.New("dial tcp: connection refused"), Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := newClient(&fakeAPI{err: test.err}).Get(t.Context(), Location{Bucket: "trail", Key: "k"})
			if got := ClassOf(err); got != test.want {
				t.Errorf("class %q, want %q", got, test.want)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("%v does not wrap %v", err, test.err)
			}
		})
	}
}

func TestABucketIsFollowedToItsRegion(t *testing.T) {
	fake := &fakeAPI{region: "eu-central-1"}
	client := newClient(fake)
	for _, at := range []Location{
		{Bucket: "trail", Key: "k"}, {Bucket: "trail", Key: "k"}, {Bucket: "new", Key: "k", Region: "eu-central-1"},
	} {
		if _, err := client.Get(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"eu-west-1/trail/k", "eu-central-1/trail/k", "eu-central-1/trail/k", "eu-central-1/new/k"}
	if diff := cmp.Diff(want, fake.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestWhatIsRememberedOfBucketsIsBounded(t *testing.T) {
	client := newClient(&fakeAPI{region: "eu-central-1"})
	for i := range 3 * maxRegions {
		if _, err := client.Get(t.Context(), Location{Bucket: fmt.Sprint("bucket-", i), Key: "k"}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(client.regions); got > maxRegions {
		t.Errorf("%d Regions remembered, want at most %d", got, maxRegions)
	}
}

func TestS3IsAskedForNothingItWouldNotTake(t *testing.T) {
	fake := &fakeAPI{}
	for _, at := range []Location{
		{},
		{Bucket: "trail"},
		{Bucket: "a", Key: "k"},
		{Bucket: "a/../b", Key: "k"},
		{Bucket: "a b c", Key: "k"},
		{Bucket: "trail", Key: strings.Repeat("k", 1025)},
		{Bucket: "trail", Key: "k", Region: "evil.example.com"},
		{Bucket: "arn:aws:s3:::trail", Key: "k"},
	} {
		_, err := newClient(fake).Get(t.Context(), at)
		if got := ClassOf(err); got != Gone {
			t.Errorf("%+v: %q, want %q", at, got, Gone)
		}
	}
	if len(fake.asked) > 0 {
		t.Errorf("asked for %q", fake.asked)
	}
}

func TestALocationIsReadFromItsURI(t *testing.T) {
	for _, test := range []struct {
		uri    string
		want   Location
		folder bool
		err    string
	}{
		{uri: "s3://backups/rotd/a.db", want: Location{Bucket: "backups", Key: "rotd/a.db"}},
		{uri: "s3://backups/rotd/", want: Location{Bucket: "backups", Key: "rotd/"}, folder: true},
		{uri: "s3://backups", want: Location{Bucket: "backups"}, folder: true},
		{uri: "https://backups/a", err: `"https://backups/a" is not of the form s3://bucket/key`},
		{uri: "s3:///a", err: `"s3:///a": not a bucket's name`},
		{uri: "s3://a b/c", err: `"s3://a b/c": not a bucket's name`},
	} {
		got, err := Parse(test.uri)
		if text := fmt.Sprint(err); err != nil && text != test.err || err == nil && test.err != "" {
			t.Errorf("%s: error %v, want %q", test.uri, err, test.err)
		}
		if err == nil && (got != test.want || got.IsFolder() != test.folder || !strings.HasPrefix(got.String(), test.uri)) {
			t.Errorf("%s: %+v, folder %t", test.uri, got, got.IsFolder())
		}
	}
}
