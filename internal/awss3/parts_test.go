package awss3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awss3"
	"rotd/internal/awssim"
)

// large is the body of an object of three parts, no two alike.
var large = strings.Repeat("a", awss3.PartSize) + strings.Repeat("b", awss3.PartSize) + "the end"

// asked counts the requests that an upload in parts made, by operation.
func asked(sim *awssim.Sim) map[string]int {
	n := map[string]int{}
	for _, op := range []string{
		"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload",
	} {
		if made := len(sim.Requests(awssim.OfOperation(op))); made > 0 {
			n[op] = made
		}
	}
	return n
}

// left are the uploads that S3 still keeps parts of.
func left(t *testing.T, sim *awssim.Sim) (keys []string) {
	t.Helper()
	bucket := "backups"
	client := s3.NewFromConfig(sim.As(sim.NewAccessKey(account, "auditor"), region))
	out, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range out.Uploads {
		keys = append(keys, *u.Key)
	}
	return keys
}

func TestALargeObjectIsWrittenInParts(t *testing.T) {
	sim, client := newClient(t)
	up := upload(large)
	up.Metadata, up.KMSKey = map[string]string{"rotd-shard": "default"}, "alias/backups"
	if err := client.Put(t.Context(), at("k"), up); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{"CreateMultipartUpload": 1, "UploadPart": 3, "CompleteMultipartUpload": 1}
	if diff := cmp.Diff(want, asked(sim)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	got, err := client.Get(t.Context(), at("k"))
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	read, err := io.ReadAll(got.Body)
	if err != nil || !bytes.Equal(read, []byte(large)) {
		t.Errorf("%d bytes that differ, %v", len(read), err)
	}
	if got.Metadata["rotd-shard"] != "default" || len(left(t, sim)) > 0 {
		t.Errorf("metadata %v, left %v", got.Metadata, left(t, sim))
	}
	if err := client.Put(t.Context(), at("k"), upload(large)); awss3.ClassOf(err) != awss3.Exists {
		t.Errorf("error %v, want %s", err, awss3.Exists)
	}
	up = upload(large)
	up.Overwrite = true
	if err := client.Put(t.Context(), at("k"), up); err != nil {
		t.Error(err)
	}
	if keys := left(t, sim); len(keys) > 0 {
		t.Errorf("parts left of %v", keys)
	}
}

func TestWhatFitsOnePartIsWrittenByOneRequest(t *testing.T) {
	sim, client := newClient(t)
	if err := client.Put(t.Context(), at("k"), upload(large[:awss3.PartSize])); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"PutObject": 1}, asked(sim)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAnUploadInPartsThatFailsLeavesNothing(t *testing.T) {
	refusal := func(operation string, nth int) awssim.Fault {
		return awssim.Fault{
			Service: "s3", Operation: operation, Nth: nth,
			Err: &awssim.APIError{Code: "AccessDenied", Status: 403, Message: "no"},
		}
	}
	wrong := func(up *awss3.Upload) { up.SHA256 = upload("another").SHA256 }
	for _, test := range []struct {
		name   string
		fault  *awssim.Fault
		spoil  func(up *awss3.Upload)
		class  awss3.Class
		wanted string // in the error
	}{
		{
			name: "it cannot begin", fault: new(refusal("CreateMultipartUpload", 1)), class: awss3.Denied,
			wanted: "AccessDenied",
		},
		{
			name: "the second part is refused", fault: new(refusal("UploadPart", 2)), class: awss3.Denied,
			wanted: "AccessDenied",
		},
		{
			name: "the end is refused", fault: new(refusal("CompleteMultipartUpload", 1)), class: awss3.Denied,
			wanted: "AccessDenied",
		},
		{name: "it is not the object of its SHA-256", spoil: wrong, class: awss3.Unavailable, wanted: "its SHA-256 is"},
		{
			name: "it ends early", spoil: func(up *awss3.Upload) { up.Size++ }, class: awss3.Unavailable,
			wanted: "read what is written: unexpected EOF",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			sim, client := newClient(t)
			if test.fault != nil {
				sim.Plan(*test.fault)
			}
			up := upload(large)
			if test.spoil != nil {
				test.spoil(&up)
			}
			err := client.Put(t.Context(), at("k"), up)
			if err == nil || awss3.ClassOf(err) != test.class || !strings.Contains(err.Error(), test.wanted) {
				t.Errorf("got %v", err)
			}
			if _, err := client.Get(t.Context(), at("k")); awss3.ClassOf(err) != awss3.Gone {
				t.Errorf("there is an object: %v", err)
			}
			if keys := left(t, sim); len(keys) > 0 {
				t.Errorf("parts left of %v", keys)
			}
		})
	}
}

// stopping ends the caller's context when the second part is read.
type stopping struct {
	io.ReadSeeker
	read int
	stop context.CancelFunc
}

func (s *stopping) Read(p []byte) (int, error) {
	if len(p) > awss3.PartSize {
		return 0, errors.New("more than a part is asked for at a time")
	}
	if s.read >= awss3.PartSize {
		s.stop()
	}
	n, err := s.ReadSeeker.Read(p)
	s.read += n
	return n, err
}

func TestAnUploadInPartsThatIsStoppedLeavesNothing(t *testing.T) {
	sim, client := newClient(t)
	ctx, cancel := context.WithCancel(t.Context())
	up := upload(large)
	up.Body = &stopping{ReadSeeker: up.Body, stop: cancel}
	if err := client.Put(ctx, at("k"), up); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if keys := left(t, sim); len(keys) > 0 {
		t.Errorf("parts left of %v", keys)
	}
}

func TestPartsThatCannotBeAbortedAreTold(t *testing.T) {
	sim, client := newClient(t, "s3:PutObject")
	up := upload(large)
	up.SHA256 = upload("another").SHA256
	err := client.Put(t.Context(), at("k"), up)
	for _, want := range []string{"its SHA-256 is", "its parts are left in the bucket (upload ", "AccessDenied"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if diff := cmp.Diff([]string{"k"}, left(t, sim)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestOnePartIsRepeatedAlone(t *testing.T) {
	sim, _ := newClient(t)
	sim.Plan(awssim.Fault{
		Service: "s3", Operation: "UploadPart", Nth: 2,
		Err: &awssim.APIError{Code: "SlowDown", Status: 503, Message: "Please reduce your request rate."},
	})
	cfg := sim.As(sim.NewAccessKey(account, "again"), region)
	cfg.Retryer = nil // the SDK's own, as in production
	if err := awss3.New(cfg).Put(t.Context(), at("k"), upload(large)); err != nil {
		t.Fatal(err)
	}
	if n := asked(sim)["UploadPart"]; n != 4 {
		t.Errorf("%d parts sent, want 4", n)
	}
}
