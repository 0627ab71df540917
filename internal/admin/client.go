package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/remediation"
)

// maxAnswer bounds what a client reads of one answer.
const maxAnswer = 128 << 20

// What can be wrong with the other end.
var (
	ErrNoDaemon = errors.New("no daemon there") // nobody listens on the socket, so nothing was asked
	ErrNoAnswer = errors.New("no answer")       // somebody was asked; what came of it is not known
)

// Client asks a daemon over its socket. An answer that is an error is an *Error.
type Client struct {
	socket  string
	http    *http.Client
	patient *http.Client // for what may take long
	proof   *Proof       // of an AWS identity, in which it asks; nil: none
}

// NewClient returns a client; nothing is connected yet. Close lets go of idle connections.
func NewClient(socket string) *Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	within := func(answer time.Duration) *http.Client {
		return &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", socket)
			},
			MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second, ResponseHeaderTimeout: answer,
		}}
	}
	return &Client{socket: socket, http: within(handleTimeout + 5*time.Second), patient: within(0)}
}

// As is the same client, asking in the name of an AWS identity: for one request, since a proof is good for one.
func (c *Client) As(p Proof) *Client {
	as := *c
	as.proof = &p
	return &as
}

// Socket is the path the client asks on.
func (c *Client) Socket() string { return c.socket }

// Close lets go of idle connections.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.patient.CloseIdleConnections()
}

// Status asks how the daemon is.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return get[Status](ctx, c, "/v1/status", nil)
}

// Ready asks whether the daemon does its work.
func (c *Client) Ready(ctx context.Context) (*Readiness, error) {
	return get[Readiness](ctx, c, "/v1/ready", nil)
}

// Findings asks for a page of findings. Range.After is what the page before said in Next.
func (c *Client) Findings(ctx context.Context, q FindingQuery) (*Page[finding.Finding], error) {
	return get[Page[finding.Finding]](ctx, c, "/v1/findings", q.values())
}

// Finding asks for one finding.
func (c *Client) Finding(ctx context.Context, id string) (*finding.Finding, error) {
	return get[finding.Finding](ctx, c, "/v1/findings/"+url.PathEscape(id), nil)
}

// Keys asks for a page of keys.
func (c *Client) Keys(ctx context.Context, q KeyQuery) (*Page[Key], error) {
	return get[Page[Key]](ctx, c, "/v1/keys", q.values())
}

// Key asks for everything about one key.
func (c *Client) Key(ctx context.Context, name string) (*KeyDetail, error) {
	return get[KeyDetail](ctx, c, "/v1/key", values{"name": {name}})
}

// Explain asks which policy counts for a key, and why.
func (c *Client) Explain(ctx context.Context, name string) (*policy.Explanation, error) {
	return get[policy.Explanation](ctx, c, "/v1/key/explain", values{"name": {name}})
}

// Abilities asks what can be done to a key, and by whom.
func (c *Client) Abilities(ctx context.Context, name string) (*remediation.Abilities, error) {
	return get[remediation.Abilities](ctx, c, "/v1/key/abilities", values{"name": {name}})
}

// KeyUsage asks who used a key since a time.
func (c *Client) KeyUsage(ctx context.Context, name string, since time.Time) (*KeyUsage, error) {
	v := values{"name": {name}}
	v.at("since", since)
	return get[KeyUsage](ctx, c, "/v1/key/usage", v)
}

// Actions asks for a page of actions.
func (c *Client) Actions(ctx context.Context, q ActionQuery) (*Page[remediation.Action], error) {
	return get[Page[remediation.Action]](ctx, c, "/v1/actions", q.values())
}

// Action asks for an action, once it is final or after a time (at most a minute).
func (c *Client) Action(ctx context.Context, id string, wait time.Duration) (*remediation.Action, error) {
	v := values{}
	if seconds := int(min(wait, maxWait).Seconds()); seconds > 0 {
		v.text("wait", strconv.Itoa(seconds))
	}
	return get[remediation.Action](ctx, c, "/v1/actions/"+url.PathEscape(id), v)
}

// Quarantine asks for a page of what could not be decoded.
func (c *Client) Quarantine(ctx context.Context, r Range) (*Page[Quarantined], error) {
	v := values{}
	v.limits(r)
	return get[Page[Quarantined]](ctx, c, "/v1/quarantine", v)
}

// Rotate asks for a rotation, or what it would be. A refusal is an *Error with the plan.
func (c *Client) Rotate(ctx context.Context, r RotateRequest) (*Planned, error) {
	return post[Planned](ctx, c, "/v1/rotate", r)
}

// Replace asks for a key's replacement, or what it would be. A refusal is an *Error with the plan.
func (c *Client) Replace(ctx context.Context, r ReplaceRequest) (*Planned, error) {
	return post[Planned](ctx, c, "/v1/replace", r)
}

// UndoAlias asks for the aliases to be moved back, or what that would be. A refusal is an *Error with the plan.
func (c *Client) UndoAlias(ctx context.Context, r UndoAliasRequest) (*Planned, error) {
	return post[Planned](ctx, c, "/v1/undo-alias", r)
}

// Acknowledge says that a finding is seen, and why it may stand.
func (c *Client) Acknowledge(ctx context.Context, id string, r AckRequest) (*Acknowledged, error) {
	return post[Acknowledged](ctx, c, "/v1/findings/"+url.PathEscape(id)+"/ack", r)
}

// Resolve says that what a finding tells of is over.
func (c *Client) Resolve(ctx context.Context, id string, r ResolveRequest) (*finding.Finding, error) {
	return post[finding.Finding](ctx, c, "/v1/findings/"+url.PathEscape(id)+"/resolve", r)
}

// Sweep asks for a sweep now and waits for its end, at most a minute.
func (c *Client) Sweep(ctx context.Context, name string, wait time.Duration) (*SweepResult, error) {
	seconds := int(min(wait, maxWait).Seconds())
	return post[SweepResult](ctx, c, "/v1/sweep", sweepRequest{Name: name, WaitSeconds: seconds})
}

// Pause stops automatic actions. incident is what it is for; "": none.
func (c *Client) Pause(ctx context.Context, reason, incident string) (*Paused, error) {
	return post[Paused](ctx, c, "/v1/pause", pauseRequest{Reason: reason, Incident: incident})
}

// Resume lets automatic actions go on, and arms a new state. incident is what it is for; "": none.
func (c *Client) Resume(ctx context.Context, incident string) (*Paused, error) {
	return post[Paused](ctx, c, "/v1/resume", resumeRequest{Incident: incident})
}

func get[T any](ctx context.Context, c *Client, path string, v values) (*T, error) {
	if len(v) > 0 {
		path += "?" + url.Values(v).Encode()
	}
	return ask[T](ctx, c, c.http, http.MethodGet, path, nil)
}

func post[T any](ctx context.Context, c *Client, path string, body any) (*T, error) {
	return postBy[T](ctx, c, c.http, path, body)
}

// postBy asks with one of the client's two kinds of patience.
func postBy[T any](ctx context.Context, c *Client, by *http.Client, path string, body any) (*T, error) {
	raw, err := Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return ask[T](ctx, c, by, http.MethodPost, path, raw)
}

func ask[T any](ctx context.Context, c *Client, by *http.Client, method, path string, body []byte) (*T, error) {
	response, err := c.do(ctx, by, method, path, body)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, c.unreached(err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, failed(response.StatusCode, raw)
	}
	answer := new(T)
	if err := json.Unmarshal(raw, answer); err != nil {
		return nil, fmt.Errorf("read the daemon's answer (is it another version?): %w", err)
	}
	return answer, nil
}

func (c *Client) do(ctx context.Context, by *http.Client, method, path string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, "http://rotd"+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	if c.proof != nil {
		c.proof.put(request.Header)
	}
	response, err := by.Do(request)
	if err != nil {
		return nil, c.unreached(err)
	}
	return response, nil
}

// failed takes the error out of an answer.
func failed(status int, raw []byte) error {
	var f failure
	if err := json.Unmarshal(raw, &f); err != nil || f.Error == nil {
		return fmt.Errorf("the daemon answered %d %s, and not in the way rotd does", status, http.StatusText(status))
	}
	f.Error.status = status
	return f.Error
}

// unreached tells the ways apart in which nobody answers.
func (c *Client) unreached(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // its URL is not one that anybody typed
	}
	slow, isNet := errors.AsType[net.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no socket %s", ErrNoDaemon, c.socket)
	case errors.Is(err, syscall.ECONNREFUSED) && !isSocket(c.socket):
		return fmt.Errorf("%w: %s is no socket", ErrNoDaemon, c.socket)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: nobody listens on %s, whoever made it has died", ErrNoDaemon, c.socket)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("you may not use %s: its group may (often rotd-operators)", c.socket)
	case isNet && slow.Timeout():
		return fmt.Errorf("%w: whoever listens on %s does not answer", ErrNoAnswer, c.socket)
	case cutOff(err):
		return fmt.Errorf("%w: the daemon on %s went away", ErrNoAnswer, c.socket)
	}
	return fmt.Errorf("ask the daemon on %s: %w", c.socket, err)
}

// cutOff reports whether a connection ended before its answer. net/http has no type for one that the other end closed
// before it was asked.
func cutOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "server closed idle connection")
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Mode().Type() == fs.ModeSocket
}
