package admin

import (
	"context"
	"net/http"
	"time"

	"rotd/internal/history"
)

// SchemaHistory is the schema of timelines.
const SchemaHistory = "rotd.history/1"

// Historian answers questions about what was.
type Historian interface {
	// History returns a page of a key's timeline, newest first.
	History(ctx context.Context, q HistoryQuery) (Page[history.Line], error)
	// AsOf returns a key as rotd knew it at a time. Of before it knew the key is ErrNotFound.
	AsOf(ctx context.Context, name string, at time.Time) (*history.Past, error)
}

// HistoryQuery says which lines of whose timeline are wanted. Zero times do not filter.
type HistoryQuery struct {
	Range
	Key          string // id, ARN, alias or alias ARN
	Since, Until time.Time
}

// Keep reports whether a line is wanted.
func (q HistoryQuery) Keep(l *history.Line) bool {
	return !l.At.Before(q.Since) && (q.Until.IsZero() || !l.At.After(q.Until))
}

func (q HistoryQuery) values() values {
	v := values{}
	v.limits(q.Range)
	v.text("name", q.Key)
	v.at("since", q.Since)
	v.at("until", q.Until)
	return v
}

func historyQuery(r *http.Request) (HistoryQuery, error) {
	p := paramsOf(r, "name", "since", "until", "limit", "after")
	q := HistoryQuery{
		Range: p.limits(SchemaHistory), Key: p.named(), Since: p.time("since"), Until: p.time("until"),
	}
	return q, p.err
}

// named is the key that a request is about.
func (p *params) named() string {
	name := p.text("name")
	if name == "" {
		p.fail("name: an id, ARN, alias or alias ARN is needed")
	}
	return name
}

func (s *Server) history(r *http.Request) (any, error) {
	q, err := historyQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := s.backend.History(r.Context(), q)
	return sealed(page, SchemaHistory), err
}

func (s *Server) asOf(r *http.Request) (any, error) {
	p := paramsOf(r, "name", "at")
	name, at := p.named(), p.time("at")
	switch {
	case p.err != nil:
		return nil, p.err
	case at.IsZero():
		return nil, invalid("at: a time is needed")
	}
	return s.backend.AsOf(r.Context(), name, at)
}

// History asks for a page of a key's timeline.
func (c *Client) History(ctx context.Context, q HistoryQuery) (*Page[history.Line], error) {
	return get[Page[history.Line]](ctx, c, "/v1/key/history", q.values())
}

// AsOf asks for a key as it was.
func (c *Client) AsOf(ctx context.Context, name string, at time.Time) (*history.Past, error) {
	v := values{"name": {name}}
	v.at("at", at)
	return get[history.Past](ctx, c, "/v1/key/as-of", v)
}
