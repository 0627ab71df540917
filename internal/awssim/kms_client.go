package awssim

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// As is an SDK configuration to call the simulator under a known principal's name, in a Region, without retries, but
// for those that set a clock right. The simulator must have been started.
func (s *Sim) As(p Principal, region string) aws.Config {
	retryer := func() aws.Retryer { return aws.NopRetryer{} }
	if s.opts.JudgesTime {
		retryer = nil
	}
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(s.URL()),
		Retryer:      retryer,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey, SessionToken: p.SessionToken,
				AccountID: p.Account, Source: "awssim",
			}, nil
		}),
	}
}
