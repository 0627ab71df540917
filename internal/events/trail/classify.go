package trail

import (
	"errors"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Class says whose fault it is that an object cannot be read.
type Class string

// The classes there are.
const (
	Gone         Class = "gone"          // not there, archived, or not to be had by anybody
	Forbidden    Class = "forbidden"     // denied, while other objects of the bucket are not
	Damaged      Class = "damaged"       // read, but not a log file, or not to its end
	BucketDenied Class = "bucket-denied" // denied, as every other object of the bucket
	Unavailable  Class = "unavailable"   // S3, the network, the credentials or the bucket's key
)

// Own reports whether the object itself is at fault: then so is the message that names it. Otherwise no message is,
// and receiving must stop until S3 can be read again.
func (c Class) Own() bool { return c == Gone || c == Forbidden || c == Damaged }

// classify tells by S3's error code. Whatever it does not know it takes for a fault of the surroundings: a good
// message must not be given up for it.
func classify(err error) Class {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return Unavailable
	}
	switch code := api.ErrorCode(); code {
	case "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "NotFound", "InvalidObjectState", "MethodNotAllowed",
		"InvalidBucketName", "KeyTooLongError", "InvalidRequest", "InvalidURI":
		return Gone
	case "AccessDenied", "AllAccessDisabled", "Forbidden":
		return Forbidden
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
