package awssim

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unique"

	"go.uber.org/zap"
)

const maxRequestBody = 64 << 20

// ServeHTTP answers one AWS request.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.handlers.Done()
	buf, _ := s.buffers.Get().(*bytes.Buffer)
	buf.Reset()
	defer s.buffers.Put(buf)
	if _, err := buf.ReadFrom(io.LimitReader(r.Body, maxRequestBody)); err != nil {
		return // the client is gone
	}
	c := s.newCall(r, buf.Bytes())
	svc := s.services[c.Service]
	if svc == nil {
		s.write(w, c, awsJSON{}.renderError(c, apiErrorf("MissingAuthenticationToken", http.StatusForbidden,
			"no credential scope of a simulated service")))
		return
	}
	c.Operation = intern(svc.protocol.operation(c))
	entry := s.requests.add(c)
	if s.isCut(c.Service) {
		s.requests.refused(entry, "Outage")
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	fired := s.faults.match(c)
	ans := s.serve(svc, c, fired, entry)
	if s.isCut(c.Service) {
		panic(http.ErrAbortHandler) // cut off while in hand: long polls, above all
	}
	if d := s.latency(); d > 0 {
		time.Sleep(d)
	}
	s.requests.answered(entry, true) // before the client can know
	if !s.write(w, c, ans) {
		s.requests.answered(entry, false)
		return
	}
	_ = s.applyFaults(c, fired, AfterAnswer) // too late for an error
}

// latency is the wall time that an answer takes.
func (s *Sim) latency() time.Duration {
	if s.opts.Jitter <= 0 {
		return s.opts.Latency
	}
	return s.opts.Latency + time.Duration(s.pick(int(s.opts.Jitter)))
}

// enter counts a request in hand, unless the simulator is closing.
func (s *Sim) enter() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if isClosed(s.done) {
		return false
	}
	s.handlers.Add(1)
	return true
}

// serve does the operation and renders its answer, with the faults planned before and after the effect.
func (s *Sim) serve(svc *service, c *call, fired []*PlannedFault, entry *Request) *answer {
	result, err := s.perform(svc, c, fired)
	if err != nil && svc.observe != nil && c.Principal != nil {
		svc.observe(c, nil, err)
	} else if err == nil && svc.observe != nil {
		svc.observe(c, result, nil)
	}
	code := ""
	if err != nil {
		code = svc.protocol.errorName(err.Code)
	}
	s.requests.judged(entry, c, code)
	if planned := s.applyFaults(c, fired, AfterEffect); planned != nil {
		err = planned
		s.requests.refused(entry, planned.Code)
	}
	if err != nil {
		return svc.protocol.renderError(c, err)
	}
	ans, renderErr := svc.protocol.render(c, result)
	if renderErr != nil {
		s.log.Error("rendering a simulated answer", zap.String("operation", c.Operation), zap.Error(renderErr))
		return svc.protocol.renderError(c, internalFailure(renderErr))
	}
	return ans
}

// perform authenticates, authorizes and runs the operation.
func (s *Sim) perform(svc *service, c *call, fired []*PlannedFault) (any, *APIError) {
	if err := s.authenticate(c); err != nil {
		return nil, err
	}
	if planned := s.applyFaults(c, fired, BeforeEffect); planned != nil {
		return nil, planned
	}
	op := svc.ops[c.Operation]
	if op == nil {
		return nil, apiErrorf("UnknownOperationException", http.StatusBadRequest, "awssim does not know %s:%s",
			c.Service, c.Operation)
	}
	c.Action = svc.actionOf(c.Operation)
	if !svc.open[c.Operation] && !c.Principal.may(c.Action) {
		return nil, apiErrorf("AccessDeniedException", 0,
			"User: %s is not authorized to perform: %s because no identity-based policy allows the %s action",
			c.Principal.ARN, c.Action, c.Action)
	}
	if svc.authorize != nil {
		if err := svc.authorize(c); err != nil {
			return nil, err
		}
	}
	result, err := s.run(op, c)
	if err == nil && c.Principal.policy != nil && !c.judged && !svc.open[c.Operation] {
		return nil, internalFailure(fmt.Errorf("nothing asked whether the IAM policy allows %s", c.Action))
	}
	return result, err
}

// run contains a panic of an operation: it is answered as an internal failure and logged with its stack.
func (s *Sim) run(op operation, c *call) (result any, apiErr *APIError) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
			panic(p)
		}
		s.log.Error("simulated operation panicked", zap.String("operation", c.Operation), zap.Any("panic", p),
			zap.ByteString("stack", debug.Stack()))
		result, apiErr = nil, internalFailure(fmt.Errorf("panic: %v", p))
	}()
	result, err := op(c)
	if err == nil {
		return result, nil
	}
	if !errors.As(err, &apiErr) {
		apiErr = internalFailure(err)
	}
	return nil, apiErr
}

func (s *Sim) authenticate(c *call) *APIError {
	c.Principal = s.principal(c.AccessKeyID)
	switch {
	case c.Principal == nil:
		return apiErrorf("InvalidClientTokenId", http.StatusForbidden,
			"The security token included in the request is invalid.")
	case !c.Principal.Expires.IsZero() && c.Time.After(c.Principal.Expires):
		c.Principal = nil
		return apiErrorf("ExpiredToken", http.StatusForbidden,
			"The security token included in the request is expired")
	}
	if c.Principal.SourceIP != "" {
		c.SourceIP = c.Principal.SourceIP
	}
	return s.signedAt(c)
}

func (s *Sim) newCall(r *http.Request, body []byte) *call {
	scope := credentialScope(r)
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return &call{
		AccessKeyID: intern(scope[0]), Region: intern(scope[2]), Service: intern(scope[3]),
		RequestID: s.newUUID(), Time: s.clock.Now(), SourceIP: host, UserAgent: r.UserAgent(), Body: body, HTTP: r,
	}
}

// intern keeps the oracle's entries from holding on to whole headers.
func intern(s string) string { return unique.Make(s).Value() }

// credentialScope is access key, date, Region, service and terminator of a request signed by header or query; empty
// strings when it is not signed.
func credentialScope(r *http.Request) (scope [5]string) {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if auth := r.Header.Get("Authorization"); auth != "" {
		_, rest, _ := strings.Cut(auth, "Credential=")
		credential, _, _ = strings.Cut(rest, ",")
	}
	fields := strings.Split(credential, "/")
	if len(fields) == len(scope) {
		copy(scope[:], fields)
	}
	return scope
}

// write sends the answer and tells whether it went out whole.
func (s *Sim) write(w http.ResponseWriter, c *call, a *answer) bool {
	h := w.Header()
	h["Content-Type"] = []string{a.contentType}
	h["X-Amzn-Requestid"] = []string{c.RequestID}
	if s.opts.JudgesTime {
		h["Date"] = []string{s.clock.Now().Format(http.TimeFormat)}
	}
	for k, v := range a.header {
		h.Set(k, v)
	}
	h["Content-Length"] = []string{strconv.Itoa(len(a.body))}
	w.WriteHeader(a.status)
	var err error
	if c.HTTP.Method != http.MethodHead {
		_, err = w.Write(a.body)
	}
	if a.release != nil {
		a.release()
	}
	return err == nil && http.NewResponseController(w).Flush() == nil
}

// Outage cuts a service off (sqs, sns, kms, s3, sts: connections are closed without an answer, long polls too) or
// restores it. An unknown service panics: a test that names one proves nothing.
func (s *Sim) Outage(service string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cut, ok := s.outages[service]
	if !ok {
		panic(fmt.Sprintf("awssim: no service %q", service))
	}
	switch isCut := isClosed(cut); {
	case on && !isCut:
		close(cut)
	case !on && isCut:
		s.outages[service] = make(chan struct{})
	}
}

// cut is closed while the service is cut off.
func (s *Sim) cut(service string) <-chan struct{} {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.outages[service]
}

func (s *Sim) isCut(service string) bool { return isClosed(s.cut(service)) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
