package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"rotd/internal/admin"
	"rotd/internal/awssts"
	"rotd/internal/config"
	"rotd/internal/engine"
)

// access is who may do what by a configuration.
func access(cfg *config.Config) *admin.Access {
	a := &admin.Access{
		View: cfg.Admin.Roles.View, Act: cfg.Admin.Roles.Act, Approve: cfg.Admin.Roles.Approve,
	}
	for _, uid := range cfg.Admin.SharedUIDs {
		a.Shared = append(a.Shared, uint32(uid)) //nolint:gosec // the configuration takes no other
	}
	return a
}

// proofs makes what has AWS STS answer people's proofs, over the transport that the SDK was loaded with (AWS_CA_BUNDLE,
// proxies). The environment's endpoint for all of AWS is not enough: a place to send people's signatures to is named
// as such.
func proofs(loaded aws.Config) (*awssts.Verifier, error) {
	client, ok := loaded.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		return nil, fmt.Errorf("ask AWS STS about people: an HTTP client %T is unknown", loaded.HTTPClient)
	}
	var transport http.RoundTripper = client.GetTransport()
	return awssts.NewVerifier(transport, os.Getenv("AWS_ENDPOINT_URL_STS")), nil
}

// Access is who may do what.
func (b *backend) Access() *admin.Access { return b.d.access.Load() }

// Identify has AWS STS say whose proof it is. Its nonce is used up before that, durably: a proof is good for one
// question.
func (b *backend) Identify(ctx context.Context, p admin.Proof) (*admin.AWSIdentity, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	now := time.Now()
	subject := awssts.Subject{Plan: p.Plan, Nonce: p.Nonce, Shard: b.d.cfg.Shard}
	proof, err := b.d.proofs.Check(p.URL, subject, now)
	if err != nil {
		return nil, unproven(err)
	}
	if err := b.d.engine.UseNonce(p.Nonce, now); err != nil {
		return nil, unproven(err)
	}
	identity, err := proof.Ask(ctx)
	if err != nil {
		return nil, unproven(err)
	}
	person, _ := identity.Person()
	return &admin.AWSIdentity{ARN: identity.ARN, Person: person}, nil
}

func unproven(err error) error {
	if errors.Is(err, awssts.ErrProof) || errors.Is(err, engine.ErrUsedNonce) {
		return admin.As(admin.ErrUnproven, err)
	}
	return err
}
