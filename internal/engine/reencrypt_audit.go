package engine

import (
	"strconv"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// jobRequested is what the audit log says when somebody asks for a re-encryption. A dry run is not written down.
func jobRequested(tx *state.Tx, p *ReencryptPlan, r *ReencryptRequest, now time.Time) error {
	if p.Job.DryRun {
		return nil
	}
	e := audit.Entry{Time: now, Actor: r.Requester, Event: audit.ReencryptRequested, Key: p.To.ARN, Incident: r.Incident}
	detail := []string{
		"from", p.Job.From, "location", p.Job.Location, "manifest", p.Job.Manifest, "reason", r.Reason, "ticket", r.Ticket,
	}
	if p.Decision.Verdict == remediation.Refuse {
		e.Event, e.Detail = audit.ReencryptRefused, texts(append(detail, "guardrail", p.Decision.Guardrail, "because",
			p.Decision.Reason)...)
		return tx.Audit(e)
	}
	e.Detail = texts(append(detail, "job", p.Job.ID)...)
	if err := tx.Audit(e); err != nil || len(p.Decision.Overridden) == 0 {
		return err
	}
	e.Event = audit.GuardrailOverridden
	e.Detail = texts("guardrails", strings.Join(p.Decision.Overridden, " "), "reason", r.Reason, "job", p.Job.ID)
	return tx.Audit(e)
}

// endJob ends a job and writes down what came of it.
func endJob(tx *state.Tx, j *reencrypt.Job, s reencrypt.State, actor, outcome string, now time.Time) error {
	j.End(s, outcome, now)
	if j.DryRun {
		return nil
	}
	return tx.Audit(audit.Entry{
		Time: now, Actor: actor, Event: audit.ReencryptEnded, Key: j.To, Incident: j.Incident, Detail: texts(
			"job", j.ID, "state", string(s), "outcome", outcome, "moved", strconv.FormatInt(j.Moved, 10),
			"failed", strconv.FormatInt(j.Failed, 10), "bytes", strconv.FormatInt(j.Bytes, 10),
		),
	})
}
