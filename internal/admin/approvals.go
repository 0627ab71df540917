package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"rotd/internal/remediation"
)

// approveRequest is a body.
type approveRequest struct {
	Plan   string `json:"plan"` // hash of the plan that was looked at
	Reason string `json:"reason"`
}

func (s *Server) approve(r *http.Request) (any, error) {
	var request approveRequest
	by, proven, err := s.asking(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	case request.Plan == "":
		return nil, invalid("plan: the hash of the plan is needed that is approved (approval.plan of the action)")
	case proven != "" && proven != request.Plan:
		return nil, invalid("plan: the AWS identity was proven for another plan")
	}
	return s.backend.Approve(r.Context(), r.PathValue("id"), request.Plan, by, request.Reason)
}

func (s *Server) cancel(r *http.Request) (any, error) {
	var request cancelRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	}
	return s.backend.Cancel(r.Context(), r.PathValue("id"), by, request.Reason)
}

// Approve says that an action may go on whose plan has this hash.
func (c *Client) Approve(ctx context.Context, id, plan, reason string) (*remediation.Action, error) {
	return post[remediation.Action](ctx, c, "/v1/actions/"+url.PathEscape(id)+"/approve",
		approveRequest{plan, reason})
}

// Cancel ends an action that has not begun.
func (c *Client) Cancel(ctx context.Context, id, reason string) (*remediation.Action, error) {
	return post[remediation.Action](ctx, c, "/v1/actions/"+url.PathEscape(id)+"/cancel", cancelRequest{reason})
}
