package awskms

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestClassify(t *testing.T) {
	over := func(err error) error { // as the SDK and net/http wrap it
		return &smithy.OperationError{
			ServiceID: "KMS", OperationName: "RotateKeyOnDemand",
			Err: &smithyhttp.RequestSendError{
				Err: &url.Error{Op: "Post", URL: "https://kms.eu-west-1.amazonaws.com/", Err: err},
			},
		}
	}
	status := func(code int, err error) error {
		return &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: code}},
			Err:      err,
		}
	}
	op := func(op string, err error) error { return &net.OpError{Op: op, Net: "tcp", Err: err} }
	tests := []struct {
		name string
		err  error
		want Class
	}{
		{"no error", nil, OK},
		{"connection refused", over(op("dial", syscall.ECONNREFUSED)), Unreachable},
		{"a dial that takes too long", over(op("dial", context.DeadlineExceeded)), Unreachable},
		{"no such host", over(op("dial", &net.DNSError{Err: "no such host", IsNotFound: true})), Unreachable},
		{"a proxy that refuses", over(op("proxyconnect", syscall.ECONNREFUSED)), Unreachable},
		{"an unknown certificate", over(x509.UnknownAuthorityError{}), Unreachable},
		{"a TLS handshake that takes too long", over(errors.New("net/http: TLS handshake timeout")), Unreachable},
		{"cut off before sending", &unsentError{context.Canceled}, Unreachable},
		{"no credentials", fmt.Errorf("get identity: %w", errCredentials), CredentialsMissing},
		{"connection reset while reading", over(op("read", syscall.ECONNRESET)), Ambiguous},
		{"connection reset while writing", over(op("write", syscall.EPIPE)), Ambiguous},
		{"an answer cut short", over(errors.New("unexpected EOF")), Ambiguous},
		{"a timeout while waiting for the answer", over(context.DeadlineExceeded), Ambiguous},
		{"cancelled while waiting for the answer", over(context.Canceled), Ambiguous},
		{"a 503 nobody wrote", status(503, errors.New("<html>")), Ambiguous},
		{"an answer that cannot be read", status(200, errors.New("bad JSON")), Ambiguous},
		{"a 413 of something in between", status(413, errors.New("<html>")), Unknown},
		{"an error code nobody knows", status(400, apiError("FutureException")), Unknown},
		{"an unknown error code inside KMS", status(500, apiError("FutureException")), Ambiguous},
	}
	for code, class := range codes {
		tests = append(tests, struct {
			name string
			err  error
			want Class
		}{code, over(status(400, apiError(code))), class})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Classify(tt.err); got != tt.want {
				t.Errorf("Classify(%v) = %s, want %s", tt.err, got, tt.want)
			}
		})
	}
}
