package admin

import (
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/usage"
)

// Planned is what a request to rotate, replace or contain a key, or to undo that, would do, or does. It has
// engine.Planned's fields in the same order, so that one converts to the other.
type Planned struct {
	Key      inventory.Key        `json:"key"`
	Eligible remediation.Eligible `json:"eligible"`
	Action   *remediation.Action  `json:"action,omitempty"`    // nil when nothing can or need be done
	Decision remediation.Decision `json:"decision"`            // allow without an action: all is as asked for already
	NoAction string               `json:"no_action,omitempty"` // why there is nothing to do
	LastUse  time.Time            `json:"last_use,omitzero"`   // last use seen in events
	Used     *usage.Brief         `json:"used,omitempty"`      // by whom, in the last 30 days; nil: not known
	Left     int                  `json:"on_demand_left"`
	Reserve  int                  `json:"on_demand_reserve"`
	Cost     string               `json:"cost"`
	Material string               `json:"material,omitempty"` // what is imported, from where, until when
	Breaks   string               `json:"breaks"`
	Request  string               `json:"request,omitempty"`  // hash of what is asked for, for a proof of an AWS identity
	Warnings []string             `json:"warnings,omitempty"` // what the person may not expect to come of it
	// Identity and Impact are of containments: the same for two plans of the same measures on the key in the same
	// condition; who uses the key, and what each measure breaks.
	Identity string             `json:"identity,omitempty"`
	Impact   *impact.Assessment `json:"impact,omitempty"`
}

// Refused reports whether what was asked for is not done, and why. A plan that is not refused and has no action asks
// for what is so already.
func (p *Planned) Refused() (why string, refused bool) {
	switch {
	case p.Decision.Verdict != remediation.Refuse:
		return "", false
	case p.Action == nil && p.NoAction != "":
		return p.NoAction, true
	}
	return p.Decision.Reason, true
}

// planned answers with a plan. What is refused is an error, unless nobody wanted it done.
func planned(plan *Planned, err error, dryRun bool) (any, error) {
	if err != nil {
		return nil, err
	}
	why, refused := plan.Refused()
	if refused && !dryRun {
		return nil, &Error{Code: CodeRefused, Message: why, Exit: ExitRefused, Plan: plan, status: http.StatusConflict}
	}
	return plan, nil
}

// terms are what everybody says who asks for a key to be changed.
type terms struct {
	reason                        string
	emergency, breakGlass, dryRun bool
}

// changing reads the body of a request to change a key, and says on whose behalf; proven is the hash of the request
// that the caller proved an AWS identity for. A dry run only looks: whoever may view may ask for one.
func (s *Server) changing(r *http.Request, body interface{ terms() terms }) (
	by remediation.Who, proven string, err error,
) {
	if by, proven, err = s.asking(r, body); err != nil {
		return by, "", err
	}
	t := body.terms()
	if caller, _ := callerFrom(r.Context()); !t.dryRun {
		if err := s.backend.Access().check(caller, Act); err != nil {
			return by, "", err
		}
	}
	switch {
	case t.breakGlass && !t.emergency:
		err = invalid("break_glass: only with emergency")
	case strings.TrimSpace(t.reason) == "" && !t.dryRun:
		err = invalid("reason: is required")
	}
	return by, proven, err
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
