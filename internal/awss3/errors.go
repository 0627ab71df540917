package awss3

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Class says what kind of thing went wrong.
type Class string

// The classes there are.
const (
	Gone        Class = "gone"        // the object or its bucket is not there, archived, or not to be had by anybody
	Denied      Class = "denied"      // S3 or the key that encrypts the object refuses the caller
	Exists      Class = "exists"      // an object is there already that must not be overwritten
	Refused     Class = "refused"     // rotd itself does not do it
	Unavailable Class = "unavailable" // S3, the network, the credentials, or something new
)

// Error is why S3 did not do as asked.
type Error struct {
	Op    string // reading, writing, …
	At    Location
	Class Class
	Err   error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s %s (%s): %v", e.Op, e.At, e.Class, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Advice says in plain words what a person can do about it; "" when there is nothing to add.
func (e *Error) Advice() string {
	code := ""
	if api, ok := errors.AsType[smithy.APIError](e.Err); ok {
		code = api.ErrorCode()
	}
	switch {
	case code == "NoSuchBucket":
		return "there is no bucket " + e.At.Bucket
	case e.Class == Denied && strings.HasPrefix(e.Op, "writing"):
		return "the role needs s3:PutObject on " + e.At.Bucket + "/" + e.At.Key + ", and kms:GenerateDataKey and " +
			"kms:Decrypt on the key that encrypts the bucket, if it is one of your own"
	case e.Class == Denied && strings.HasPrefix(e.Op, "moving"):
		return "the role needs s3:GetObject and s3:PutObject with their tags and locks on " + e.At.Bucket + "/" + e.At.Key +
			", kms:Decrypt on the key it is under, and kms:GenerateDataKey and kms:Decrypt on the new one"
	case e.Class == Denied && strings.HasPrefix(e.Op, "aborting"):
		return "the role needs s3:AbortMultipartUpload on " + e.At.Bucket + "/" + e.At.Key
	case e.Class == Denied:
		return "the role needs s3:GetObject and s3:ListBucket on " + e.At.Bucket + ", and kms:Decrypt on the key that " +
			"encrypts the object, if it is one of your own"
	case strings.HasPrefix(code, "KMS."):
		return "the KMS key that encrypts the object cannot be used: it is disabled, pending deletion or gone"
	}
	return ""
}

// Answer is the code and the message of S3's answer; the whole error where there was none.
func (e *Error) Answer() string {
	code, message := apiCode(e.Err)
	if code == "unknown" || message == e.Err.Error() {
		return message
	}
	return code + ": " + message
}

// apiCode is the code and the message of S3's answer; the whole error where there was none.
func apiCode(err error) (code, message string) {
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		return "unknown", err.Error()
	case api.ErrorMessage() == "":
		return api.ErrorCode(), err.Error()
	}
	return api.ErrorCode(), api.ErrorMessage()
}

// Passing says that the trouble is not the object's own and may pass: S3 or KMS is too busy, or cannot be reached.
func Passing(err error) bool {
	if ClassOf(err) != Unavailable {
		return false
	}
	code, _ := apiCode(err)
	if strings.Contains(code, "Throttl") || slices.Contains([]string{
		"SlowDown", "RequestLimitExceeded", "RequestTimeout", "TooManyRequests", "ConditionalRequestConflict",
		"ExpiredToken", "RequestTimeTooSkewed",
	}, code) {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return !ok || answer.HTTPStatusCode() >= http.StatusInternalServerError
}

// ClassOf is the class of an error of this package; Unavailable for every other.
func ClassOf(err error) Class {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Class
	}
	return Unavailable
}

// classify tells by S3's error code. Whatever it does not know it takes for a fault of the surroundings.
func classify(err error) Class {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return Unavailable
	}
	switch api.ErrorCode() {
	case "NoSuchKey", "NoSuchVersion", "NoSuchUpload", "NoSuchBucket", "NotFound", "InvalidObjectState",
		"MethodNotAllowed", "InvalidBucketName", "KeyTooLongError", "InvalidRequest", "InvalidURI":
		return Gone
	case "AccessDenied", "AllAccessDisabled", "Forbidden":
		return Denied
	case "PreconditionFailed":
		return Exists
	}
	return Unavailable
}

// movedTo is the Region S3 says the bucket is in when it was asked in another; "" for every other error.
func movedTo(err error) string {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil || answer.Response.Response == nil {
		return ""
	}
	api, _ := errors.AsType[smithy.APIError](err)
	switch {
	case answer.HTTPStatusCode() == http.StatusMovedPermanently:
	case api != nil && (api.ErrorCode() == "AuthorizationHeaderMalformed" ||
		strings.HasPrefix(api.ErrorCode(), "IllegalLocationConstraint")):
	default:
		return ""
	}
	region := answer.Response.Header.Get("X-Amz-Bucket-Region")
	if !regionName.MatchString(region) {
		return ""
	}
	return region
}
