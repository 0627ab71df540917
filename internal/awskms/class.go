package awskms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Class says what an error of KMS, or of the way to it, means for what may be done next.
type Class string

// Classes. NotFound and InvalidState may be spurious for seconds, sometimes minutes, after a change.
const (
	OK                 Class = "ok"
	Throttled          Class = "throttled"          // over a quota; nothing was done
	Unreachable        Class = "unreachable"        // no request reached KMS
	CredentialsMissing Class = "no-credentials"     // none to be had, or not accepted; nothing was done
	Ambiguous          Class = "ambiguous"          // the request may have reached KMS, no usable answer came
	Internal           Class = "internal"           // KMS failed inside; what it did is unknown
	DependencyTimeout  Class = "dependency-timeout" // KMS waited for something; what it did is unknown
	AccessDenied       Class = "access-denied"
	NotFound           Class = "not-found"
	InvalidState       Class = "invalid-state"
	Disabled           Class = "disabled"
	Unsupported        Class = "unsupported"
	LimitExceeded      Class = "limit-exceeded" // the lifetime budget of on-demand rotations, not a rate
	Conflict           Class = "conflict"       // a rotation runs, or is about to
	InvalidArn         Class = "invalid-arn"
	WrongMaterial      Class = "wrong-material"   // not the key material that KMS expects
	BadToken           Class = "bad-import-token" // one that is too old, or another key's
	Unknown            Class = "unknown"
)

// codes are the error codes KMS and AWS's common errors use.
var codes = map[string]Class{
	"ThrottlingException":      Throttled,
	"Throttling":               Throttled,
	"ThrottledException":       Throttled,
	"RequestThrottled":         Throttled,
	"TooManyRequestsException": Throttled,
	"RequestLimitExceeded":     Throttled,

	"AccessDeniedException":         AccessDenied,
	"AccessDenied":                  AccessDenied,
	"NotFoundException":             NotFound,
	"KMSInvalidStateException":      InvalidState,
	"DisabledException":             Disabled,
	"UnsupportedOperationException": Unsupported,
	"LimitExceededException":        LimitExceeded,
	"ConflictException":             Conflict,
	"InvalidArnException":           InvalidArn,
	"IncorrectKeyMaterialException": WrongMaterial,
	"InvalidCiphertextException":    WrongMaterial,
	"InvalidImportTokenException":   BadToken,
	"ExpiredImportTokenException":   BadToken,
	"DependencyTimeoutException":    DependencyTimeout,
	"KMSInternalException":          Internal,
	"InternalFailure":               Internal,
	"InternalServerError":           Internal,
	"ServiceUnavailable":            Internal,

	"UnrecognizedClientException":         CredentialsMissing,
	"InvalidClientTokenId":                CredentialsMissing,
	"ExpiredTokenException":               CredentialsMissing,
	"ExpiredToken":                        CredentialsMissing,
	"InvalidSignatureException":           CredentialsMissing,
	"SignatureDoesNotMatch":               CredentialsMissing,
	"IncompleteSignature":                 CredentialsMissing,
	"MissingAuthenticationToken":          CredentialsMissing,
	"MissingAuthenticationTokenException": CredentialsMissing,
	"RequestExpired":                      CredentialsMissing,
	"OptInRequired":                       CredentialsMissing,
}

// Classify says what err means; nil is OK. Whatever is not known to have stayed here, or to have been answered, is
// Ambiguous.
func Classify(err error) Class {
	if err == nil {
		return OK
	}
	if _, unsent := errors.AsType[*unsentError](err); unsent {
		return Unreachable
	}
	if errors.Is(err, errCredentials) {
		return CredentialsMissing
	}
	if class, known := codes[ErrorCode(err)]; known {
		return class
	}
	if status := httpStatus(err); status >= 400 && status < 500 {
		return Unknown
	}
	if notConnected(err) {
		return Unreachable
	}
	return Ambiguous
}

// ErrorCode is AWS's code of an error, "" when no answer carried one.
func ErrorCode(err error) string {
	if apiErr, ok := errors.AsType[smithy.APIError](err); ok {
		return apiErr.ErrorCode()
	}
	return ""
}

// Message is AWS's own words of an error, without what the SDK says around them.
func Message(err error) string {
	if apiErr, ok := errors.AsType[smithy.APIError](err); ok && apiErr.ErrorMessage() != "" {
		return apiErr.ErrorMessage()
	}
	return err.Error()
}

// Passing says that a request which changes nothing may be made again: what went wrong may pass. Credentials come back
// too, and the SDK learns of a wrong clock from the first refusal.
func (c Class) Passing() bool {
	return c.Everywhere() || slices.Contains([]Class{Ambiguous, Internal, DependencyTimeout}, c)
}

// Everywhere says that the trouble is no key's own: whoever asks about another key meets it, too.
func (c Class) Everywhere() bool {
	return slices.Contains([]Class{Throttled, Unreachable, CredentialsMissing}, c)
}

// unsentError is an error before anything was sent.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

func httpStatus(err error) int {
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return response.HTTPStatusCode()
	}
	return 0
}

// notConnected says that there never was a connection to send a request over.
func notConnected(err error) bool {
	var (
		op        *net.OpError
		dns       *net.DNSError
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
	)
	switch {
	case errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect"),
		errors.As(err, &dns), errors.As(err, &record), errors.As(err, &verify),
		errors.As(err, &authority), errors.As(err, &host):
		return true
	}
	// net/http has no type for it.
	return !errors.Is(err, context.Canceled) && strings.Contains(err.Error(), "TLS handshake timeout")
}
