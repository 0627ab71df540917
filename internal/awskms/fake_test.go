package awskms

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

// fakeKMS is a KMS with many plain keys, for what is about requests and not about keys. What is about keys is tested
// against awssim, over HTTP.
type fakeKMS struct {
	api // what is not here is never called

	keys    int
	latency time.Duration
	answer  func(op operation, arn string) error // nil error: KMS does it

	mu       sync.Mutex
	requests map[operation]int
	at       map[operation][]time.Time
	inFlight int
	most     int // requests in flight at once
}

func newFake(keys int) *fakeKMS {
	return &fakeKMS{keys: keys, requests: map[operation]int{}, at: map[operation][]time.Time{}}
}

func fakeARN(i int) string { return fmt.Sprintf("arn:aws:kms:eu-west-1:111122223333:key/%06d", i) }

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "as planned"} }

func (f *fakeKMS) client(o Options) *Client {
	return newClient(f, Place{Partition: "aws", Account: "111122223333", Region: "eu-west-1"}, o)
}

func (f *fakeKMS) count(op operation) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[op]
}

// serve counts a request, takes its time, and says whether it fails.
func (f *fakeKMS) serve(ctx context.Context, op operation, arn *string) error {
	f.mu.Lock()
	f.requests[op]++
	f.at[op] = append(f.at[op], time.Now())
	f.inFlight++
	f.most = max(f.most, f.inFlight)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.inFlight--
		f.mu.Unlock()
	}()
	if f.latency > 0 {
		if err := sleep(ctx, f.latency); err != nil {
			return err
		}
	}
	if f.answer != nil {
		return f.answer(op, aws.ToString(arn))
	}
	return nil
}

type options = func(*kms.Options)

func (f *fakeKMS) ListKeys(ctx context.Context, in *kms.ListKeysInput, _ ...options) (*kms.ListKeysOutput, error) {
	if err := f.serve(ctx, listKeys, nil); err != nil {
		return nil, err
	}
	from, _ := strconv.Atoi(aws.ToString(in.Marker))
	to := min(from+int(*in.Limit), f.keys)
	out := &kms.ListKeysOutput{Truncated: to < f.keys}
	for i := from; i < to; i++ {
		out.Keys = append(out.Keys, types.KeyListEntry{KeyArn: aws.String(fakeARN(i))})
	}
	if out.Truncated {
		out.NextMarker = aws.String(strconv.Itoa(to))
	}
	return out, nil
}

func (f *fakeKMS) ListAliases(ctx context.Context, _ *kms.ListAliasesInput, _ ...options) (
	*kms.ListAliasesOutput, error,
) {
	return &kms.ListAliasesOutput{}, f.serve(ctx, listAliases, nil)
}

func (f *fakeKMS) DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, _ ...options) (
	*kms.DescribeKeyOutput, error,
) {
	if err := f.serve(ctx, describeKey, in.KeyId); err != nil {
		return nil, err
	}
	return &kms.DescribeKeyOutput{KeyMetadata: &types.KeyMetadata{
		Arn: in.KeyId, KeyState: types.KeyStateEnabled, KeyManager: types.KeyManagerTypeCustomer,
		Origin: types.OriginTypeAwsKms, KeySpec: types.KeySpecSymmetricDefault,
		KeyUsage: types.KeyUsageTypeEncryptDecrypt,
	}}, nil
}

func (f *fakeKMS) GetKeyRotationStatus(ctx context.Context, in *kms.GetKeyRotationStatusInput, _ ...options) (
	*kms.GetKeyRotationStatusOutput, error,
) {
	return &kms.GetKeyRotationStatusOutput{}, f.serve(ctx, getKeyRotationStatus, in.KeyId)
}

func (f *fakeKMS) ListKeyRotations(ctx context.Context, in *kms.ListKeyRotationsInput, _ ...options) (
	*kms.ListKeyRotationsOutput, error,
) {
	return &kms.ListKeyRotationsOutput{}, f.serve(ctx, listKeyRotations, in.KeyId)
}

func (f *fakeKMS) ListResourceTags(ctx context.Context, in *kms.ListResourceTagsInput, _ ...options) (
	*kms.ListResourceTagsOutput, error,
) {
	return &kms.ListResourceTagsOutput{}, f.serve(ctx, listResourceTags, in.KeyId)
}

func (f *fakeKMS) GetKeyPolicy(ctx context.Context, in *kms.GetKeyPolicyInput, _ ...options) (
	*kms.GetKeyPolicyOutput, error,
) {
	return &kms.GetKeyPolicyOutput{}, f.serve(ctx, getKeyPolicy, in.KeyId)
}

func (f *fakeKMS) EnableKeyRotation(ctx context.Context, in *kms.EnableKeyRotationInput, _ ...options) (
	*kms.EnableKeyRotationOutput, error,
) {
	return &kms.EnableKeyRotationOutput{}, f.serve(ctx, enableKeyRotation, in.KeyId)
}

func (f *fakeKMS) RotateKeyOnDemand(ctx context.Context, in *kms.RotateKeyOnDemandInput, _ ...options) (
	*kms.RotateKeyOnDemandOutput, error,
) {
	return &kms.RotateKeyOnDemandOutput{}, f.serve(ctx, rotateKeyOnDemand, in.KeyId)
}

func (f *fakeKMS) ReEncrypt(ctx context.Context, in *kms.ReEncryptInput, _ ...options) (
	*kms.ReEncryptOutput, error,
) {
	return &kms.ReEncryptOutput{KeyId: in.DestinationKeyId}, f.serve(ctx, reEncrypt, in.DestinationKeyId)
}

func (f *fakeKMS) ListGrants(ctx context.Context, in *kms.ListGrantsInput, _ ...options) (
	*kms.ListGrantsOutput, error,
) {
	return &kms.ListGrantsOutput{}, f.serve(ctx, listGrants, in.KeyId)
}

func (f *fakeKMS) GetKeyLastUsage(ctx context.Context, in *kms.GetKeyLastUsageInput, _ ...options) (
	*kms.GetKeyLastUsageOutput, error,
) {
	return &kms.GetKeyLastUsageOutput{}, f.serve(ctx, getKeyLastUsage, in.KeyId)
}

// total is how many requests there were.
func (f *fakeKMS) total() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, requests := range f.requests {
		n += requests
	}
	return n
}
