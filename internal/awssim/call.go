package awssim

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// call is one request in hand, given to a service's operation. Body and everything reached through it is valid only
// until the operation returns: copy what stays.
type call struct {
	Service   string // as in the credential scope: sqs, sns, kms, s3, sts
	Operation string
	Action    string // the IAM action behind Operation, such as sqs:DeleteMessage
	Region    string
	// Principal is who calls; nil until authenticated. AccessKeyID is what the request names, known or not.
	Principal   *Principal
	AccessKeyID string
	RequestID   string
	Time        time.Time // simulated
	SourceIP    string
	UserAgent   string
	Body        []byte

	HTTP *http.Request
	Form url.Values // query protocols: the decoded body

	// Set by operations, for the oracle.
	Resource string         // ARN or name of what the call was about
	Effect   bool           // the state changed
	Params   map[string]any // small; nil for none

	// What conditions of IAM policies ask about the request, by condition key.
	context map[string]string
	judged  bool // an IAM policy was asked

	// A planned fault may let the first entries of a batch fail.
	failEntries int
	entryError  *APIError
}

func (c *call) ctx() context.Context { return c.HTTP.Context() }

// account is the caller's.
func (c *call) account() string { return c.Principal.Account }

// operation does what one AWS operation does. It answers with an *APIError, or with a result that the protocol of
// its service renders: a struct with json tags (awsJSON; nil is an empty object), a struct with xml tags (awsQuery;
// nil is an empty result) or an *answer, which is sent as it is.
type operation func(c *call) (any, error)

// service is one simulated AWS service.
type service struct {
	name     string // credential scope
	protocol protocol
	ops      map[string]operation
	// action names the IAM action behind an operation where it is not service:Operation; nil or "" for no change.
	action func(operation string) string
	// open are the operations that need no permission.
	open map[string]bool
	// authorize judges a call by the caller's IAM policy, as far as the request alone says what it is about; nil where
	// operations do.
	authorize func(c *call) *APIError
	// observe is called once for every authenticated call that was judged (denied, refused by a planned error, failed
	// or done), after its effect and before its answer. err is nil or an *APIError. nil for no observer.
	observe func(c *call, result any, err *APIError)
	// close releases what the service holds; nil for nothing.
	close func()
}

// protocol is how a service's operations and answers look on the wire.
type protocol interface {
	// operation names the operation asked for; "" when none can be recognised.
	operation(c *call) string
	render(c *call, result any) (*answer, error)
	renderError(c *call, err *APIError) *answer
	// errorName is what an error common to all services, such as AccessDeniedException, is called here.
	errorName(code string) string
}

// answer is an HTTP answer ready to be written.
type answer struct {
	status      int
	contentType string
	header      map[string]string // further headers; nil for none
	body        []byte
	release     func() // called after body was written; nil for nothing
}

// actionOf is the IAM action behind an operation.
func (s *service) actionOf(operation string) string {
	if s.action != nil {
		if a := s.action(operation); a != "" {
			return a
		}
	}
	return s.name + ":" + operation
}
