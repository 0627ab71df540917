package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"go.uber.org/zap"

	"rotd/internal/state"
)

// handler routes requests, and bounds and contains each of them.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	routes := s.routes()
	for _, r := range routes {
		mux.Handle(r.Method+" "+r.Path, s.contain(s.admitted(r.handle, r.roles()...), takesLong(r.Path)))
	}
	mux.Handle("/", s.contain(func(req *http.Request) (any, error) { return nil, noRoute(mux, routes, req) }, false))
	return mux
}

// noRoute says what is wrong with a request that no route takes.
func noRoute(mux *http.ServeMux, routes []route, req *http.Request) error {
	var methods []string
	for _, r := range routes {
		other := req.Clone(req.Context())
		other.Method = r.Method
		if _, pattern := mux.Handler(other); pattern != "/" && !slices.Contains(methods, r.Method) {
			methods = append(methods, r.Method)
		}
	}
	if len(methods) > 0 {
		return &Error{
			Code: CodeBadMethod, Exit: ExitUsage, status: http.StatusMethodNotAllowed,
			Message: fmt.Sprintf("%s takes %s, not %s", req.URL.Path, strings.Join(methods, " or "), req.Method),
		}
	}
	return &Error{
		Code: CodeNoEndpoint, Exit: ExitUsage, status: http.StatusNotFound,
		Message: fmt.Sprintf("there is no %s in this version's API", req.URL.Path),
	}
}

// contain runs one request: bounded in size and, unless it may take long, in time; its panic its own.
func (s *Server) contain(handle func(*http.Request) (any, error), long bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.inHand <- struct{}{}:
			defer func() { <-s.inHand }()
		default:
			s.fail(w, r, &Error{
				Code: CodeBusy, Exit: ExitFailed, status: http.StatusServiceUnavailable,
				Message: fmt.Sprintf("%d requests are in hand; try again in a moment", maxInHand),
			})
			return
		}
		whole := r.Context()
		if long {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // always there: it is net/http's own
		} else {
			ctx, cancel := context.WithTimeout(r.Context(), handleTimeout)
			defer cancel()
			r = r.WithContext(ctx)
		}
		err := takeBody(w, r)
		var answer any
		if err == nil {
			answer, err = s.safely(handle, r)
		}
		if err != nil {
			s.fail(w, r, answerTo(err))
			return
		}
		switch answer := answer.(type) {
		case *state.Copy:
			s.send(w, r, answer)
		case *stream:
			s.stream(w, r.WithContext(whole), answer)
		default:
			s.write(w, r, http.StatusOK, answer)
		}
	})
}

// takeBody reads the whole body within its time. That time must be over before the handler begins: a read deadline that
// passes while it waits would end the request.
func takeBody(w http.ResponseWriter, r *http.Request) error {
	conn := http.NewResponseController(w)
	if err := conn.SetReadDeadline(time.Now().Add(readTimeout)); err != nil {
		return fmt.Errorf("bound the reading of a request: %w", err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyBound(r.URL.Path)))
	switch {
	case isTooLarge(err):
		return err
	case err != nil:
		return invalid("the request's body cannot be read: %v", err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("bound the reading of a request: %w", err)
	}
	return nil
}

// safely turns a panic into an error that is logged with its stack.
func (s *Server) safely(handle func(*http.Request) (any, error), r *http.Request) (answer any, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("contained a panic", zap.String("in", r.Method+" "+r.URL.Path), zap.Any("panic", v),
				zap.ByteString("stack", debug.Stack()))
			answer, err = nil, &Error{
				Code: CodeInternal, Exit: ExitFailed, status: http.StatusInternalServerError,
				Message: "the daemon met an error of its own while answering; its log has the details",
			}
		}
	}()
	return handle(r)
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, e *Error) {
	if e.status >= http.StatusInternalServerError && e.Code != CodeStopping {
		s.log.Warn("a request failed", zap.String("request", r.Method+" "+r.URL.Path), zap.String("code", e.Code),
			zap.String("error", e.Message))
	}
	s.write(w, r, e.status, failure{e})
}

// failure is an error's shape on the wire.
type failure struct {
	Error *Error `json:"error"`
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, answer any) {
	body, err := json.Marshal(answer, wire())
	if err != nil {
		s.log.Error("an answer cannot be written as JSON", zap.String("request", r.Method+" "+r.URL.Path),
			zap.Error(err))
		status, body = http.StatusInternalServerError, []byte(`{"error":{"code":"internal","exit":1,`+
			`"message":"the daemon cannot write its answer; its log has the details"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if _, err := w.Write(append(body, '\n')); err != nil { //nolint:gosec // JSON, and said to be
		s.log.Debug("the caller left before the answer", zap.Error(err))
	}
}

// read takes a request's body: one JSON object without unknown members.
func read(r *http.Request, into any) error {
	err := json.UnmarshalRead(r.Body, into, json.RejectUnknownMembers(true))
	if err == nil {
		return nil
	}
	// The parser's own words vary from build to build.
	wrong, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok:
		return invalid("the request's body is not one JSON object")
	case errors.Is(err, json.ErrUnknownName):
		return invalid("the request's body: unknown member %q", wrong.JSONPointer.LastToken())
	}
	return invalid("the request's body: %q has a value of the wrong type", wrong.JSONPointer.LastToken())
}
