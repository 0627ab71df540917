package awssim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"rotd/internal/awssim"
)

// TestASignatureOfAnotherTimeIsRefusedAndTheSDKSetsItRight calls each service with a clock that is off by this much.
func TestASignatureOfAnotherTimeIsRefusedAndTheSDKSetsItRight(t *testing.T) {
	calls := map[string]func(cfg aws.Config) error{
		"kms": func(cfg aws.Config) error {
			_, err := kms.NewFromConfig(cfg).ListKeys(t.Context(), nil)
			return err
		},
		"sqs": func(cfg aws.Config) error {
			_, err := sqs.NewFromConfig(cfg).ListQueues(t.Context(), nil)
			return err
		},
		"sns": func(cfg aws.Config) error {
			_, err := sns.NewFromConfig(cfg).Publish(t.Context(), &sns.PublishInput{
				TopicArn: aws.String("arn:aws:sns:" + region + ":" + account + ":t"), Message: aws.String("m"),
			})
			return err
		},
		"sts": func(cfg aws.Config) error {
			_, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			return err
		},
		"s3": func(cfg aws.Config) error {
			_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListObjectsV2(t.Context(),
				&s3.ListObjectsV2Input{Bucket: aws.String("b")})
			return err
		},
	}
	skewed := map[string]string{
		"kms": "InvalidSignatureException", "sqs": "SignatureDoesNotMatch", "sns": "SignatureDoesNotMatch",
		"sts": "SignatureDoesNotMatch", "s3": "RequestTimeTooSkewed",
	}
	for _, off := range []time.Duration{-time.Hour, -4 * time.Minute, 10 * time.Minute, time.Hour} {
		t.Run(off.String()+" off", func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, awssim.Options{Clock: awssim.NewScaledClock(time.Now().Add(off), 1), JudgesTime: true})
			w.sim.CreateBucket(region, account, "b")
			w.sim.CreateTopic(region, account, "t")
			for service, call := range calls {
				bound := 5 * time.Minute
				if service == "s3" {
					bound = 15 * time.Minute
				}
				want, code := "", ""
				if off.Abs() > bound {
					want = skewed[service]
				}
				err := call(w.cfg)
				if refusal, ok := errors.AsType[smithy.APIError](err); ok {
					code = refusal.ErrorCode()
				}
				if code != want || err != nil && code == "" {
					t.Errorf("%s: %v, want %q", service, err, want)
				}
				if err := call(w.sim.As(w.user, region)); err != nil {
					t.Errorf("%s, with retries: %v", service, err)
				}
			}
		})
	}
}
