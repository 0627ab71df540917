package awssim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/awssim"
)

func (w *world) bucket(t *testing.T, name string) *string {
	t.Helper()
	if _, err := w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
	}); err != nil {
		t.Fatal(err)
	}
	return &name
}

func TestObjectComesBackAsItWasStored(t *testing.T) {
	w, _ := standing(t)
	bucket := w.bucket(t, "trail")
	body := bytes.Repeat([]byte{0, 1, 0xff}, 10_000)
	key := aws.String("AWSLogs/1/a b+c=ü.json.gz")
	put, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: bucket, Key: key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		ContentEncoding: aws.String("gzip"), Metadata: map[string]string{"signature": "abc"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	read, err := io.ReadAll(got.Body)
	if err != nil || got.Body.Close() != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read, body) {
		t.Errorf("got %d bytes that differ, want %d", len(read), len(body))
	}
	if *got.ContentType != "application/json" || *got.ContentEncoding != "gzip" || got.Metadata["signature"] != "abc" ||
		*got.ETag != *put.ETag || !got.LastModified.Equal(epoch) {
		t.Errorf("got %+v", got)
	}
	head, err := w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: key})
	if err != nil || *head.ContentLength != int64(len(body)) || *head.ETag != *put.ETag {
		t.Errorf("got %+v, %v", head, err)
	}
	if _, err := w.s3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: key}); err != nil {
		t.Fatal(err)
	}
	_, err = w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	wantType[*types.NoSuchKey](t, err)
}

func TestS3ErrorsAreTheSDKsTypedOnes(t *testing.T) {
	w, _ := standing(t)
	bucket, nowhere, key := w.bucket(t, "trail"), aws.String("nowhere"), aws.String("k")
	_, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	wantType[*types.NoSuchKey](t, err)
	_, err = w.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: key})
	wantType[*types.NotFound](t, err)
	_, err = w.s3.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: nowhere})
	wantType[*types.NotFound](t, err)
	_, err = w.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: nowhere})
	wantType[*types.NoSuchBucket](t, err)
	_, err = w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: nowhere, Key: key})
	wantCode(t, err, "NoSuchBucket")
	_, err = w.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: nowhere, Key: key, Body: bytes.NewReader(nil)})
	wantCode(t, err, "NoSuchBucket")
	_, err = w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket: bucket, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: region},
	})
	wantType[*types.BucketAlreadyOwnedByYou](t, err)
	_, err = w.s3.ListBuckets(t.Context(), &s3.ListBucketsInput{})
	wantCode(t, err, "NotImplemented")

	denied := worldOf(t, w.sim, w.sim.NewAccessKey(account, "bob", "s3:ListBucket"))
	_, err = denied.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	wantCode(t, err, "AccessDenied")
	if _, err := denied.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: bucket}); err != nil {
		t.Error(err)
	}
	w.sim.Plan(awssim.Fault{
		Service: "s3", Operation: "GetObject", Contains: "trail/k", Nth: 1,
		Err: &awssim.APIError{Code: "SlowDown", Status: 503, Message: "Please reduce your request rate."},
	})
	_, err = w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	wantCode(t, err, "SlowDown")
}

func TestAnObjectIsWrittenOnlyWhereNothingIsAndOnlyWhole(t *testing.T) {
	w, _ := standing(t)
	bucket, key := w.bucket(t, "backups"), aws.String("k")
	put := func(body, digest, ifNoneMatch string) (*s3.PutObjectOutput, error) {
		in := &s3.PutObjectInput{
			Bucket: bucket, Key: key, Body: strings.NewReader(body), ServerSideEncryption: types.ServerSideEncryptionAwsKms,
			SSEKMSKeyId: aws.String("alias/backups"),
		}
		if digest != "" {
			sum := sha256.Sum256([]byte(digest))
			in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum[:]))
		}
		if ifNoneMatch != "" {
			in.IfNoneMatch = &ifNoneMatch
		}
		return w.s3.PutObject(t.Context(), in)
	}
	_, err := put("body", "another body", "")
	wantCode(t, err, "BadDigest")
	out, err := put("body", "body", "*")
	if err != nil || *out.SSEKMSKeyId != "alias/backups" || out.ServerSideEncryption != types.ServerSideEncryptionAwsKms {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = put("newer", "newer", "*")
	wantCode(t, err, "PreconditionFailed")
	if _, err := put("newer", "newer", ""); err != nil {
		t.Error(err)
	}
	got, err := w.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
	if err != nil || *got.ContentLength != 5 || *got.SSEKMSKeyId != "alias/backups" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestListingGoesPageByPageAndRollsUpFolders(t *testing.T) {
	w, _ := standing(t)
	bucket := w.bucket(t, "trail")
	for _, key := range []string{"a/1", "a/2", "a/3", "b/1", "c", "other"} {
		if err := w.sim.PutObject(*bucket, key, []byte(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		in   s3.ListObjectsV2Input
		want []string
	}{
		{"everything", s3.ListObjectsV2Input{}, []string{"a/1", "a/2", "a/3", "b/1", "c", "other"}},
		{"by prefix", s3.ListObjectsV2Input{Prefix: aws.String("a/")}, []string{"a/1", "a/2", "a/3"}},
		{"after a key", s3.ListObjectsV2Input{StartAfter: aws.String("a/3")}, []string{"b/1", "c", "other"}},
		{"folders", s3.ListObjectsV2Input{Delimiter: aws.String("/")}, []string{"c", "other", "a/", "b/"}},
		{
			"below a folder",
			s3.ListObjectsV2Input{Prefix: aws.String("a/"), Delimiter: aws.String("/")},
			[]string{"a/1", "a/2", "a/3"},
		},
	}
	for _, tt := range tests {
		for _, page := range []int32{1000, 2, 1} {
			t.Run(fmt.Sprintf("%s, %d a page", tt.name, page), func(t *testing.T) {
				in := tt.in
				in.Bucket, in.MaxKeys = bucket, &page
				var keys, prefixes []string
				pages := s3.NewListObjectsV2Paginator(w.s3, &in)
				for pages.HasMorePages() {
					out, err := pages.NextPage(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if int32(len(out.Contents)+len(out.CommonPrefixes)) != *out.KeyCount || *out.KeyCount > page {
						t.Errorf("a page says %d keys", *out.KeyCount)
					}
					for _, o := range out.Contents {
						keys = append(keys, *o.Key)
					}
					for _, p := range out.CommonPrefixes {
						prefixes = append(prefixes, *p.Prefix)
					}
				}
				if diff := cmp.Diff(tt.want, append(keys, prefixes...)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestQueueIsToldOfNewObjects(t *testing.T) {
	w, _ := standing(t)
	bucket, url := w.bucket(t, "trail"), w.queue(t, "events")
	if err := w.sim.NotifyQueue(*bucket, *url); err != nil {
		t.Fatal(err)
	}
	if _, err := w.s3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: bucket, Key: aws.String("logs/a b+ü.json.gz"), Body: bytes.NewReader([]byte("x")),
	}); err != nil {
		t.Fatal(err)
	}
	got := w.receive(t, url, 0)
	if len(got) != 2 {
		t.Fatalf("got %d messages, want the test event and the object's", len(got))
	}
	var test struct{ Event, Bucket string }
	var event struct {
		Records []struct {
			EventSource string `json:"eventSource"`
			AwsRegion   string `json:"awsRegion"`
			EventName   string `json:"eventName"`
			S3          struct {
				Bucket struct {
					Name string `json:"name"`
				} `json:"bucket"`
				Object struct {
					Key string `json:"key"`
				} `json:"object"`
			} `json:"s3"`
		}
	}
	err := json.Unmarshal([]byte(*got[0].Body), &test)
	if err != nil || test.Event != "s3:TestEvent" || test.Bucket != "trail" {
		t.Errorf("got %s, %v", *got[0].Body, err)
	}
	if err := json.Unmarshal([]byte(*got[1].Body), &event); err != nil || len(event.Records) != 1 {
		t.Fatalf("got %s, %v", *got[1].Body, err)
	}
	r := event.Records[0]
	if r.EventSource != "aws:s3" || r.AwsRegion != region || r.EventName != "ObjectCreated:Put" ||
		r.S3.Bucket.Name != "trail" || r.S3.Object.Key != "logs/a+b%2B%C3%BC.json.gz" {
		t.Errorf("got %+v", r)
	}
}
