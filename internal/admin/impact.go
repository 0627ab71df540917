package admin

import (
	"context"
	"net/http"

	"rotd/internal/impact"
)

// Schemas of what a key is worth to whom.
const (
	SchemaImpact   = "rotd.impact/1"
	SchemaContents = "rotd.contents/1"
)

// Weigher says what hangs on a key. Names are as in Reader.Key.
type Weigher interface {
	// Impact says who used a key and what each measure against it would break.
	Impact(ctx context.Context, name string) (*impact.Assessment, error)
	// Contents says what is known to be under a key, and how to move it to another one ("": not chosen yet).
	Contents(ctx context.Context, name, to string) (*impact.Contents, error)
}

func (s *Server) impact(r *http.Request) (any, error) {
	name, err := keyName(r)
	if err != nil {
		return nil, err
	}
	return s.backend.Impact(r.Context(), name)
}

func (s *Server) contents(r *http.Request) (any, error) {
	p := paramsOf(r, "name", "to")
	name, to := p.named(), p.text("to")
	if p.err != nil {
		return nil, p.err
	}
	return s.backend.Contents(r.Context(), name, to)
}

// Impact asks who used a key and what each measure against it would break.
func (c *Client) Impact(ctx context.Context, name string) (*impact.Assessment, error) {
	return get[impact.Assessment](ctx, c, "/v1/key/impact", values{"name": {name}})
}

// Contents asks what is known to be under a key, and how to move it to another one ("": not chosen yet).
func (c *Client) Contents(ctx context.Context, name, to string) (*impact.Contents, error) {
	v := values{"name": {name}}
	v.text("to", to)
	return get[impact.Contents](ctx, c, "/v1/key/contents", v)
}
