package notify

import (
	"context"
	"errors"
	"net"
	"net/http"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// ErrorClass is what a failure to publish means for the message.
type ErrorClass int

// Classes of failures.
const (
	// Temporary: not sent, and likely to be taken later. Throttled, unreachable, SNS's own trouble, credentials that
	// cannot be had at the moment.
	Temporary ErrorClass = iota
	// Ambiguous: it may have been sent; no answer arrived. It is sent again with the same alert_id.
	Ambiguous
	// Permanent: SNS will not take it before somebody changes something: no such topic, no permission, a message
	// that SNS finds invalid.
	Permanent
)

// String names the class, for logs and metrics.
func (c ErrorClass) String() string {
	switch c {
	case Temporary:
		return "temporary"
	case Ambiguous:
		return "ambiguous"
	default:
		return "permanent"
	}
}

// Class says what an error of Publish means.
func Class(err error) ErrorClass {
	if _, invalid := errors.AsType[smithy.InvalidParamsError](err); invalid {
		return Permanent
	}
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		return saidClass(err, said)
	}
	if neverSent(err) {
		return Temporary
	}
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		if response.HTTPStatusCode() >= http.StatusInternalServerError {
			return Temporary
		}
		return Ambiguous // it answered, and the answer cannot be read
	}
	_, sending := errors.AsType[*smithyhttp.RequestSendError](err)
	_, canceled := errors.AsType[*smithy.CanceledError](err)
	if sending || canceled || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Ambiguous
	}
	return Temporary
}

// saidClass classifies what SNS answered.
func saidClass(err error, said smithy.APIError) ErrorClass {
	switch said.ErrorCode() {
	case "Throttled", "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
		"RequestLimitExceeded", "KMSThrottling", "KMSThrottlingException",
		"InternalError", "InternalFailure", "ServiceUnavailable", "RequestTimeout",
		// About the credentials of the moment, not about the topic.
		"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId",
		"UnrecognizedClientException", "SignatureDoesNotMatch", "RequestTimeTooSkewed":
		return Temporary
	}
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status := response.HTTPStatusCode()
		if status >= http.StatusInternalServerError || status == http.StatusTooManyRequests {
			return Temporary
		}
		return Permanent
	}
	if said.ErrorFault() == smithy.FaultServer {
		return Temporary
	}
	return Permanent
}

// neverSent reports whether the request cannot have reached SNS: no connection came about.
func neverSent(err error) bool {
	_, lookup := errors.AsType[*net.DNSError](err)
	op, ok := errors.AsType[*net.OpError](err)
	return lookup || ok && op.Op == "dial"
}
