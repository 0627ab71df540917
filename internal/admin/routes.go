package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

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
	case r.Method == http.MethodGet, r.Path == "/v1/rotate": // a dry run only looks; what is none asks for Act itself
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

func (s *Server) rotate(r *http.Request) (any, error) {
	var request RotateRequest
	by, proven, err := s.asking(r, &request)
	if caller, _ := callerFrom(r.Context()); err == nil && !request.DryRun {
		err = s.backend.Access().check(caller, Act) // a dry run only looks
	}
	switch {
	case err != nil:
		return nil, err
	case request.BreakGlass && !request.Emergency:
		return nil, invalid("break_glass: only with emergency")
	case strings.TrimSpace(request.Key) == "":
		return nil, invalid("key: an id, ARN, alias or alias ARN is needed")
	case strings.TrimSpace(request.Reason) == "" && !request.DryRun:
		return nil, invalid("reason: is required")
	}
	if err := CheckPeriod(request.AutomaticDays); request.AutomaticDays != 0 && err != nil {
		return nil, invalid("automatic_days: %v", err)
	}
	request.Requester, request.Proven = by, proven
	plan, err := s.backend.Rotate(r.Context(), request)
	return planned(plan, err, request.DryRun)
}

// planned answers with a plan. What is refused is an error, unless nobody wanted it done.
func planned(plan *RotatePlan, err error, dryRun bool) (any, error) {
	if err != nil {
		return nil, err
	}
	why, refused := plan.Refused()
	if refused && !dryRun {
		return nil, &Error{Code: CodeRefused, Message: why, Exit: ExitRefused, Plan: plan, status: http.StatusConflict}
	}
	return plan, nil
}

// CheckPeriod says what is wrong with a period of automatic rotation, in days.
func CheckPeriod(days int) error {
	if days < remediation.MinPeriodDays || days > remediation.MaxPeriodDays {
		return fmt.Errorf("KMS rotates every %d to %d days, not every %d", remediation.MinPeriodDays,
			remediation.MaxPeriodDays, days)
	}
	return nil
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
	before, err := s.backend.Pause(r.Context(), by, request.Reason)
	return Paused{Paused: true, By: by, Before: before}, err
}

func (s *Server) resume(r *http.Request) (any, error) {
	by, err := s.acting(r, &struct{}{})
	if err != nil {
		return nil, err
	}
	ended, err := s.backend.Resume(r.Context(), by)
	ended.By = by
	return ended, err
}

// acting reads the body of a request that does something, and says on whose behalf. What is asked for without a plan
// takes no proof of an AWS identity: a proof says for which plan it is.
func (s *Server) acting(r *http.Request, body any) (requester string, err error) {
	by, proven, err := s.asking(r, body)
	if err == nil && proven != "" {
		err = invalid("this takes no proof of an AWS identity, since it has no plan")
	}
	return by.Name, err
}

// asking reads the body of a request that does something, and says on whose behalf; proven is the hash of the plan that
// the caller proved an AWS identity for.
func (s *Server) asking(r *http.Request, body any) (by remediation.Who, proven string, err error) {
	caller, ok := callerFrom(r.Context())
	if !ok {
		return by, "", unknownCaller()
	}
	if err := read(r, body); err != nil {
		return by, "", err
	}
	by = caller.Who(s.backend.Access())
	s.log.Info("a request to act", zap.String("request", r.URL.Path), zap.String("requester", by.Name),
		zap.Int32("pid", caller.Peer.PID))
	return by, caller.Plan, nil
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
