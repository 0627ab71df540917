package admin

import (
	"net/http"
	"strings"

	"rotd/internal/remediation"
)

// ReplaceRequest is a person's request to replace a key by a new one. It has engine.ReplaceRequest's fields in the same
// order, so that one converts to the other.
type ReplaceRequest struct {
	Key           string `json:"key"`                      // id, ARN, alias or alias ARN
	Spec          string `json:"spec,omitempty"`           // of the new key; empty: the old key's
	WithoutGrants bool   `json:"without_grants,omitempty"` // leave grants to those who made them
	Reason        string `json:"reason"`
	Ticket        string `json:"ticket,omitempty"`
	Incident      string `json:"incident,omitempty"` // id of the incident it is for
	Emergency     bool   `json:"emergency,omitempty"`
	BreakGlass    bool   `json:"break_glass,omitempty"` // with Emergency: without the approval that is asked for
	// Requester is who is calling, by the socket's and STS's word; Proven the request they proved an AWS identity for.
	Requester remediation.Who `json:"-"`
	Proven    string          `json:"-"`
	DryRun    bool            `json:"dry_run,omitempty"`
}

func (r *ReplaceRequest) terms() terms { return terms{r.Reason, r.Emergency, r.BreakGlass, r.DryRun} }

// UndoAliasRequest is a person's request to move the aliases back that a replacement moved. It has
// engine.UndoAliasRequest's fields in the same order, so that one converts to the other.
type UndoAliasRequest struct {
	Name      string `json:"name"` // id of the action that replaced; or what names the old key or the new one
	Reason    string `json:"reason"`
	Ticket    string `json:"ticket,omitempty"`
	Incident  string `json:"incident,omitempty"` // id of the incident it is for
	Emergency bool   `json:"emergency,omitempty"`
	// BreakGlass, Requester and Proven are as of ReplaceRequest.
	BreakGlass bool            `json:"break_glass,omitempty"`
	Requester  remediation.Who `json:"-"`
	Proven     string          `json:"-"`
	DryRun     bool            `json:"dry_run,omitempty"`
}

func (r *UndoAliasRequest) terms() terms { return terms{r.Reason, r.Emergency, r.BreakGlass, r.DryRun} }

func (s *Server) replace(r *http.Request) (any, error) {
	var request ReplaceRequest
	by, proven, err := s.changing(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Key) == "":
		return nil, invalid("key: an id, ARN, alias or alias ARN is needed")
	}
	request.Requester, request.Proven = by, proven
	plan, err := s.backend.Replace(r.Context(), request)
	return planned(plan, err, request.DryRun)
}

func (s *Server) undoAlias(r *http.Request) (any, error) {
	var request UndoAliasRequest
	by, proven, err := s.changing(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Name) == "":
		return nil, invalid("name: the id of the action that replaced the key, or an id, ARN, alias or alias ARN is needed")
	}
	request.Requester, request.Proven = by, proven
	plan, err := s.backend.UndoAlias(r.Context(), request)
	return planned(plan, err, request.DryRun)
}
