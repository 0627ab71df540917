package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"rotd/internal/report"
)

// Bounds of reports, which are streamed.
const (
	maxReports    = 2 // at a time: each reads every key
	streamTimeout = 30 * time.Minute
	chunkTimeout  = 30 * time.Second // for the caller to take what is written at once
)

// completeTrailer ends a stream that is whole. One that breaks off has none.
const completeTrailer = "Rotd-Complete"

func reportQuery(r *http.Request) (report.Query, error) {
	p := paramsOf(r, "format", "framework", "policy", "account", "fresh")
	q := report.Query{
		Format: p.text("format"), Framework: p.text("framework"), Policy: p.text("policy"), Account: p.text("account"),
		Fresh: p.seconds("fresh", 366*24*time.Hour),
	}
	if q.Format == "" {
		q.Format = "json"
	}
	if err := q.Check(); p.err == nil && err != nil {
		p.fail("%v", err)
	}
	return q, p.err
}

// stream is an answer that is written as it is made, in place of one object.
type stream struct {
	kind  string // media type
	write func(ctx context.Context, to io.Writer) error
}

// report begins a report; whose turn it is, is known before its first byte.
func (s *Server) report(r *http.Request) (any, error) {
	q, err := reportQuery(r)
	if err != nil {
		return nil, err
	}
	known, err := s.backend.Names(r.Context())
	if err == nil {
		err = known.check(filter{policy: q.Policy, account: q.Account})
	}
	if err != nil {
		return nil, err
	}
	return &stream{kind: report.MediaType(q.Format), write: func(ctx context.Context, to io.Writer) error {
		select {
		case s.reports <- struct{}{}:
			defer func() { <-s.reports }()
		default:
			return &Error{
				Code: CodeBusy, Exit: ExitFailed, status: http.StatusServiceUnavailable,
				Message: fmt.Sprintf("%d reports are being written; try again in a moment", maxReports),
			}
		}
		return s.backend.Report(ctx, q, to)
	}}, nil
}

// stream writes an answer as it is made. What goes wrong before its first byte is an answer like any other; later the
// connection is cut, so that nobody takes the rest for the whole.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, answer *stream) {
	ctx, cancel := context.WithTimeout(r.Context(), streamTimeout)
	defer cancel()
	out := &chunks{w: w, conn: http.NewResponseController(w), kind: answer.kind}
	_, err := s.safely(func(*http.Request) (any, error) { return nil, answer.write(ctx, out) }, r)
	if err == nil && !out.begun {
		_, err = out.Write(nil) // a stream of no bytes has its trailer too
	}
	switch {
	case err == nil:
		w.Header().Set(http.TrailerPrefix+completeTrailer, "true")
	case !out.begun:
		s.fail(w, r, answerTo(err))
	default:
		s.log.Warn("an answer broke off", zap.String("request", r.Method+" "+r.URL.Path), zap.Error(err))
		panic(http.ErrAbortHandler) // net/http's way to cut the connection
	}
}

// chunks sends what is written at once, each chunk within its time.
type chunks struct {
	w     http.ResponseWriter
	conn  *http.ResponseController
	kind  string
	begun bool
}

func (c *chunks) begin() {
	if !c.begun {
		c.begun = true
		c.w.Header().Set("Content-Type", c.kind)
		c.w.Header().Set("X-Content-Type-Options", "nosniff")
		c.w.WriteHeader(http.StatusOK)
	}
}

func (c *chunks) Write(p []byte) (int, error) {
	c.begin()
	if err := c.conn.SetWriteDeadline(time.Now().Add(chunkTimeout)); err != nil {
		return 0, fmt.Errorf("bound the sending of an answer: %w", err)
	}
	n, err := c.w.Write(p)
	if err == nil {
		err = c.conn.Flush()
	}
	return n, err
}

// ErrBrokenOff means that a stream ended before it was whole.
var ErrBrokenOff = errors.New("the answer broke off before its end")

// Report asks for a report and writes it as it comes. When it fails, what was written is not whole.
func (c *Client) Report(ctx context.Context, q report.Query, to io.Writer) error {
	v := values{}
	v.text("format", q.Format)
	v.text("framework", q.Framework)
	v.text("policy", q.Policy)
	v.text("account", q.Account)
	if q.Fresh > 0 {
		v.text("fresh", strconv.Itoa(int(q.Fresh.Seconds())))
	}
	return c.download(ctx, "/v1/report", v, to)
}

// download asks for a stream and writes it as it comes. When it fails, what was written is not whole.
func (c *Client) download(ctx context.Context, path string, v values, to io.Writer) error {
	response, err := c.do(ctx, c.http, http.MethodGet, path+"?"+url.Values(v).Encode(), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return c.unreached(err)
		}
		return failed(response.StatusCode, raw)
	}
	kept := &keptError{to: to}
	_, err = io.Copy(kept, response.Body)
	switch {
	case kept.err != nil:
		return fmt.Errorf("write the answer: %w", kept.err)
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return fmt.Errorf("%w: %w", ErrBrokenOff, c.unreached(err))
	case response.Trailer.Get(completeTrailer) != "true":
		return ErrBrokenOff
	}
	return nil
}

// keptError tells a writer's errors from a reader's.
type keptError struct {
	to  io.Writer
	err error
}

func (k *keptError) Write(p []byte) (int, error) {
	n, err := k.to.Write(p)
	if err != nil {
		k.err = err
	}
	return n, err
}
