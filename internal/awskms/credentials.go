package awskms

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
)

// BeforeFirstUse is told an access key id before the first request signed with it is sent, and must have recorded it
// durably when it returns: that is how rotd knows its own calls again. When it fails, nothing is sent. It is called
// again for a key id that was long out of use.
type BeforeFirstUse func(ctx context.Context, accessKeyID string) error

// Configure returns cfg for this daemon: rotd's name in the user agent, and first as to credentials. Every AWS client
// rotd has is made from it, or from what Assume makes of it.
func Configure(cfg aws.Config, version string, first BeforeFirstUse) aws.Config {
	cfg = cfg.Copy()
	cfg.Credentials = Credentials(cfg.Credentials, first)
	cfg.APIOptions = append(slices.Clone(cfg.APIOptions), func(stack *middleware.Stack) error {
		return awsmiddleware.AddUserAgentKeyValue("rotd", version)(stack)
	})
	return cfg
}

// Assume returns cfg with the credentials of a role that cfg's credentials may assume. An empty externalID is left out.
func Assume(cfg aws.Config, roleARN, externalID, sessionName string, first BeforeFirstUse) aws.Config {
	provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), roleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = sessionName
		if externalID != "" {
			o.ExternalID = &externalID
		}
	})
	assumed := cfg.Copy()
	assumed.Credentials = Credentials(provider, first)
	return assumed
}

// HTTPClient is the client to load the SDK's configuration with: connections for many requests at once, and a limit to
// how long a connection may take. It bounds no answer, since a long poll is slow by intent: callers' contexts do.
func HTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) {
		d.Timeout = 5 * time.Second
	}).WithTransportOptions(func(t *http.Transport) {
		t.TLSHandshakeTimeout = 5 * time.Second
		t.MaxIdleConnsPerHost = 64
		t.MaxIdleConns = 256
	})
}

// errCredentials marks an error that kept a request from being signed.
var errCredentials = errors.New("no usable AWS credentials")

// Credentials wraps a provider so that first hears of every access key id before its first use. It caches what the
// provider returns until shortly before it expires. A nil first hears nothing.
func Credentials(provider aws.CredentialsProvider, first BeforeFirstUse) aws.CredentialsProvider {
	if first == nil {
		first = func(context.Context, string) error { return nil }
	}
	if _, cached := provider.(*aws.CredentialsCache); !cached && provider != nil {
		provider = aws.NewCredentialsCache(provider, func(o *aws.CredentialsCacheOptions) {
			o.ExpiryWindow, o.ExpiryWindowJitterFrac = time.Minute, 0.5
		})
	}
	return &announced{provider: provider, first: first}
}

// rememberedIDs is more access keys than are in use at once while credentials change.
const rememberedIDs = 16

// announced is asked for credentials at every request, so the usual case takes no lock.
type announced struct {
	provider aws.CredentialsProvider
	first    BeforeFirstUse
	current  atomic.Pointer[string]

	mu    sync.Mutex
	known []string // oldest first, at most rememberedIDs
}

// Retrieve returns the provider's credentials once they have been announced.
func (a *announced) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if a.provider == nil {
		return aws.Credentials{}, fmt.Errorf("%w: none are configured", errCredentials)
	}
	creds, err := a.provider.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("%w: %w", errCredentials, err)
	}
	if current := a.current.Load(); current != nil && *current == creds.AccessKeyID {
		return creds, nil
	}
	if err := a.announce(ctx, creds.AccessKeyID); err != nil {
		return aws.Credentials{}, fmt.Errorf("%w: recording access key id %s before its first use: %w",
			errCredentials, creds.AccessKeyID, err)
	}
	return creds, nil
}

// announce holds back everybody who wants to use a new key until it is recorded.
func (a *announced) announce(ctx context.Context, id string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.known, id) {
		if err := a.first(ctx, id); err != nil {
			return err
		}
		if len(a.known) == rememberedIDs {
			a.known = slices.Delete(a.known, 0, 1)
		}
		a.known = append(a.known, id)
	}
	a.current.Store(&id)
	return nil
}

// IsCredentialsProvider lets the SDK see what kind of provider is wrapped.
func (a *announced) IsCredentialsProvider(target aws.CredentialsProvider) bool {
	return aws.IsCredentialsProvider(a.provider, target)
}
