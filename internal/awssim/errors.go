package awssim

import (
	"fmt"
	"net/http"
)

// APIError is an error as AWS answers it. Each protocol renders it so that the SDK yields its typed error for Code.
type APIError struct {
	Code    string         // as in the service's model: QueueDoesNotExist, NotFoundException, NoSuchKey…
	Message string         //
	Status  int            // HTTP status; 0 means 400
	Fields  map[string]any // further members of the error in JSON protocols, nil for none
}

func (e *APIError) Error() string { return e.Code + ": " + e.Message }

func (e *APIError) status() int {
	if e.Status == 0 {
		return 400
	}
	return e.Status
}

// fault says who is to blame, in the words of the query protocol.
func (e *APIError) fault() string {
	if e.status() >= 500 {
		return "Receiver"
	}
	return "Sender"
}

// apiErrorf returns the error an operation answers with; status 0 means 400.
func apiErrorf(code string, status int, format string, args ...any) *APIError {
	return &APIError{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// renamed is what names has for code, else code itself.
func renamed(names map[string]string, code string) string {
	if name, ok := names[code]; ok {
		return name
	}
	return code
}

// internalFailure is the simulator's own fault.
func internalFailure(err error) *APIError {
	return apiErrorf("InternalFailure", http.StatusInternalServerError, "%v", err)
}
