package awssim

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// As is an SDK configuration to call the simulator under a known principal's name, in a Region, without retries. The
// simulator must have been started.
func (s *Sim) As(p Principal, region string) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(s.URL()),
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID: p.AccessKeyID, SecretAccessKey: p.SecretAccessKey, SessionToken: p.SessionToken,
				AccountID: p.Account, Source: "awssim",
			}, nil
		}),
	}
}
