package awskms

import (
	"context"
	"errors"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go/middleware"

	"rotd/internal/remediation"
)

// EnableRotation sets a key's automatic rotation to a period in days, in one attempt. Doing so again changes nothing.
func (c *Client) EnableRotation(ctx context.Context, arn string, days int) Result {
	period := int32(days) //nolint:gosec // KMS takes 90 to 2560
	in := &kms.EnableKeyRotationInput{KeyId: &arn, RotationPeriodInDays: &period}
	out, err := once(ctx, c, enableKeyRotation, Act, in, c.api.EnableKeyRotation)
	if err != nil {
		return refused(err)
	}
	return accepted(out.ResultMetadata)
}

// RotateOnDemand starts a rotation on demand, in one attempt: each that KMS takes is one of the key's lifetime 25.
func (c *Client) RotateOnDemand(ctx context.Context, arn string) Result {
	in := &kms.RotateKeyOnDemandInput{KeyId: &arn}
	out, err := once(ctx, c, rotateKeyOnDemand, Act, in, c.api.RotateKeyOnDemand)
	if err != nil {
		return refused(err)
	}
	return accepted(out.ResultMetadata)
}

// Result is what one changing call came back with.
type Result struct {
	RequestID string // empty when no answer came
	Class     Class  // OK when KMS accepted the call; whether it then does it must be read
	Err       error
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
	a := remediation.Answer{Kind: answerKind(r.Class), RequestID: r.RequestID, Code: ErrorCode(r.Err)}
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
	case Throttled, Unreachable, CredentialsMissing:
		return remediation.Rejected
	case NotFound, InvalidState:
		// Just read as there and enabled, so this may be KMS not agreeing with itself yet.
		return remediation.Rejected
	case AccessDenied, Disabled, Unsupported, LimitExceeded, InvalidArn:
		return remediation.Refused
	case Ambiguous, Internal, DependencyTimeout, Unknown:
	}
	return remediation.Lost
}
