package admin

import (
	"context"
	"net/http"
	"strings"

	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// SchemaContainment is of a containment's plan.
const SchemaContainment = "rotd.containment/1"

// Container holds keys.
type Container interface {
	// Contain plans what a person chose and, unless it is a dry run or refused (ContainPlan.Refused), begins.
	Contain(ctx context.Context, r ContainRequest) (*ContainPlan, error)
}

// ContainRequest is a person's request to hold a key, or to take back what an earlier one did. It has
// engine.ContainRequest's fields in the same order, so that one converts to the other.
type ContainRequest struct {
	Key            string          `json:"key"` // id, ARN, alias or alias ARN
	CancelDeletion bool            `json:"cancel_deletion,omitempty"`
	RevokeGrants   []string        `json:"revoke_grants,omitempty"` // ids
	RevokeAll      bool            `json:"revoke_all,omitempty"`
	RetireAliases  []string        `json:"retire_aliases,omitempty"` // alias/…
	Disable        bool            `json:"disable,omitempty"`
	Undo           string          `json:"undo,omitempty"` // id of the containment to take back, instead of the measures
	Reason         string          `json:"reason"`
	Ticket         string          `json:"ticket,omitempty"`
	Incident       string          `json:"incident,omitempty"` // id of the incident it is for
	Emergency      bool            `json:"emergency,omitempty"`
	Requester      remediation.Who `json:"-"` // who is calling, by the socket's and STS's word
	DryRun         bool            `json:"dry_run,omitempty"`
	Identity       string          `json:"identity,omitempty"` // of the plan that the person saw: another one is refused
}

// Measures reports whether any measure was chosen.
func (r *ContainRequest) Measures() bool {
	return r.CancelDeletion || len(r.RevokeGrants) > 0 || r.RevokeAll || len(r.RetireAliases) > 0 || r.Disable
}

// ContainPlan is what a request would do, or does. It has engine.ContainPlan's fields in the same order, so that one
// converts to the other.
type ContainPlan struct {
	Key      inventory.Key        `json:"key"`
	Action   *remediation.Action  `json:"action,omitempty"` // nil when nothing can be done, or no measure was chosen
	Decision remediation.Decision `json:"decision"`
	NoAction string               `json:"no_action,omitempty"` // why there is nothing to do
	Identity string               `json:"identity,omitempty"`
	Impact   *impact.Assessment   `json:"impact"` // who uses the key, and what each measure breaks
}

// Refused reports whether what was asked for is not done, and why.
func (p *ContainPlan) Refused() (why string, refused bool) {
	return refusedBy(p.Action, &p.Decision, p.NoAction)
}

func (s *Server) containKey(r *http.Request) (any, error) {
	var request ContainRequest
	by, proven, err := s.asking(r, &request)
	switch {
	case err != nil:
		return nil, err
	case proven != "" && proven != request.Identity:
		return nil, invalid("identity: the AWS identity was proven for another plan")
	case strings.TrimSpace(request.Key) == "":
		return nil, invalid("key: an id, ARN, alias or alias ARN is needed")
	case request.Undo != "" && request.Measures():
		return nil, invalid("undo: takes back what an action did, and goes with no measure")
	case strings.TrimSpace(request.Reason) == "" && !request.DryRun:
		return nil, invalid("reason: is required")
	case request.Undo == "" && !request.Measures() && !request.DryRun:
		return nil, invalid("a measure is needed: cancel_deletion, revoke_grants, revoke_all, retire_aliases or disable")
	}
	request.Requester = by
	plan, err := s.backend.Contain(r.Context(), request)
	if err != nil {
		return nil, err
	}
	if why, refused := plan.Refused(); refused && !request.DryRun {
		return nil, &Error{Code: CodeRefused, Message: why, Exit: ExitRefused, status: http.StatusConflict}
	}
	return plan, nil
}

// Contain asks for a containment, or what it would be. A refusal is an *Error.
func (c *Client) Contain(ctx context.Context, r ContainRequest) (*ContainPlan, error) {
	return post[ContainPlan](ctx, c, "/v1/contain", r)
}
