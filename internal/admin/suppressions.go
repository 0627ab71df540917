package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"rotd/internal/suppression"
)

// Suppressor keeps what nobody is to be told of.
type Suppressor interface {
	// Suppressions lists rotd.yaml's suppressions, then those that people made.
	Suppressions(ctx context.Context, r Range) (Page[suppression.Standing], error)
	// TrySuppressions says what suppressions would have hidden of what was found in the last 30 days.
	TrySuppressions(ctx context.Context, all []suppression.Suppression) (*suppression.Trial, error)
	// Suppress keeps one and returns it as it is kept.
	Suppress(ctx context.Context, s suppression.Suppression, by string) (*suppression.Suppression, error)
	// EndSuppression forgets one that a person made, and returns it.
	EndSuppression(ctx context.Context, name, by, reason string) (*suppression.Suppression, error)
}

// SchemaSuppressions is that of lists of suppressions.
const SchemaSuppressions = "rotd.suppressions/1"

// SuppressRequest is a person's wish to be told of something no more: of one finding, or of what all fields match.
type SuppressRequest struct {
	Name         string    `json:"name,omitempty"` // to tell those that are tried apart
	Finding      string    `json:"finding_id,omitempty"`
	Rules        []string  `json:"rules,omitempty"`
	Keys         []string  `json:"keys,omitempty"` // ids, ARNs, aliases and alias ARNs, which are resolved now
	Principals   []string  `json:"principals,omitempty"`
	Networks     []string  `json:"networks,omitempty"` // and VPC endpoints
	Accounts     []string  `json:"accounts,omitempty"`
	Regions      []string  `json:"regions,omitempty"`
	UserAgents   []string  `json:"user_agents,omitempty"`
	SessionNames []string  `json:"session_names,omitempty"`
	Reason       string    `json:"reason,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
}

// NewSuppressRequest asks for a suppression as rotd.yaml has it.
func NewSuppressRequest(s *suppression.Suppression) SuppressRequest {
	r := SuppressRequest{
		Name: s.Name, Rules: s.Rules, Keys: s.Keys, Principals: s.Principals, Accounts: s.Accounts, Regions: s.Regions,
		UserAgents: s.UserAgents, SessionNames: s.SessionNames, Reason: s.Reason, Expires: s.Expires,
	}
	for _, n := range s.Networks {
		r.Networks = append(r.Networks, n.String())
	}
	r.Networks = append(r.Networks, s.VPCEndpoints...)
	return r
}

// suppression is what is asked for; what is wrong with a network is told here, of the rest by who keeps it.
func (r *SuppressRequest) suppression() (suppression.Suppression, error) {
	s := suppression.Suppression{
		Name: r.Name, Finding: r.Finding, Rules: r.Rules, Keys: r.Keys, Principals: r.Principals, Accounts: r.Accounts,
		Regions: r.Regions, UserAgents: r.UserAgents, SessionNames: r.SessionNames, Reason: r.Reason, Expires: r.Expires,
	}
	narrows := len(r.Rules) + len(r.Keys) + len(r.Principals) + len(r.Networks) + len(r.Accounts) + len(r.Regions) +
		len(r.UserAgents) + len(r.SessionNames)
	if r.Finding != "" && narrows > 0 {
		return s, invalid("finding_id: suppresses exactly that finding; leave the other fields out")
	}
	if r.Networks != nil && len(r.Networks) == 0 {
		return s, invalid("networks: has no values: leave it out, or say which")
	}
	for _, n := range r.Networks {
		if err := suppression.CheckNetwork(n); err != nil {
			return s, invalid("networks: %v", err)
		}
		s.From(n)
	}
	return s, nil
}

type tryRequest struct {
	Suppressions []SuppressRequest `json:"suppressions"`
}

type endRequest struct {
	Reason string `json:"reason"`
}

func (s *Server) suppressions(r *http.Request) (any, error) {
	p := paramsOf(r, "limit", "after")
	limits := p.limits(SchemaSuppressions)
	if p.err != nil {
		return nil, p.err
	}
	page, err := s.backend.Suppressions(r.Context(), limits)
	return sealed(page, SchemaSuppressions), err
}

func (s *Server) suppress(r *http.Request) (any, error) {
	var request SuppressRequest
	by, err := s.acting(r, &request)
	if err != nil {
		return nil, err
	}
	asked, err := request.suppression()
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	case request.Expires.IsZero():
		return nil, invalid("expires: is required")
	case request.Name != "":
		return nil, invalid("name: is given by rotd")
	}
	return s.backend.Suppress(r.Context(), asked, by)
}

func (s *Server) trySuppressions(r *http.Request) (any, error) {
	var request tryRequest
	if _, err := s.acting(r, &request); err != nil {
		return nil, err
	}
	all := make([]suppression.Suppression, 0, len(request.Suppressions))
	for i := range request.Suppressions {
		asked, err := request.Suppressions[i].suppression()
		if err != nil {
			return nil, err
		}
		all = append(all, asked)
	}
	if len(all) == 0 || len(all) > MaxRows {
		return nil, invalid("suppressions: want 1 to %d", MaxRows)
	}
	return s.backend.TrySuppressions(r.Context(), all)
}

func (s *Server) endSuppression(r *http.Request) (any, error) {
	var request endRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	}
	return s.backend.EndSuppression(r.Context(), r.PathValue("name"), by, request.Reason)
}

// Suppressions asks for a page of suppressions.
func (c *Client) Suppressions(ctx context.Context, r Range) (*Page[suppression.Standing], error) {
	v := values{}
	v.limits(r)
	return get[Page[suppression.Standing]](ctx, c, "/v1/suppressions", v)
}

// Suppress asks for a suppression.
func (c *Client) Suppress(ctx context.Context, r SuppressRequest) (*suppression.Suppression, error) {
	return post[suppression.Suppression](ctx, c, "/v1/suppressions", r)
}

// TrySuppressions asks what suppressions would have hidden.
func (c *Client) TrySuppressions(ctx context.Context, all ...SuppressRequest) (*suppression.Trial, error) {
	return post[suppression.Trial](ctx, c, "/v1/suppressions/try", tryRequest{Suppressions: all})
}

// EndSuppression ends one that a person made.
func (c *Client) EndSuppression(ctx context.Context, name, reason string) (*suppression.Suppression, error) {
	return post[suppression.Suppression](ctx, c, "/v1/suppressions/"+url.PathEscape(name)+"/end",
		endRequest{Reason: reason})
}
