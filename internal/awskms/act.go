package awskms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go/middleware"

	"rotd/internal/remediation"
)

// Do makes one attempt at the call that an action has under way. Whether KMS does what it accepted must be read: Look.
func (c *Client) Do(ctx context.Context, a *remediation.Action) Result {
	call, key := a.Current(), a.CallKey()
	switch call.Operation {
	case remediation.EnableKeyRotation:
		return c.EnableRotation(ctx, key, call.PeriodDays)
	case remediation.RotateKeyOnDemand:
		return c.RotateOnDemand(ctx, key)
	case remediation.CreateKey:
		return c.createKey(ctx, a)
	case remediation.ReplicateKey:
		return c.replicateKey(ctx, a)
	case remediation.CreateGrant:
		return c.createGrant(ctx, a)
	case remediation.RevokeGrant:
		return act(ctx, c, revokeGrant, &kms.RevokeGrantInput{KeyId: &key, GrantId: &call.Grant.ID}, c.api.RevokeGrant)
	case remediation.CreateAlias:
		return act(ctx, c, createAlias, &kms.CreateAliasInput{AliasName: &call.Alias, TargetKeyId: &key}, c.api.CreateAlias)
	case remediation.UpdateAlias:
		return act(ctx, c, updateAlias, &kms.UpdateAliasInput{AliasName: &call.Alias, TargetKeyId: &key}, c.api.UpdateAlias)
	case remediation.DeleteAlias:
		return act(ctx, c, deleteAlias, &kms.DeleteAliasInput{AliasName: &call.Alias}, c.api.DeleteAlias)
	case remediation.TagResource:
		return act(ctx, c, tagResource, &kms.TagResourceInput{KeyId: &key, Tags: tagList(call.Tags)}, c.api.TagResource)
	case remediation.CancelKeyDeletion:
		return act(ctx, c, cancelKeyDeletion, &kms.CancelKeyDeletionInput{KeyId: &key}, c.api.CancelKeyDeletion)
	case remediation.EnableKey:
		return act(ctx, c, enableKey, &kms.EnableKeyInput{KeyId: &key}, c.api.EnableKey)
	case remediation.DisableKey:
		return act(ctx, c, disableKey, &kms.DisableKeyInput{KeyId: &key}, c.api.DisableKey)
	case remediation.ImportKeyMaterial:
		return c.importMaterial(ctx, a)
	}
	return Result{Class: Unsupported, Err: fmt.Errorf("rotd cannot call %s", call.Operation)}
}

// EnableRotation sets a key's automatic rotation to a period in days, in one attempt. Doing so again changes nothing.
func (c *Client) EnableRotation(ctx context.Context, arn string, days int) Result {
	period := int32(days) //nolint:gosec // KMS takes 90 to 2560
	in := &kms.EnableKeyRotationInput{KeyId: &arn, RotationPeriodInDays: &period}
	return act(ctx, c, enableKeyRotation, in, c.api.EnableKeyRotation)
}

// RotateOnDemand starts a rotation on demand, in one attempt: each that KMS takes is one of the key's lifetime 25.
func (c *Client) RotateOnDemand(ctx context.Context, arn string) Result {
	return act(ctx, c, rotateKeyOnDemand, &kms.RotateKeyOnDemandInput{KeyId: &arn}, c.api.RotateKeyOnDemand)
}

// ActionTag marks a key with the action that made it: CreateKey has no other way to be told from an earlier attempt.
const ActionTag = "rotd:action"

// createKey makes a key that carries the action's id from its first moment.
func (c *Client) createKey(ctx context.Context, a *remediation.Action) Result {
	spec := a.Current().New
	in := &kms.CreateKeyInput{
		KeySpec: types.KeySpec(spec.Spec), KeyUsage: types.KeyUsageType(spec.Usage), Origin: types.OriginType(spec.Origin),
		Description: &spec.Description, MultiRegion: &spec.MultiRegion, Tags: tagList(spec.Tags),
	}
	in.Tags = append(in.Tags, types.Tag{TagKey: aws.String(ActionTag), TagValue: &a.ID})
	if spec.Policy != "" {
		in.Policy = &spec.Policy
	}
	if spec.CustomKeyStore != "" {
		in.CustomKeyStoreId = &spec.CustomKeyStore
	}
	out, err := once(ctx, c, createKey, Act, in, c.api.CreateKey)
	if err != nil {
		return refused(err)
	}
	r := accepted(out.ResultMetadata)
	if out.KeyMetadata != nil {
		r.Made = aws.ToString(out.KeyMetadata.Arn)
	}
	return r
}

// replicateKey makes a replica with a key policy, tags and a description of its own: KMS copies none of them.
func (c *Client) replicateKey(ctx context.Context, a *remediation.Action) Result {
	call, key := a.Current(), a.CallKey()
	in := &kms.ReplicateKeyInput{KeyId: &key, ReplicaRegion: &call.Region}
	if spec := call.New; spec != nil {
		in.Description = &spec.Description
		in.Tags = append(tagList(spec.Tags), types.Tag{TagKey: aws.String(ActionTag), TagValue: &a.ID})
		if spec.Policy != "" {
			in.Policy = &spec.Policy
		}
	}
	return act(ctx, c, replicateKey, in, c.api.ReplicateKey)
}

// createGrant gives a grant like the call's model. Its name makes an attempt that is repeated the same grant.
func (c *Client) createGrant(ctx context.Context, a *remediation.Action) Result {
	model, key := a.Current().Grant, a.CallKey()
	in := &kms.CreateGrantInput{KeyId: &key, GranteePrincipal: &model.Grantee, Name: aws.String(a.GrantName())}
	if model.Retiring != "" {
		in.RetiringPrincipal = &model.Retiring
	}
	for _, op := range model.Operations {
		in.Operations = append(in.Operations, types.GrantOperation(op))
	}
	if len(model.ContextEquals) > 0 || len(model.ContextSubset) > 0 {
		in.Constraints = &types.GrantConstraints{
			EncryptionContextEquals: model.ContextEquals, EncryptionContextSubset: model.ContextSubset,
		}
	}
	return act(ctx, c, createGrant, in, c.api.CreateGrant)
}

// tagList are tags as KMS takes them, in a fixed order.
func tagList(tags map[string]string) []types.Tag {
	list := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, types.Tag{TagKey: aws.String(key), TagValue: aws.String(tags[key])})
	}
	return list
}

// act makes one attempt at a call that changes something.
func act[In, Out any](ctx context.Context, c *Client, op operation, in In,
	do func(context.Context, In, ...func(*kms.Options)) (Out, error),
) Result {
	var requestID string
	_, err := once(ctx, c, op, Act, in, func(ctx context.Context, in In, opts ...func(*kms.Options)) (Out, error) {
		return do(ctx, in, append(opts, noteRequestID(&requestID))...)
	})
	if err != nil {
		return refused(err)
	}
	return Result{RequestID: requestID, Class: OK}
}

// noteRequestID keeps the request id that an answer carries.
func noteRequestID(to *string) func(*kms.Options) {
	return func(o *kms.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoteRequestID", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				out, metadata, err := next.HandleInitialize(ctx, in)
				*to, _ = awsmiddleware.GetRequestIDMetadata(metadata)
				return out, metadata, err
			}), middleware.Before)
		})
	}
}

// Result is what one changing call came back with.
type Result struct {
	RequestID string // empty when no answer came
	Class     Class  // OK when KMS accepted the call; whether it then does it must be read
	Err       error
	Made      string // ARN of the key that CreateKey made
	Code      string // in place of KMS's, when it was not KMS that refused
}

func accepted(metadata middleware.Metadata) Result {
	id, _ := awsmiddleware.GetRequestIDMetadata(metadata)
	return Result{RequestID: id, Class: OK}
}

// refused keeps the request id of a refusal too: CloudTrail shows refused calls by it.
func refused(err error) Result {
	r := Result{Class: Classify(err), Err: err}
	if answered, ok := errors.AsType[answeredError](err); ok {
		r.RequestID = answered.ServiceRequestID()
	}
	return r
}

// answeredError is an error that came as an answer.
type answeredError interface {
	error
	ServiceRequestID() string
}

// Answer is the result in the words of the action that asked for it.
func (r Result) Answer() remediation.Answer {
	a := remediation.Answer{
		Kind: answerKind(r.Class), RequestID: r.RequestID, Code: cmp.Or(r.Code, ErrorCode(r.Err)), Made: r.Made,
	}
	if r.Err != nil {
		a.Message = r.Err.Error()
	}
	return a
}

func answerKind(c Class) remediation.AnswerKind {
	switch c {
	case OK:
		return remediation.Accepted
	case Conflict:
		return remediation.Busy
	case Throttled, Unreachable, CredentialsMissing, BadToken:
		return remediation.Rejected
	case NotFound, InvalidState:
		// Just read as there and enabled, so this may be KMS not agreeing with itself yet.
		return remediation.Rejected
	case AccessDenied, Disabled, Unsupported, LimitExceeded, InvalidArn, WrongMaterial:
		return remediation.Refused
	case Ambiguous, Internal, DependencyTimeout, Unknown:
	}
	return remediation.Lost
}
