package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"rotd/internal/admin"
	"rotd/internal/awssim"
)

// trailBucket is the small trail in a bucket of a simulated S3, in another Region than the caller's.
func trailBucket(t *testing.T, allow ...string) *awssim.Sim {
	t.Helper()
	sim := awssim.New(awssim.Options{Seed: 1})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	sim.CreateBucket("eu-central-1", "111122223333", "example-trail")
	const folder = "../../testdata/trail"
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		return sim.PutObject("example-trail", "org/"+filepath.ToSlash(name), body, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	user := sim.NewAccessKey("111122223333", "analyst", allow...)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": sim.URL(), "AWS_ACCESS_KEY_ID": user.AccessKeyID, "AWS_REGION": "us-east-1",
		"AWS_SECRET_ACCESS_KEY": user.SecretAccessKey, "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	return sim
}

func TestReplayFromS3FindsWhatItFindsOnDisk(t *testing.T) {
	sim := trailBucket(t)
	s := newSession(nil)
	if got := s.run(t, "replay", "s3://example-trail/org/"); got != admin.ExitDone {
		t.Errorf("exit status %d: %s", got, s.err.String())
	}
	golden(t, "replay", withoutWords(s.out.String()))
	for _, r := range sim.Requests() {
		if r.Operation != "ListObjectsV2" && r.Operation != "GetObject" {
			t.Errorf("%s was asked for", r.Operation)
		}
	}
}

func TestReplayNamesTheObjectsItCannotRead(t *testing.T) {
	for _, test := range []struct {
		name  string
		allow []string
		fault *awssim.Fault
	}{
		{"replay-s3-no-listing", []string{"s3:GetObject"}, nil},
		{"replay-s3-no-reading", []string{"s3:ListBucket"}, nil},
		{"replay-s3-no-key", nil, &awssim.Fault{
			Operation: "GetObject", Contains: "T1205Z", Err: &awssim.APIError{
				Code: "AccessDenied", Status: http.StatusForbidden,
				Message: "User: arn:aws:iam::111122223333:user/analyst is not authorized to perform: kms:Decrypt on resource: " +
					"arn:aws:kms:eu-central-1:111122223333:key/1234abcd because no identity-based policy allows it",
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sim := trailBucket(t, test.allow...)
			if test.fault != nil {
				sim.Plan(*test.fault)
			}
			s := newSession(nil)
			if got := s.run(t, "replay", "-o", "jsonl", "s3://example-trail/org/"); got != admin.ExitUnfinished {
				t.Errorf("exit status %d", got)
			}
			golden(t, test.name, regexp.MustCompile(`"seconds":[0-9.e-]+`).ReplaceAllString(s.err.String(), ""))
		})
	}
}
