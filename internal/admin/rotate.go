package admin

import (
	"fmt"
	"net/http"
	"strings"

	"rotd/internal/remediation"
)

// RotateRequest is a person's request to rotate a key. It has engine.RotateRequest's fields in the same order, so that
// one converts to the other.
type RotateRequest struct {
	Key           string `json:"key"`                      // id, ARN, alias or alias ARN
	AutomaticDays int    `json:"automatic_days,omitempty"` // set the schedule to this; 0: new material now
	Reason        string `json:"reason"`
	Ticket        string `json:"ticket,omitempty"`
	Incident      string `json:"incident,omitempty"` // id of the incident it is for
	Emergency     bool   `json:"emergency,omitempty"`
	BreakGlass    bool   `json:"break_glass,omitempty"` // with Emergency: without the approval that mode propose asks for

	Requester remediation.Who `json:"-"` // who is calling, by the socket's and STS's word
	DryRun    bool            `json:"dry_run,omitempty"`
	Proven    string          `json:"-"` // Planned.Request that an AWS identity was proven for; empty: none was
}

func (r *RotateRequest) terms() terms { return terms{r.Reason, r.Emergency, r.BreakGlass, r.DryRun} }

func (s *Server) rotate(r *http.Request) (any, error) {
	var request RotateRequest
	by, proven, err := s.changing(r, &request)
	switch {
	case err != nil:
		return nil, err
	case strings.TrimSpace(request.Key) == "":
		return nil, invalid("key: an id, ARN, alias or alias ARN is needed")
	}
	if err := CheckPeriod(request.AutomaticDays); request.AutomaticDays != 0 && err != nil {
		return nil, invalid("automatic_days: %v", err)
	}
	request.Requester, request.Proven = by, proven
	plan, err := s.backend.Rotate(r.Context(), request)
	return planned(plan, err, request.DryRun)
}

// CheckPeriod says what is wrong with a period of automatic rotation, in days.
func CheckPeriod(days int) error {
	if days < remediation.MinPeriodDays || days > remediation.MaxPeriodDays {
		return fmt.Errorf("KMS rotates every %d to %d days, not every %d", remediation.MinPeriodDays,
			remediation.MaxPeriodDays, days)
	}
	return nil
}
