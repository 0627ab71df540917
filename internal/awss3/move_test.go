package awss3_test

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/awss3"
	"rotd/internal/awssim"
)

// everything is all that an object can have, under a key.
func everything(key string) map[string]string {
	return map[string]string{
		"Content-Type": "text/x", "Content-Encoding": "gzip", "Content-Disposition": "inline", "Content-Language": "de",
		"Cache-Control": "no-store", "X-Amz-Meta-Owner": "ann", "X-Amz-Storage-Class": "STANDARD_IA",
		"X-Amz-Website-Redirect-Location": "/elsewhere", "X-Amz-Tagging": "team=pay&note=a+b",
		"X-Amz-Grant-Read":       `uri="http://acs.amazonaws.com/groups/global/AllUsers", id="canonical-friend"`,
		"X-Amz-Object-Lock-Mode": "GOVERNANCE", "X-Amz-Object-Lock-Legal-Hold": "ON",
		"X-Amz-Object-Lock-Retain-Until-Date": time.Now().Add(90 * 24 * time.Hour).UTC().Format(time.RFC3339),
		"X-Amz-Server-Side-Encryption":        "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": key,
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": "true",
	}
}

func newKey(t *testing.T, sim *awssim.Sim, state types.KeyState) string {
	t.Helper()
	arn, err := sim.KMS().CreateKey(awssim.KeyOptions{Account: account, Region: region, State: state})
	if err != nil {
		t.Fatal(err)
	}
	return arn
}

// described is what S3 says of an object, but for what every copy changes.
func described(t *testing.T, sim *awssim.Sim, key string) (head *s3.HeadObjectOutput, others []string) {
	t.Helper()
	client := s3.NewFromConfig(sim.As(sim.NewAccessKey(account, "auditor"), region))
	head, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("backups"), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	tags, err := client.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String("backups"), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	acl, err := client.GetObjectAcl(t.Context(), &s3.GetObjectAclInput{Bucket: aws.String("backups"), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags.TagSet {
		others = append(others, aws.ToString(tag.Key)+"="+aws.ToString(tag.Value))
	}
	for i := range acl.Grants {
		to := acl.Grants[i].Grantee
		others = append(others, string(acl.Grants[i].Permission)+" "+aws.ToString(to.ID)+aws.ToString(to.URI))
	}
	return head, others
}

func TestAMovedObjectKeepsEverythingButItsKey(t *testing.T) {
	const name = "rotd/a b+c=ü.txt"
	for _, tt := range []struct {
		name string
		size int
		copy string // the operation that does it
	}{
		{"in one copy", 1000, "CopyObject"},
		{"in parts, when it is large", 5<<20 + 1000, "UploadPartCopy"}, // one of S3's smallest parts, and the rest
	} {
		t.Run(tt.name, func(t *testing.T) {
			sim, client := newClient(t)
			sim.VersionBucket("backups")
			sim.LimitCopies(5 << 20)
			client.LimitCopies(5<<20, 5<<20)
			body := bytes.Repeat([]byte("x"), tt.size)
			old, now := newKey(t, sim, ""), newKey(t, sim, "")
			if err := sim.PutObject("backups", name, body, everything(old)); err != nil {
				t.Fatal(err)
			}
			before, others := described(t, sim, name)
			held, err := client.Look(t.Context(), at(name))
			if err != nil || held.KMSKey != old || held.Size != int64(len(body)) {
				t.Fatalf("%+v, %v", held, err)
			}
			if err := client.MoveToKey(t.Context(), held, now, unheard); err != nil {
				t.Fatal(err)
			}
			after, othersAfter := described(t, sim, name)
			if aws.ToString(after.SSEKMSKeyId) != now {
				t.Errorf("it is under %s", aws.ToString(after.SSEKMSKeyId))
			}
			ignored := cmpopts.IgnoreFields(s3.HeadObjectOutput{}, "SSEKMSKeyId", "ETag", "LastModified", "VersionId",
				"ResultMetadata")
			if diff := cmp.Diff(before, after, ignored, cmpopts.IgnoreUnexported(s3.HeadObjectOutput{})); diff != "" {
				t.Errorf("described (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(others, othersAfter); diff != "" {
				t.Errorf("tags and grants (-before +after):\n%s", diff)
			}
			got, err := client.Get(t.Context(), at(name))
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			if read, err := io.ReadAll(got.Body); err != nil || !bytes.Equal(read, body) {
				t.Errorf("%d bytes that differ, %v", len(read), err)
			}
			if n := len(sim.EffectsOf(tt.copy)); n == 0 || len(left(t, sim)) > 0 {
				t.Errorf("%d times %s, left uploads of %v", n, tt.copy, left(t, sim))
			}
			if n, err := client.CountOlder(t.Context(), at("rotd/")); n != 1 || err != nil {
				t.Errorf("%d older versions, %v", n, err)
			}
		})
	}
}

func TestWhyAnObjectIsNotMovedIsSaid(t *testing.T) {
	tests := []struct {
		name    string
		change  func(header map[string]string)
		between func(t *testing.T, sim *awssim.Sim, old string) // reading it and moving it
		to      types.KeyState
		code    string
		passing bool
	}{
		{name: "archived", code: "archived", change: func(h map[string]string) { h["X-Amz-Storage-Class"] = "GLACIER" }},
		{
			name: "changed meanwhile", code: "changed", between: func(t *testing.T, sim *awssim.Sim, old string) {
				t.Helper()
				if err := sim.PutObject("backups", "k", []byte("newer"), everything(old)); err != nil {
					t.Fatal(err)
				}
			},
		},
		{name: "the new key is off", code: "KMS.DisabledException", to: types.KeyStateDisabled},
		{
			name: "busy", code: "SlowDown", passing: true, between: func(_ *testing.T, sim *awssim.Sim, _ string) {
				sim.Plan(awssim.Fault{Operation: "CopyObject", Err: &awssim.APIError{Code: "SlowDown", Status: 503}})
			},
		},
		{
			name: "denied", code: "AccessDenied", between: func(_ *testing.T, sim *awssim.Sim, _ string) {
				sim.Plan(awssim.Fault{Operation: "GetObjectAcl", Err: &awssim.APIError{Code: "AccessDenied", Status: 403}})
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sim, client := newClient(t)
			old, now := newKey(t, sim, ""), newKey(t, sim, tt.to)
			header := everything(old)
			if tt.change != nil {
				tt.change(header)
			}
			if err := sim.PutObject("backups", "k", []byte("body"), header); err != nil {
				t.Fatal(err)
			}
			held, err := client.Look(t.Context(), at("k"))
			if err != nil {
				t.Fatal(err)
			}
			if tt.between != nil {
				tt.between(t, sim, old)
			}
			err = client.MoveToKey(t.Context(), held, now, unheard)
			if code, text := awss3.Why(err); code != tt.code || text == "" || awss3.Passing(err) != tt.passing {
				t.Errorf("%s: %s (passing: %t), %v", code, text, awss3.Passing(err), err)
			}
			if n := len(sim.EffectsOf("CopyObject")); n > 0 {
				t.Errorf("%d copies", n)
			}
		})
	}
}

func TestAnUploadInPartsThatFailsIsGivenUp(t *testing.T) {
	sim, client := newClient(t)
	client.LimitCopies(100, 100)
	old, now := newKey(t, sim, ""), newKey(t, sim, "")
	if err := sim.PutObject("backups", "k", bytes.Repeat([]byte("x"), 1000), everything(old)); err != nil {
		t.Fatal(err)
	}
	held, err := client.Look(t.Context(), at("k"))
	if err != nil {
		t.Fatal(err)
	}
	sim.Plan(awssim.Fault{
		Operation: "UploadPartCopy", Nth: 4, Times: 99, Err: &awssim.APIError{Code: "AccessDenied", Status: 403},
	})
	if err := client.MoveToKey(t.Context(), held, now, unheard); awss3.ClassOf(err) != awss3.Denied {
		t.Errorf("%v", err)
	}
	if keys := left(t, sim); len(keys) > 0 {
		t.Errorf("left uploads of %v", keys)
	}
	if head, _ := described(t, sim, "k"); aws.ToString(head.SSEKMSKeyId) != old {
		t.Errorf("it is under %s", aws.ToString(head.SSEKMSKeyId))
	}
}

func TestABucketWithoutAccessListsTakesNone(t *testing.T) {
	sim, client := newClient(t)
	sim.RefuseACLs("backups")
	old, now := newKey(t, sim, ""), newKey(t, sim, "")
	header := everything(old)
	delete(header, "X-Amz-Grant-Read")
	if err := sim.PutObject("backups", "k", []byte("body"), header); err != nil {
		t.Fatal(err)
	}
	held, err := client.Look(t.Context(), at("k"))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.MoveToKey(t.Context(), held, now, unheard); err != nil {
		t.Error(err)
	}
	b, err := client.Bucket(t.Context(), at("x"))
	if err != nil || b.Region != region || b.Versioned {
		t.Errorf("%+v, %v", b, err)
	}
	var keys []string
	for o, err := range client.ListAfter(t.Context(), awss3.Location{Bucket: "backups"}, "j") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	if strings.Join(keys, " ") != "k" {
		t.Errorf("after j: %v", keys)
	}
}

func unheard(string) error { return nil }
