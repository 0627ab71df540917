package awssim_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"go.uber.org/zap/zaptest"

	"rotd/internal/awssim"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

var epoch = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

// world is a running simulator, one user of it and the SDK's clients in that user's name, without retries.
type world struct {
	sim  *awssim.Sim
	user awssim.Principal
	cfg  aws.Config
	sqs  *sqs.Client
	sns  *sns.Client
	s3   *s3.Client
	sts  *sts.Client
}

func newWorld(tb testing.TB, opts awssim.Options) *world {
	tb.Helper()
	if opts.Logger == nil {
		opts.Logger = zaptest.NewLogger(tb)
	}
	sim := awssim.New(opts)
	if err := sim.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := sim.Close(); err != nil {
			tb.Error(err)
		}
	})
	user := sim.NewAccessKey(account, "alice")
	return worldOf(tb, sim, user)
}

// worldOf is the same simulator seen by another principal.
func worldOf(tb testing.TB, sim *awssim.Sim, user awssim.Principal) *world {
	tb.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	tb.Cleanup(transport.CloseIdleConnections)
	cfg := aws.Config{
		Region: region, BaseEndpoint: aws.String(sim.URL()), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(user.AccessKeyID, user.SecretAccessKey, user.SessionToken),
		Retryer:     func() aws.Retryer { return aws.NopRetryer{} },
	}
	return &world{
		sim: sim, user: user, cfg: cfg, sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg),
		s3: s3.NewFromConfig(cfg), sts: sts.NewFromConfig(cfg),
	}
}

// standing is a world whose time moves only by Advance.
func standing(t *testing.T) (*world, *awssim.Clock) {
	t.Helper()
	clock := awssim.NewScaledClock(epoch, 0)
	return newWorld(t, awssim.Options{Clock: clock, Seed: 1}), clock
}

func (w *world) queue(t testing.TB, name string, attributes ...string) (url *string) {
	t.Helper()
	attrs := map[string]string{}
	for i := 0; i < len(attributes); i += 2 {
		attrs[attributes[i]] = attributes[i+1]
	}
	out, err := w.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attrs})
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

// wantCode asserts the code of an API error.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var apiErr smithy.APIError
	if !errors.As(err, &apiErr) {
		t.Fatalf("got %v, want API error %s", err, code)
	}
	if apiErr.ErrorCode() != code {
		t.Errorf("got code %s (%v), want %s", apiErr.ErrorCode(), err, code)
	}
}

// wantType asserts the SDK's typed error.
func wantType[E error](t *testing.T, err error) E {
	t.Helper()
	var typed E
	if !errors.As(err, &typed) {
		t.Fatalf("got %v (%T), want a %T", err, err, typed)
	}
	return typed
}
