package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/awss3"
	"rotd/internal/events"
)

// fakeS3 is a bucket: objects by key, and errors by key or for all of them.
type fakeS3 struct {
	objects map[string][]byte
	errs    map[string]error
	all     error
}

func (f *fakeS3) Get(_ context.Context, at awss3.Location) (*awss3.Object, error) {
	fail := func(err error) (*awss3.Object, error) {
		return nil, &awss3.Error{Op: "reading", At: at, Class: classOfCode(err), Err: err}
	}
	switch {
	case f.all != nil:
		return fail(f.all)
	case f.errs[at.Key] != nil:
		return fail(f.errs[at.Key])
	case f.objects[at.Key] == nil:
		return fail(errGone)
	}
	return &awss3.Object{Body: io.NopCloser(bytes.NewReader(f.objects[at.Key]))}, nil
}

var (
	errGone   = errors.New("NoSuchKey")
	errDenied = errors.New("AccessDenied")
)

func classOfCode(err error) awss3.Class {
	switch {
	case errors.Is(err, errGone):
		return awss3.Gone
	case errors.Is(err, errDenied):
		return awss3.Denied
	}
	return awss3.Unavailable
}

func denied() error { return errDenied }

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
	for _, test := range []struct {
		name string
		err  error
		want Class
		own  bool
	}{
		{"not there", errGone, Gone, true},
		{"denied", errDenied, Forbidden, true},
		{"anything else", errors.New("dial tcp: connection refused"), Unavailable, false},
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

func (brokenS3) Get(context.Context, awss3.Location) (*awss3.Object, error) {
	body := io.MultiReader(strings.NewReader(`{"Records":[{},`), iotest.ErrReader(io.ErrUnexpectedEOF))
	return &awss3.Object{Body: io.NopCloser(body)}, nil
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
	_, err = NewReader(&fakeS3{all: ctx.Err()}, Limits{}).Object(ctx, ref, discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
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

func TestWhatIsRememberedOfBucketsIsBounded(t *testing.T) {
	reader := NewReader(&fakeS3{all: denied()}, Limits{})
	for i := range 10 * maxBuckets {
		_, _ = reader.Object(t.Context(), events.ObjectRef{Bucket: fmt.Sprintf("bucket-%d", i), Key: "k"}, discard)
	}
	if got := len(reader.buckets.known); got > maxBuckets {
		t.Errorf("%d buckets remembered, want at most %d", got, maxBuckets)
	}
}
