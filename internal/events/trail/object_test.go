package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/events"
)

// fakeS3 is a bucket in one Region: objects by key, and errors by key or for all of them.
type fakeS3 struct {
	region  string
	objects map[string][]byte
	errs    map[string]error
	all     error
	asked   []string // region/bucket/key
}

func (f *fakeS3) GetObject(_ context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options),
) (*s3.GetObjectOutput, error) {
	options := s3.Options{Region: "eu-west-1"}
	for _, opt := range opts {
		opt(&options)
	}
	key := aws.ToString(in.Key)
	f.asked = append(f.asked, options.Region+"/"+aws.ToString(in.Bucket)+"/"+key)
	switch {
	case f.all != nil:
		return nil, f.all
	case f.region != "" && options.Region != f.region:
		return nil, redirect(f.region)
	case f.errs[key] != nil:
		return nil, f.errs[key]
	case f.objects[key] == nil:
		return nil, &smithy.GenericAPIError{Code: "NoSuchKey"}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(f.objects[key]))}, nil
}

func redirect(region string) error {
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{
			StatusCode: http.StatusMovedPermanently, Header: http.Header{"X-Amz-Bucket-Region": {region}},
		}},
		Err: &smithy.GenericAPIError{Code: "PermanentRedirect"},
	}
}

func denied() error { return &smithy.GenericAPIError{Code: "AccessDenied"} }

func discard([]byte) error { return nil }

func classOf(t *testing.T, err error) Class {
	t.Helper()
	if err == nil {
		return ""
	}
	why, ok := errors.AsType[*ObjectError](err)
	if !ok {
		t.Fatalf("not an ObjectError: %v", err)
	}
	return why.Class
}

func TestObjectHandsOutItsRecords(t *testing.T) {
	client := &fakeS3{objects: map[string][]byte{"log.json.gz": zip(t, `{"Records":[{"n":1},{"n":2}]}`)}}
	var got []string
	stats, err := NewReader(client, Limits{}).Object(t.Context(), events.ObjectRef{Bucket: "trail", Key: "log.json.gz"},
		func(raw []byte) error {
			got = append(got, string(raw))
			return nil
		})
	if err != nil || stats.Records != 2 {
		t.Fatalf("stats %+v, error %v", stats, err)
	}
	if diff := cmp.Diff([]string{`{"n":1}`, `{"n":2}`}, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestObjectErrorsSayWhoseFaultTheyAre(t *testing.T) {
	api := func(code string) error {
		return fmt.Errorf("operation error S3: GetObject: %w", &smithy.GenericAPIError{Code: code})
	}
	for _, test := range []struct {
		name string
		err  error
		want Class
		own  bool
	}{
		{"no such key", api("NoSuchKey"), Gone, true},
		{"no such bucket", api("NoSuchBucket"), Gone, true},
		{"archived", api("InvalidObjectState"), Gone, true},
		{"encrypted with a customer's own key", api("InvalidRequest"), Gone, true},
		{"denied", api("AccessDenied"), Forbidden, true},
		{"throttled", api("SlowDown"), Unavailable, false},
		{"a fault of S3's", api("InternalError"), Unavailable, false},
		{"credentials that have expired", api("ExpiredToken"), Unavailable, false},
		{"a clock that is wrong", api("RequestTimeTooSkewed"), Unavailable, false},
		{"the bucket's KMS key disabled", api("KMS.DisabledException"), Unavailable, false},
		{"something new", api("SomethingNew"), Unavailable, false},
		{"no network", errors.New("dial tcp: connection refused"), Unavailable, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := &fakeS3{all: test.err}
			_, err := NewReader(client, Limits{}).Object(t.Context(), events.ObjectRef{Bucket: "trail", Key: "k"}, discard)
			if got := classOf(t, err); got != test.want || got.Own() != test.own {
				t.Errorf("class %q, own %v; want %q, %v", got, got.Own(), test.want, test.own)
			}
			if !errors.Is(err, test.err) {
				t.Errorf("%v does not wrap %v", err, test.err)
			}
		})
	}
}

func TestObjectTellsADamagedFileFromABrokenConnection(t *testing.T) {
	client := &fakeS3{objects: map[string][]byte{"text": []byte("hello"), "cut": zip(t, `{"Records":[{}]}`)[:20]}}
	reader := NewReader(client, Limits{})
	for _, key := range []string{"text", "cut"} {
		_, err := reader.Object(t.Context(), events.ObjectRef{Bucket: "trail", Key: key}, discard)
		if got := classOf(t, err); got != Damaged {
			t.Errorf("%s is %q, want %q", key, got, Damaged)
		}
	}
	_, err := NewReader(brokenS3{}, Limits{}).Object(t.Context(), events.ObjectRef{Bucket: "trail", Key: "k"}, discard)
	if got := classOf(t, err); got != Unavailable {
		t.Errorf("a broken connection is %q, want %q", got, Unavailable)
	}
}

// brokenS3 loses the connection in the middle of every object.
type brokenS3 struct{}

func (brokenS3) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	body := io.MultiReader(strings.NewReader(`{"Records":[{},`), iotest.ErrReader(io.ErrUnexpectedEOF))
	return &s3.GetObjectOutput{Body: io.NopCloser(body)}, nil
}

func TestObjectReturnsForeignErrorsAsTheyAre(t *testing.T) {
	client := &fakeS3{objects: map[string][]byte{"k": []byte(`[{},{}]`)}}
	reader := NewReader(client, Limits{})
	ref := events.ObjectRef{Bucket: "trail", Key: "k"}
	full := errors.New("disk full")
	_, err := reader.Object(t.Context(), ref, func([]byte) error { return full })
	if err != full { //nolint:errorlint // as it is
		t.Errorf("error %v, want %v", err, full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Object(ctx, ref, discard); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestThreeObjectsDeniedInARowAreAWholeBucket(t *testing.T) {
	client := &fakeS3{
		objects: map[string][]byte{"good": []byte(`[{}]`)},
		errs:    map[string]error{"a": denied(), "b": denied(), "c": denied(), "d": denied()},
	}
	reader := NewReader(client, Limits{})
	for i, step := range []struct {
		key  string
		want Class
	}{
		{"a", Forbidden},
		{"a", Forbidden},
		{"a", Forbidden}, // one object, however often
		{"b", Forbidden},
		{"c", BucketDenied},
		{"a", BucketDenied},
		{"d", BucketDenied},
		{"good", ""},
		{"a", Forbidden},
		{"b", Forbidden},
		{"good", ""},
		{"c", Forbidden},
	} {
		_, err := reader.Object(t.Context(), events.ObjectRef{Bucket: "trail", Key: step.key}, discard)
		if got := classOf(t, err); got != step.want {
			t.Fatalf("step %d, %s: %q, want %q", i, step.key, got, step.want)
		}
	}
	if BucketDenied.Own() {
		t.Error("a denied bucket is no message's fault")
	}
	_, err := reader.Object(t.Context(), events.ObjectRef{Bucket: "other", Key: "a"}, discard)
	if got := classOf(t, err); got != Forbidden {
		t.Errorf("another bucket's first denial is %q", got)
	}
}

func TestObjectFollowsTheBucketToItsRegion(t *testing.T) {
	client := &fakeS3{region: "eu-central-1", objects: map[string][]byte{"k": []byte(`[{}]`)}}
	reader := NewReader(client, Limits{})
	for range 2 {
		if _, err := reader.Object(t.Context(), events.ObjectRef{Bucket: "trail", Key: "k"}, discard); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := reader.Object(t.Context(), events.ObjectRef{Bucket: "new", Key: "k", Region: "eu-central-1"},
		discard); err != nil {
		t.Fatal(err)
	}
	want := []string{"eu-west-1/trail/k", "eu-central-1/trail/k", "eu-central-1/trail/k", "eu-central-1/new/k"}
	if diff := cmp.Diff(want, client.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestObjectAsksS3ForNothingItWouldNotTake(t *testing.T) {
	client := &fakeS3{}
	for _, ref := range []events.ObjectRef{
		{},
		{Bucket: "trail"},
		{Bucket: "a", Key: "k"},
		{Bucket: "a/../b", Key: "k"},
		{Bucket: "a b c", Key: "k"},
		{Bucket: "trail", Key: strings.Repeat("k", 1025)},
		{Bucket: "trail", Key: "k", Region: "evil.example.com"},
		{Bucket: "arn:aws:s3:::trail", Key: "k"},
	} {
		_, err := NewReader(client, Limits{}).Object(t.Context(), ref, discard)
		if got := classOf(t, err); got != Gone {
			t.Errorf("%+v: %q, want %q", ref, got, Gone)
		}
	}
	if len(client.asked) > 0 {
		t.Errorf("asked for %q", client.asked)
	}
}

func TestWhatIsRememberedOfBucketsIsBounded(t *testing.T) {
	reader := NewReader(&fakeS3{all: denied()}, Limits{})
	for i := range 10 * maxBuckets {
		_, _ = reader.Object(t.Context(), events.ObjectRef{Bucket: fmt.Sprintf("bucket-%d", i), Key: "k"}, discard)
	}
	if got := len(reader.buckets.known); got > maxBuckets {
		t.Errorf("%d buckets remembered, want at most %d", got, maxBuckets)
	}
}
