package admin

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rotd/internal/finding"
	"rotd/internal/remediation"
)

// route is one endpoint. Path is as net/http patterns have it; docs/api.md has a section for each.
type route struct {
	Method string
	Path   string
	handle func(r *http.Request) (any, error)
}

// roles are those of which the caller needs one.
func (r *route) roles() []Role {
	switch {
	case r.Path == "/v1/actions/{id}/approve":
		return []Role{Approve}
	case r.Path == "/v1/actions/{id}/cancel":
		return []Role{Act, Approve}
	case r.Method == http.MethodGet:
		return []Role{View}
	}
	switch r.Path {
	case "/v1/rotate", "/v1/replace", "/v1/undo-alias", "/v1/contain",
		"/v1/suppressions/try": // what is no dry run asks for Act itself
		return []Role{View}
	}
	return []Role{Act}
}

func (s *Server) routes() []route {
	return []route{
		{"GET", "/v1/status", s.status},
		{"GET", "/v1/ready", s.ready},
		{"GET", "/v1/findings", s.findings},
		{"GET", "/v1/findings/{id}", s.finding},
		{"GET", "/v1/keys", s.keys},
		{"GET", "/v1/key", s.key},
		{"GET", "/v1/key/abilities", s.abilities},
		{"GET", "/v1/key/explain", s.explain},
		{"GET", "/v1/key/history", s.history},
		{"GET", "/v1/key/as-of", s.asOf},
		{"GET", "/v1/key/usage", s.keyUsage},
		{"GET", "/v1/key/impact", s.impact},
		{"GET", "/v1/key/contents", s.contents},
		{"GET", "/v1/actions", s.actions},
		{"GET", "/v1/actions/{id}", s.action},
		{"GET", "/v1/quarantine", s.quarantine},
		{"GET", "/v1/report", s.report},
		{"GET", "/v1/audit", s.auditEntries},
		{"GET", "/v1/audit/log", s.auditLog},
		{"GET", "/v1/incidents", s.incidents},
		{"GET", "/v1/incidents/{id}", s.incident},
		{"POST", "/v1/incidents", s.openIncident},
		{"POST", "/v1/incidents/{id}/note", s.noteIncident},
		{"POST", "/v1/incidents/{id}/close", s.closeIncident},
		{"GET", "/v1/suppressions", s.suppressions},
		{"POST", "/v1/suppressions", s.suppress},
		{"POST", "/v1/suppressions/try", s.trySuppressions},
		{"POST", "/v1/suppressions/{name}/end", s.endSuppression},
		{"POST", "/v1/rotate", s.rotate},
		{"POST", "/v1/replace", s.replace},
		{"POST", "/v1/undo-alias", s.undoAlias},
		{"POST", "/v1/contain", s.containKey},
		{"POST", "/v1/reencrypt", s.reencrypt},
		{"GET", "/v1/reencrypt", s.jobs},
		{"GET", "/v1/reencrypt/{id}", s.job},
		{"POST", "/v1/reencrypt/{id}/blobs", s.blobs},
		{"POST", "/v1/reencrypt/{id}/cancel", s.cancelJob},
		{"POST", "/v1/actions/{id}/approve", s.approve},
		{"POST", "/v1/actions/{id}/cancel", s.cancel},
		{"POST", "/v1/findings/{id}/ack", s.acknowledge},
		{"POST", "/v1/findings/{id}/resolve", s.resolve},
		{"POST", "/v1/sweep", s.sweep},
		{"POST", "/v1/pause", s.pause},
		{"POST", "/v1/resume", s.resume},
		{"POST", "/v1/state/copy", s.copyState},
		{"POST", "/v1/state/backup", s.backUp},
		{"POST", "/v1/state/check", s.checkState},
		{"POST", "/v1/state/compact", s.compactState},
	}
}

func (s *Server) status(r *http.Request) (any, error) {
	if err := paramsOf(r).err; err != nil {
		return nil, err
	}
	status, err := s.backend.Status(r.Context())
	if err != nil {
		return nil, err
	}
	status.Judge()
	return status, nil
}

func (s *Server) ready(r *http.Request) (any, error) {
	reasons := s.backend.NotReady(r.Context())
	return Readiness{Ready: len(reasons) == 0, Reasons: reasons}, nil
}

func (s *Server) findings(r *http.Request) (any, error) {
	q, err := findingQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(q.Range, func(part Range) (Page[finding.Finding], error) {
		q.Range = part
		return s.backend.Findings(r.Context(), q)
	}, func() error {
		return s.checkNames(r.Context(), filter{rule: q.Rule, key: q.Key, account: q.Account, region: q.Region})
	})
	return sealed(page, SchemaFindings), err
}

func (s *Server) finding(r *http.Request) (any, error) {
	return s.backend.Finding(r.Context(), r.PathValue("id"))
}

func (s *Server) keys(r *http.Request) (any, error) {
	q, err := keyQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(q.Range, func(part Range) (Page[Key], error) {
		q.Range = part
		return s.backend.Keys(r.Context(), q)
	}, func() error {
		return s.checkNames(r.Context(), filter{account: q.Account, region: q.Region, state: q.State, policy: q.Policy})
	})
	for i := range page.Items {
		page.Items[i].Policy = "" // up to 32 KiB each: /v1/key has it
	}
	return sealed(page, SchemaKeys), err
}

func (s *Server) key(r *http.Request) (any, error) {
	name, err := keyName(r)
	if err != nil {
		return nil, err
	}
	return s.backend.Key(r.Context(), name)
}

func (s *Server) explain(r *http.Request) (any, error) {
	name, err := keyName(r)
	if err != nil {
		return nil, err
	}
	return s.backend.Explain(r.Context(), name)
}

func (s *Server) abilities(r *http.Request) (any, error) {
	name, err := keyName(r)
	if err != nil {
		return nil, err
	}
	return s.backend.Abilities(r.Context(), name)
}

// keyName is the key that a request names.
func keyName(r *http.Request) (string, error) {
	p := paramsOf(r, "name")
	name := p.text("name")
	switch {
	case p.err != nil:
		return "", p.err
	case name == "":
		return "", invalid("name: an id, ARN, alias or alias ARN is needed")
	}
	return name, nil
}

func (s *Server) keyUsage(r *http.Request) (any, error) {
	p := paramsOf(r, "name", "since")
	name, since := p.text("name"), p.ago("since", time.Now())
	switch {
	case p.err != nil:
		return nil, p.err
	case name == "":
		return nil, invalid("name: an id, ARN, alias or alias ARN is needed")
	}
	return s.backend.KeyUsage(r.Context(), name, since)
}

func (s *Server) actions(r *http.Request) (any, error) {
	q, err := actionQuery(r)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(q.Range, func(part Range) (Page[remediation.Action], error) {
		q.Range = part
		return s.backend.Actions(r.Context(), q)
	}, func() error { return s.checkNames(r.Context(), filter{key: q.Key}) })
	return sealed(page, SchemaActions), err
}

func (s *Server) action(r *http.Request) (any, error) {
	p := paramsOf(r, "wait")
	wait := p.seconds("wait", maxWait)
	if p.err != nil {
		return nil, p.err
	}
	return s.backend.Action(r.Context(), r.PathValue("id"), wait)
}

func (s *Server) quarantine(r *http.Request) (any, error) {
	p := paramsOf(r, "limit", "after")
	limits := p.limits(SchemaQuarantine)
	if p.err != nil {
		return nil, p.err
	}
	page, err := s.backend.Quarantine(r.Context(), limits)
	return sealed(page, SchemaQuarantine), err
}

func (s *Server) acknowledge(r *http.Request) (any, error) {
	var request AckRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	}
	return s.backend.Acknowledge(r.Context(), r.PathValue("id"), by, request)
}

func (s *Server) resolve(r *http.Request) (any, error) {
	var request ResolveRequest
	by, err := s.acting(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Reason) == "":
		return nil, invalid("reason: is required")
	}
	return s.backend.Resolve(r.Context(), r.PathValue("id"), by, request)
}

func (s *Server) sweep(r *http.Request) (any, error) {
	var request sweepRequest
	by, err := s.acting(r, &request)
	if err != nil {
		return nil, err
	}
	wait := time.Duration(request.WaitSeconds) * time.Second
	if request.WaitSeconds < 0 || wait > maxWait {
		return nil, invalid("wait_seconds: %d is outside of 0 to %d", request.WaitSeconds, int(maxWait.Seconds()))
	}
	finished, err := s.backend.Sweep(by, request.Name)
	if err != nil {
		return nil, err
	}
	return awaitSweep(r.Context(), request.Name, finished, wait), nil
}

func awaitSweep(ctx context.Context, name string, finished <-chan error, wait time.Duration) SweepResult {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case err := <-finished:
		result := SweepResult{Name: name, Finished: true}
		if err != nil {
			result.Error = err.Error()
		}
		return result
	case <-timer.C:
	case <-ctx.Done():
	}
	return SweepResult{Name: name}
}

func (s *Server) pause(r *http.Request) (any, error) {
	var request pauseRequest
	by, err := s.acting(r, &request)
	if err != nil {
		return nil, err
	}
	if strings.TrimSpace(request.Reason) == "" {
		return nil, invalid("reason: is required")
	}
	before, err := s.backend.Pause(r.Context(), by, request.Reason, request.Incident)
	return Paused{Paused: true, By: by, Before: before}, err
}

func (s *Server) resume(r *http.Request) (any, error) {
	var request resumeRequest
	by, err := s.acting(r, &request)
	if err != nil {
		return nil, err
	}
	ended, err := s.backend.Resume(r.Context(), by, request.Incident)
	ended.By = by
	return ended, err
}

// Schemas of lists.
const (
	SchemaFindings   = "rotd.findings/1"
	SchemaKeys       = "rotd.keys/1"
	SchemaAbilities  = "rotd.abilities/1"
	SchemaActions    = "rotd.actions/1"
	SchemaQuarantine = "rotd.quarantine/1"
	SchemaJobs       = "rotd.jobs/1"
)

// sealed makes a page ready to be sent.
func sealed[T any](page Page[T], schema string) Page[T] {
	page.Schema = schema
	if page.Next != "" {
		page.Next = sealCursor(schema, page.Next)
	}
	return page
}
