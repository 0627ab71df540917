package admin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rotd/internal/audit"
)

// Auditor shows the audit log.
type Auditor interface {
	AuditEntries(ctx context.Context, q AuditQuery) (Page[audit.Entry], error)
	// AuditLog writes the log as it is kept, an entry a line, oldest first, from the entry that follows after on.
	AuditLog(ctx context.Context, after uint64, to io.Writer) error
}

// SchemaAudit is that of lists of entries, and of each.
const SchemaAudit = audit.Schema

// AuditQuery says which entries are wanted, newest first. Zero fields do not filter.
type AuditQuery struct {
	Range
	Since    time.Time
	Key      string // ARN, id or alias
	Actor    string // part of it
	Event    string // the whole or its first word: call.intended, call
	Action   string
	Finding  string
	Incident string
}

// Keep reports whether an entry is wanted.
func (q AuditQuery) Keep(e *audit.Entry) bool {
	event := string(e.Event)
	return !e.Time.Before(q.Since) &&
		(q.Key == "" || isNamed(q.Key, e.Key, e.Detail["alias"])) &&
		(q.Actor == "" || strings.Contains(e.Actor, q.Actor)) &&
		(q.Event == "" || event == q.Event || strings.HasPrefix(event, q.Event+".")) &&
		(q.Action == "" || e.Action == q.Action) &&
		(q.Finding == "" || e.Finding == q.Finding) &&
		(q.Incident == "" || e.Incident == q.Incident)
}

func auditQuery(r *http.Request) (AuditQuery, error) {
	p := paramsOf(r, "since", "key", "actor", "event", "action", "finding", "incident", "limit", "after")
	q := AuditQuery{
		Range: p.limits(SchemaAudit), Since: p.time("since"), Key: p.text("key"), Actor: p.text("actor"),
		Event: p.text("event"), Action: p.text("action"), Finding: p.text("finding"), Incident: p.text("incident"),
	}
	return q, p.err
}

func (q AuditQuery) values() values {
	v := values{}
	v.limits(q.Range)
	v.at("since", q.Since)
	v.text("key", q.Key)
	v.text("actor", q.Actor)
	v.text("event", q.Event)
	v.text("action", q.Action)
	v.text("finding", q.Finding)
	v.text("incident", q.Incident)
	return v
}

func (s *Server) auditEntries(r *http.Request) (any, error) {
	q, err := auditQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(q.Range, func(part Range) (Page[audit.Entry], error) {
		q.Range = part
		return s.backend.AuditEntries(r.Context(), q)
	}, func() error { return s.checkNames(r.Context(), filter{key: q.Key}) })
	return sealed(page, SchemaAudit), err
}

// auditLog sends the log as it is kept: whoever verifies it reads all of it himself.
func (s *Server) auditLog(r *http.Request) (any, error) {
	p := paramsOf(r, "after")
	var after uint64
	if value := p.text("after"); value != "" {
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			p.fail("after: %q is no entry's number", value)
		}
		after = n
	}
	if p.err != nil {
		return nil, p.err
	}
	return &stream{kind: "application/x-ndjson", write: func(ctx context.Context, to io.Writer) error {
		return s.backend.AuditLog(ctx, after, to)
	}}, nil
}

// AuditEntries asks for a page of the audit log, newest first.
func (c *Client) AuditEntries(ctx context.Context, q AuditQuery) (*Page[audit.Entry], error) {
	return get[Page[audit.Entry]](ctx, c, "/v1/audit", q.values())
}

// AuditLog asks for the entries that follow after and writes them as they are kept, one a line, oldest first. When it
// fails, what was written is not whole.
func (c *Client) AuditLog(ctx context.Context, after uint64, to io.Writer) error {
	return c.download(ctx, "/v1/audit/log", values{"after": {fmt.Sprint(after)}}, to)
}
