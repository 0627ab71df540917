package app

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
	"rotd/internal/awskms"
	"rotd/internal/awssts"
	"rotd/internal/config"
)

func TestProofsGoToAnEndpointThatIsNamedForSTSOnly(t *testing.T) {
	const endpoint = "http://127.0.0.1:4566"
	subject := awssts.Subject{Plan: "v1:p", Nonce: strings.Repeat("0a", 16), Shard: "default"}
	signed, err := awssts.Sign(t.Context(), aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAIOSFODNN7EXAMPLE", "secret", ""),
	}, subject)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"AWS_ENDPOINT_URL": false, "AWS_ENDPOINT_URL_STS": true} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ENDPOINT_URL", "")
			t.Setenv("AWS_ENDPOINT_URL_STS", "")
			t.Setenv(name, endpoint)
			v, err := proofs(aws.Config{HTTPClient: awskms.HTTPClient()})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.Check(signed, subject, time.Now()); want != (err == nil) ||
				err != nil && !errors.Is(err, awssts.ErrProof) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAccessIsAsConfigured(t *testing.T) {
	cfg := config.Default()
	cfg.Admin.Roles = config.Roles{View: []string{"user:a"}, Act: []string{"user:b"}, Approve: []string{"user:c"}}
	cfg.Admin.SharedUIDs = []int{1500}
	want := &admin.Access{
		View: []string{"user:a"}, Act: []string{"user:b"}, Approve: []string{"user:c"}, Shared: []uint32{1500},
	}
	if diff := cmp.Diff(want, access(cfg)); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
}
