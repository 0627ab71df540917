package admin

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
)

// Investigator ties what belongs to incidents together.
type Investigator interface {
	Incidents(ctx context.Context, q IncidentQuery) (Page[incident.Incident], error)
	Incident(ctx context.Context, id string) (*Dossier, error)
	OpenIncident(ctx context.Context, r IncidentRequest) (*incident.Incident, error)
	NoteIncident(ctx context.Context, id, by, text string) (*incident.Incident, error)
	CloseIncident(ctx context.Context, id, by, reason string) (*incident.Incident, error)
}

// SchemaIncidents is that of lists of incidents.
const SchemaIncidents = "rotd.incidents/1"

// Dossier is everything that is known of an incident, in one self-contained object.
type Dossier struct {
	Schema    string               `json:"schema"` // rotd.incident/1
	Generated time.Time            `json:"generated"`
	Version   string               `json:"rotd_version"`
	Shard     string               `json:"shard"`
	Incident  incident.Incident    `json:"incident"`
	Timeline  []incident.Line      `json:"timeline"` // oldest first
	Keys      []inventory.Key      `json:"key_facts"`
	Findings  []finding.Finding    `json:"findings"`
	Actions   []remediation.Action `json:"actions"`
	// Audit are the audit log's entries about it, as they are kept; AuditHead is where the log ended.
	Audit     []jsontext.Value `json:"audit"`
	AuditHead audit.Head       `json:"audit_head"`
	// Partial says that there was more than is in it.
	Partial bool `json:"partial"`
}

// IncidentQuery says which incidents are wanted, newest first.
type IncidentQuery struct {
	Range
	Status string // open, closed
}

// Keep reports whether an incident is wanted.
func (q IncidentQuery) Keep(i *incident.Incident) bool {
	return q.Status == "" || i.Status() == q.Status
}

// IncidentRequest is a person's wish to open an incident.
type IncidentRequest struct {
	Keys          []string `json:"keys,omitempty"`
	Principals    []string `json:"principals,omitempty"`
	Reason        string   `json:"reason"`
	Ticket        string   `json:"ticket,omitempty"`
	BeforeSeconds int      `json:"before_seconds,omitempty"` // so much of what happened before belongs to it
	Requester     string   `json:"-"`                        // who is calling, by the socket's word
}

// maxBefore is how far back an incident may look, in seconds: as far as rotd keeps what changed.
const maxBefore = 400 * 24 * 60 * 60

type noteRequest struct {
	Text string `json:"text"`
}

type closeRequest struct {
	Reason string `json:"reason"`
}

func (s *Server) incidents(r *http.Request) (any, error) {
	p := paramsOf(r, "status", "limit", "after")
	q := IncidentQuery{Range: p.limits(SchemaIncidents), Status: p.word("status", "open", "closed")}
	if p.err != nil {
		return nil, p.err
	}
	page, err := s.backend.Incidents(r.Context(), q)
	return sealed(page, SchemaIncidents), err
}

func (s *Server) incident(r *http.Request) (any, error) {
	if err := paramsOf(r).err; err != nil {
		return nil, err
	}
	return s.backend.Incident(r.Context(), r.PathValue("id"))
}

func (s *Server) openIncident(r *http.Request) (any, error) {
	var request IncidentRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	case len(request.Keys)+len(request.Principals) == 0:
		return nil, invalid("keys: at least one key or principal is needed")
	case request.BeforeSeconds < 0 || request.BeforeSeconds > maxBefore:
		return nil, invalid("before_seconds: %d is outside of 0 to %d", request.BeforeSeconds, maxBefore)
	}
	request.Requester = by
	return s.backend.OpenIncident(r.Context(), request)
}

func (s *Server) noteIncident(r *http.Request) (any, error) {
	var request noteRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Text) == "":
		return nil, invalid("text: is required")
	}
	return s.backend.NoteIncident(r.Context(), r.PathValue("id"), by, request.Text)
}

func (s *Server) closeIncident(r *http.Request) (any, error) {
	var request closeRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	}
	return s.backend.CloseIncident(r.Context(), r.PathValue("id"), by, request.Reason)
}

// Incidents asks for a page of incidents, newest first.
func (c *Client) Incidents(ctx context.Context, q IncidentQuery) (*Page[incident.Incident], error) {
	v := values{}
	v.limits(q.Range)
	v.text("status", q.Status)
	return get[Page[incident.Incident]](ctx, c, "/v1/incidents", v)
}

// Incident asks for everything that is known of an incident.
func (c *Client) Incident(ctx context.Context, id string) (*Dossier, error) {
	return get[Dossier](ctx, c, incidentPath(id), nil)
}

// OpenIncident opens one.
func (c *Client) OpenIncident(ctx context.Context, r IncidentRequest) (*incident.Incident, error) {
	return post[incident.Incident](ctx, c, "/v1/incidents", r)
}

// NoteIncident writes something down about an open one.
func (c *Client) NoteIncident(ctx context.Context, id, text string) (*incident.Incident, error) {
	return post[incident.Incident](ctx, c, incidentPath(id)+"/note", noteRequest{Text: text})
}

// CloseIncident ends an open one.
func (c *Client) CloseIncident(ctx context.Context, id, reason string) (*incident.Incident, error) {
	return post[incident.Incident](ctx, c, incidentPath(id)+"/close", closeRequest{Reason: reason})
}

func incidentPath(id string) string { return "/v1/incidents/" + url.PathEscape(id) }
