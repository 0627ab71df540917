package awskms

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

func TestWhyNobodySaysWhoRotdIsIsSaidPlainly(t *testing.T) {
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	w := newWorld(t)
	for name, tc := range map[string]struct {
		change func(cfg *aws.Config)
		want   string
	}{
		"no credentials": {
			func(cfg *aws.Config) { cfg.Credentials = nil },
			"no usable AWS credentials in the environment, in AWS_PROFILE or ~/.aws, or of the container's or instance's " +
				"role: none are configured",
		},
		"a key that AWS does not know": {
			func(cfg *aws.Config) {
				cfg.Credentials = credentials.NewStaticCredentialsProvider("AKIANOBODY", "secret", "")
			},
			"AWS refuses rotd's credentials: InvalidClientTokenId: The security token included in the request is invalid.",
		},
		"nobody listens": {
			func(cfg *aws.Config) { cfg.BaseEndpoint = aws.String("https://127.0.0.1:1") },
			"AWS cannot be reached at 127.0.0.1:1: dial tcp 127.0.0.1:1: connect: connection refused",
		},
		"nobody answers": {
			func(cfg *aws.Config) { cfg.BaseEndpoint = aws.String("http://" + silent.Addr().String()) },
			"AWS does not answer",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := w.cfg.Copy()
			cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
			tc.change(&cfg)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := WhoAmI(ctx, Configure(cfg, "test", nil))
			if err == nil || Plainly(err) != tc.want {
				t.Errorf("%v is said as %q, want %q", err, Plainly(err), tc.want)
			}
		})
	}
}
