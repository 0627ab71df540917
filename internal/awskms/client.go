// Package awskms is KMS as rotd sees it: reading keys whole, in part, or in sweeps; making the calls of actions and
// looking for their effects; moving ciphertext to another key; AWS's quotas and what its errors mean. It also holds how
// rotd gets its credentials, for every AWS client, so that no access key is used before it is known as rotd's own.
//
// It decides nothing: what to read is the engine's to order, what a key's facts mean is detection's, and whether a call
// may be made is remediation's. It keeps no keys. Every read is repeated while that may help; a call that changes
// something is made exactly once.
package awskms

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"go.uber.org/zap"

	"rotd/internal/material"
)

// api is what rotd uses of the SDK's client.
type api interface {
	kms.ListKeysAPIClient
	kms.ListAliasesAPIClient
	DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
	GetKeyRotationStatus(context.Context, *kms.GetKeyRotationStatusInput, ...func(*kms.Options)) (
		*kms.GetKeyRotationStatusOutput, error)
	ListKeyRotations(context.Context, *kms.ListKeyRotationsInput, ...func(*kms.Options)) (
		*kms.ListKeyRotationsOutput, error)
	ListResourceTags(context.Context, *kms.ListResourceTagsInput, ...func(*kms.Options)) (
		*kms.ListResourceTagsOutput, error)
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
	kms.ListGrantsAPIClient
	GetKeyLastUsage(context.Context, *kms.GetKeyLastUsageInput, ...func(*kms.Options)) (
		*kms.GetKeyLastUsageOutput, error)
	EnableKeyRotation(context.Context, *kms.EnableKeyRotationInput, ...func(*kms.Options)) (
		*kms.EnableKeyRotationOutput, error)
	RotateKeyOnDemand(context.Context, *kms.RotateKeyOnDemandInput, ...func(*kms.Options)) (
		*kms.RotateKeyOnDemandOutput, error)
	CreateKey(context.Context, *kms.CreateKeyInput, ...func(*kms.Options)) (*kms.CreateKeyOutput, error)
	ReplicateKey(context.Context, *kms.ReplicateKeyInput, ...func(*kms.Options)) (*kms.ReplicateKeyOutput, error)
	CreateGrant(context.Context, *kms.CreateGrantInput, ...func(*kms.Options)) (*kms.CreateGrantOutput, error)
	RevokeGrant(context.Context, *kms.RevokeGrantInput, ...func(*kms.Options)) (*kms.RevokeGrantOutput, error)
	CreateAlias(context.Context, *kms.CreateAliasInput, ...func(*kms.Options)) (*kms.CreateAliasOutput, error)
	UpdateAlias(context.Context, *kms.UpdateAliasInput, ...func(*kms.Options)) (*kms.UpdateAliasOutput, error)
	DeleteAlias(context.Context, *kms.DeleteAliasInput, ...func(*kms.Options)) (*kms.DeleteAliasOutput, error)
	TagResource(context.Context, *kms.TagResourceInput, ...func(*kms.Options)) (*kms.TagResourceOutput, error)
	CancelKeyDeletion(context.Context, *kms.CancelKeyDeletionInput, ...func(*kms.Options)) (
		*kms.CancelKeyDeletionOutput, error)
	EnableKey(context.Context, *kms.EnableKeyInput, ...func(*kms.Options)) (*kms.EnableKeyOutput, error)
	DisableKey(context.Context, *kms.DisableKeyInput, ...func(*kms.Options)) (*kms.DisableKeyOutput, error)
	ReEncrypt(context.Context, *kms.ReEncryptInput, ...func(*kms.Options)) (*kms.ReEncryptOutput, error)
	GetParametersForImport(context.Context, *kms.GetParametersForImportInput, ...func(*kms.Options)) (
		*kms.GetParametersForImportOutput, error)
	ImportKeyMaterial(context.Context, *kms.ImportKeyMaterialInput, ...func(*kms.Options)) (
		*kms.ImportKeyMaterialOutput, error)
}

// Place is one account in one Region.
type Place struct {
	Partition string
	Account   string
	Region    string
}

// Call is one request that was made to KMS, for metrics.
type Call struct {
	Operation string
	Class     Class         // OK when it succeeded
	Duration  time.Duration // of the request, without waiting for the limiter
}

// Options of a Client. The zero value works.
type Options struct {
	QuotaShare  float64       // of AWS's request quotas, above 0 up to 1; 0 means 0.25
	ReEncrypts  float64       // a second at most, however large the share is; 0: as many as the share allows
	Concurrency int           // keys read at once in a sweep; 0 means 96
	Timeout     time.Duration // of one request; 0 means 15 s
	Logger      *zap.Logger   // nil: nothing is logged
	Observe     func(Call)    // called after every request, concurrently; nil: nobody looks
	// Material is where key material for imports comes from at the moment; nil: from nowhere.
	Material func() material.Source
}

// Client reads and rotates the keys of one place. It is safe for concurrent use, and there should be one for a place:
// its limiters know only their own requests.
type Client struct {
	api    api
	place  Place
	opts   Options
	limits *limits
	lane   Lane
	slots  chan struct{} // one for each key that a sweep is reading
}

// New returns a client for a place; cfg comes with the credentials for it. The client's lane is Sweep.
func New(cfg aws.Config, place Place, opts Options) *Client {
	return newClient(service(cfg, place), place, opts)
}

func service(cfg aws.Config, place Place) *kms.Client {
	return kms.NewFromConfig(cfg, func(o *kms.Options) {
		o.Region = place.Region
		// The SDK's retryer knows neither rotd's limiters nor that LimitExceededException is no throttling.
		o.Retryer = aws.NopRetryer{}
	})
}

func newClient(a api, place Place, opts Options) *Client {
	if opts.QuotaShare <= 0 || opts.QuotaShare > 1 {
		opts.QuotaShare = 0.25
	}
	if opts.Concurrency <= 0 {
		opts.Concurrency = 96
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 15 * time.Second
	}
	if opts.Logger == nil {
		opts.Logger = zap.NewNop()
	}
	if opts.Material == nil {
		opts.Material = func() material.Source { return material.Source{} }
	}
	if opts.Observe == nil {
		opts.Observe = func(Call) {}
	}
	return &Client{
		api: a, place: place, opts: opts, limits: newLimits(place.Region, opts.QuotaShare, opts.ReEncrypts), lane: Sweep,
		slots: make(chan struct{}, opts.Concurrency),
	}
}

// In returns the same client reading in another lane.
func (c *Client) In(lane Lane) *Client {
	other := *c
	other.lane = lane
	return &other
}

// As returns the same client with other credentials, those of cfg. It keeps the limiters: KMS counts the requests of an
// account, whoever makes them.
func (c *Client) As(cfg aws.Config) *Client {
	other := *c
	other.api = service(cfg, c.place)
	return &other
}

// Place is where the client's keys are.
func (c *Client) Place() Place { return c.place }

// Reads are repeated with back-off while that may help.
const (
	readAttempts = 4
	firstBackoff = 200 * time.Millisecond
	maxBackoff   = 10 * time.Second
)

// read makes a request that changes nothing, up to readAttempts times. A sweep waits out throttling: being throttled
// says nothing about a key, and ending would only begin it anew.
func read[In, Out any](ctx context.Context, c *Client, op operation, in In,
	do func(context.Context, In, ...func(*kms.Options)) (Out, error),
) (Out, error) {
	for attempt := 1; ; attempt++ {
		out, err := once(ctx, c, op, c.lane, in, do)
		if err == nil {
			return out, nil
		}
		class := Classify(err)
		patient := class == Throttled && c.lane == Sweep && c.limits.bearable(op)
		if attempt >= readAttempts && !patient || !class.Passing() || ctx.Err() != nil {
			return out, fmt.Errorf("KMS %s: %w", op, err)
		}
		if err := sleep(ctx, backoff(attempt)); err != nil {
			return out, fmt.Errorf("KMS %s: %w", op, err)
		}
	}
}

// once waits for the limiter and makes one request.
func once[In, Out any](ctx context.Context, c *Client, op operation, lane Lane, in In,
	do func(context.Context, In, ...func(*kms.Options)) (Out, error),
) (out Out, err error) {
	if err := c.limits.wait(ctx, op, lane); err != nil {
		return out, &unsentError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	started := time.Now()
	out, err = do(ctx, in)
	class := Classify(err)
	c.limits.learn(op, class)
	c.opts.Observe(Call{Operation: string(op), Class: class, Duration: time.Since(started)})
	return out, err
}

// backoff doubles from firstBackoff to maxBackoff, with full jitter.
func backoff(attempt int) time.Duration {
	d := min(firstBackoff<<min(attempt-1, 10), maxBackoff)
	return rand.N(d) //nolint:gosec // jitter keeps no secret
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
