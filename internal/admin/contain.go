package admin

import (
	"context"
	"net/http"
	"strings"

	"rotd/internal/remediation"
)

// SchemaContainment is of a containment's plan.
const SchemaContainment = "rotd.containment/1"

// Container holds keys.
type Container interface {
	// Contain plans what a person chose and, unless it is a dry run or refused (Planned.Refused), begins.
	Contain(ctx context.Context, r ContainRequest) (*Planned, error)
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
	BreakGlass     bool            `json:"break_glass,omitempty"` // with Emergency: without the approval that is asked for
	Requester      remediation.Who `json:"-"`                     // who is calling, by the socket's and STS's word
	Proven         string          `json:"-"`                     // Planned.Request that an AWS identity was proven for
	DryRun         bool            `json:"dry_run,omitempty"`
	Identity       string          `json:"identity,omitempty"` // of the plan that the person saw: another one is refused
}

func (r *ContainRequest) terms() terms { return terms{r.Reason, r.Emergency, r.BreakGlass, r.DryRun} }

// Measures reports whether any measure was chosen.
func (r *ContainRequest) Measures() bool {
	return r.CancelDeletion || len(r.RevokeGrants) > 0 || r.RevokeAll || len(r.RetireAliases) > 0 || r.Disable
}

func (s *Server) containKey(r *http.Request) (any, error) {
	var request ContainRequest
	by, proven, err := s.changing(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Key) == "":
		return nil, invalid("key: an id, ARN, alias or alias ARN is needed")
	case request.Undo != "" && request.Measures():
		return nil, invalid("undo: takes back what an action did, and goes with no measure")
	case request.Undo == "" && !request.Measures() && !request.DryRun:
		return nil, invalid("a measure is needed: cancel_deletion, revoke_grants, revoke_all, retire_aliases or disable")
	}
	request.Requester, request.Proven = by, proven
	plan, err := s.backend.Contain(r.Context(), request)
	return planned(plan, err, request.DryRun)
}

// Contain asks for a containment, or what it would be. A refusal is an *Error.
func (c *Client) Contain(ctx context.Context, r ContainRequest) (*Planned, error) {
	return post[Planned](ctx, c, "/v1/contain", r)
}
