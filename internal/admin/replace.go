package admin

import (
	"net/http"
	"strings"
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
	Requester     string `json:"-"` // who is calling, by the socket's word
	DryRun        bool   `json:"dry_run,omitempty"`
}

// UndoAliasRequest is a person's request to move the aliases back that a replacement moved. It has
// engine.UndoAliasRequest's fields in the same order, so that one converts to the other.
type UndoAliasRequest struct {
	Name      string `json:"name"` // id of the action that replaced; or what names the old key or the new one
	Reason    string `json:"reason"`
	Ticket    string `json:"ticket,omitempty"`
	Incident  string `json:"incident,omitempty"` // id of the incident it is for
	Emergency bool   `json:"emergency,omitempty"`
	Requester string `json:"-"` // who is calling, by the socket's word
	DryRun    bool   `json:"dry_run,omitempty"`
}

func (s *Server) replace(r *http.Request) (any, error) {
	var request ReplaceRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Key) == "":
		return nil, invalid("key: an id, ARN, alias or alias ARN is needed")
	case strings.TrimSpace(request.Reason) == "" && !request.DryRun:
		return nil, invalid("reason: is required")
	}
	request.Requester = by
	plan, err := s.backend.Replace(r.Context(), request)
	return planned(plan, err, request.DryRun)
}

func (s *Server) undoAlias(r *http.Request) (any, error) {
	var request UndoAliasRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Name) == "":
		return nil, invalid("name: the id of the action that replaced the key, or an id, ARN, alias or alias ARN is needed")
	case strings.TrimSpace(request.Reason) == "" && !request.DryRun:
		return nil, invalid("reason: is required")
	}
	request.Requester = by
	plan, err := s.backend.UndoAlias(r.Context(), request)
	return planned(plan, err, request.DryRun)
}
