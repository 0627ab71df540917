package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// ExitStatus is how a command ends; design's table, for every command alike.
type ExitStatus int

// Exit statuses.
const (
	ExitDone       ExitStatus = 0
	ExitFailed     ExitStatus = 1
	ExitUsage      ExitStatus = 2 // wrong use or invalid configuration
	ExitUnfinished ExitStatus = 3 // done in part or not yet verified
	ExitRefused    ExitStatus = 4 // by a guardrail, or the key is not eligible
	ExitNoDaemon   ExitStatus = 5
	ExitApproval   ExitStatus = 6 // awaiting approval
)

// Error is every answer that is not what was asked for.
type Error struct {
	Code    string     `json:"code"`    // a stable word
	Message string     `json:"message"` // for people
	Exit    ExitStatus `json:"exit"`    // how a command that met it ends
	// Plan is what a refused rotation would have been.
	Plan *Planned `json:"plan,omitempty"`

	status int
}

func (e *Error) Error() string { return e.Message }

// Definite reports whether the daemon surely did nothing of what was asked for.
func (e *Error) Definite() bool {
	return e.Code == CodeBusy || e.status > 0 && e.status < http.StatusInternalServerError
}

// Codes of errors.
const (
	CodeInvalid     = "invalid-request"
	CodeNotFound    = "not-found"
	CodeNoEndpoint  = "no-such-endpoint"
	CodeBadMethod   = "method-not-allowed"
	CodeAmbiguous   = "ambiguous"
	CodeRefused     = "refused"
	CodeTooLarge    = "too-large"
	CodeBusy        = "busy"
	CodeStopping    = "stopping"
	CodeTimeout     = "timeout"
	CodeInternal    = "internal"
	CodeUnknownPeer = "unknown-caller"
	CodeForbidden   = "forbidden"
	CodeUnproven    = "identity-not-proven"
)

func invalid(format string, args ...any) *Error {
	return &Error{
		Code: CodeInvalid, Message: fmt.Sprintf(format, args...), Exit: ExitUsage, status: http.StatusBadRequest,
	}
}

// answerTo makes the answer to what went wrong.
func answerTo(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := &Error{Message: err.Error(), Exit: ExitFailed}
	switch {
	case errors.Is(err, ErrNotFound):
		e.Code, e.status = CodeNotFound, http.StatusNotFound
	case errors.Is(err, ErrAmbiguous):
		e.Code, e.Exit, e.status = CodeAmbiguous, ExitUsage, http.StatusConflict
	case errors.Is(err, ErrInvalid):
		e.Code, e.Exit, e.status = CodeInvalid, ExitUsage, http.StatusBadRequest
	case errors.Is(err, ErrRefused):
		e.Code, e.Exit, e.status = CodeRefused, ExitRefused, http.StatusConflict
	case errors.Is(err, ErrUnproven):
		e.Code, e.Exit, e.status = CodeUnproven, ExitRefused, http.StatusForbidden
	case errors.Is(err, ErrBusy):
		e.Code, e.status = CodeBusy, http.StatusServiceUnavailable
	case isTooLarge(err):
		e.Code, e.Exit, e.status = CodeTooLarge, ExitUsage, http.StatusRequestEntityTooLarge
	case errors.Is(err, context.DeadlineExceeded):
		e.Code, e.status = CodeTimeout, http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled):
		e.Code, e.status = CodeStopping, http.StatusServiceUnavailable
	default:
		e.Code, e.status = CodeInternal, http.StatusInternalServerError
	}
	return e
}

func isTooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}
