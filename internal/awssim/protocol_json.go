package awssim

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// awsJSON is the protocols awsJson1_0 (SQS) and awsJson1_1 (KMS).
type awsJSON struct {
	contentType string
	// queryCode is the code of an error in the service's former query protocol, which SQS still sends in a header and
	// the SDK reports as the error's code; nil for a service that never had one.
	queryCode func(code string) string
	// rename maps codes common to all services to what this one calls them; nil for none.
	rename map[string]string
}

// operation is what follows the dot in X-Amz-Target: AmazonSQS.ReceiveMessage.
func (awsJSON) operation(c *call) string {
	target := c.HTTP.Header.Get("X-Amz-Target")
	return target[strings.LastIndexByte(target, '.')+1:]
}

func (p awsJSON) render(_ *call, result any) (*answer, error) {
	if a, ok := result.(*answer); ok {
		return a, nil
	}
	body := []byte("{}")
	if result != nil {
		var err error
		if body, err = json.Marshal(result); err != nil {
			return nil, fmt.Errorf("marshalling %T: %w", result, err)
		}
	}
	return &answer{status: 200, contentType: p.contentType, body: body}, nil
}

func (p awsJSON) errorName(code string) string { return renamed(p.rename, code) }

func (p awsJSON) renderError(_ *call, err *APIError) *answer {
	code := p.errorName(err.Code)
	members := map[string]any{"__type": code, "message": err.Message}
	maps.Copy(members, err.Fields)
	body, jsonErr := json.Marshal(members)
	if jsonErr != nil {
		body = []byte(`{"__type":"InternalFailure"}`)
	}
	a := &answer{status: err.status(), contentType: p.contentType, body: body}
	if p.queryCode != nil {
		a.header = map[string]string{"X-Amzn-Query-Error": p.queryCode(err.Code) + ";" + err.fault()}
	}
	return a
}

// jsonErrorNames are what the errors common to all services are called in JSON protocols.
var jsonErrorNames = map[string]string{
	"InvalidClientTokenId":  "UnrecognizedClientException",
	"ExpiredToken":          "ExpiredTokenException",
	"SignatureDoesNotMatch": "InvalidSignatureException",
}

// decodeJSON reads the call's body into the input of an operation.
func decodeJSON(c *call, input any) error {
	if len(c.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(c.Body, input); err != nil {
		return apiErrorf("SerializationException", 0, "%v", err)
	}
	return nil
}

// epoch is a time in JSON as AWS writes it: seconds since 1970 with milliseconds.
type epoch time.Time

// MarshalJSON implements json.Marshaler.
func (e epoch) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(time.Time(e).UnixMilli())/1000, 'f', -1, 64), nil
}
