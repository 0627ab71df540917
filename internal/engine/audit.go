package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/notify"
	"rotd/internal/remediation"
)

// audit writes an entry into the audit log: with the transaction, so before what it tells of is done.
func (n *notebook) audit(e audit.Entry) error {
	e.Time = n.now
	if e.Actor == "" {
		e.Actor = audit.Rotd
	}
	return n.tx.Audit(e)
}

// putAction stores what an action became, and writes down what that means; before is nil for a new one, answer what its
// call came back with.
func (n *notebook) putAction(before, after *remediation.Action, answer *remediation.Answer) error {
	for _, e := range actionEntries(before, after, answer) {
		if err := n.audit(e); err != nil {
			return err
		}
	}
	return n.tx.PutAction(after)
}

// actionEntries are what the audit log says of an action's step.
func actionEntries(before, after *remediation.Action, answer *remediation.Answer) (entries []audit.Entry) {
	add := func(event audit.Event, actor, key string, detail ...string) {
		entries = append(entries, audit.Entry{
			Actor: actor, Event: event, Key: key, Action: after.ID, Finding: after.FindingID,
			Incident: after.IncidentID, Detail: texts(detail...),
		})
	}
	if before == nil {
		add(audit.ActionPlanned, after.Requester, after.KeyARN, plannedTexts(after)...)
		before = &remediation.Action{}
	}
	if before.State == remediation.Running {
		if answer == nil {
			answer = &remediation.Answer{Kind: remediation.Lost, Message: after.LastError}
		}
		add(audit.CallAnswered, "", before.CallKey(), "operation", string(before.Current().Operation),
			"answer", string(answer.Kind), "request_id", answer.RequestID, "code", answer.Code, "message", answer.Message,
			"made", answer.Made)
	}
	for _, c := range shown(before, after) {
		add(audit.CallVerified, "", cmp.Or(c.KeyARN, after.KeyARN), "operation", string(c.Operation), "skipped", c.Skipped)
	}
	if passed := strings.Join(after.Overrides, " "); passed != strings.Join(before.Overrides, " ") && passed != "" {
		add(audit.GuardrailOverridden, after.Requester, after.KeyARN, "guardrails", passed, "reason", after.Reason)
	}
	if after.State == remediation.AwaitingApproval && before.State != remediation.AwaitingApproval {
		add(audit.ApprovalAsked, "", after.KeyARN, "guardrail", after.Guardrail, "plan", after.Approval.Plan,
			"until", after.Approval.Expires.Format(time.RFC3339))
	}
	if after.State == remediation.Running && before.State != remediation.Running {
		add(audit.CallIntended, "", after.CallKey(),
			append(callTexts(after.Current()), "attempt", strconv.Itoa(after.Attempts))...)
	}
	if after.State.Final() && !before.State.Final() {
		add(audit.Event("action."+string(after.State)), "", after.KeyARN, "outcome", after.Outcome,
			"guardrail", after.Guardrail, "error", after.LastError, "material", after.After.Material,
			"new_key", after.NewKeyARN)
	}
	return entries
}

// shown are the calls of which this step has seen that KMS shows their effect.
func shown(before, after *remediation.Action) (calls []*remediation.Call) {
	for i := before.At; i < min(after.At, len(after.Calls)); i++ {
		calls = append(calls, &after.Calls[i])
	}
	if after.State == remediation.Succeeded {
		calls = append(calls, after.Current())
	}
	return calls
}

// callTexts say what a call asks of KMS.
func callTexts(c *remediation.Call) []string {
	pairs := []string{
		"operation", string(c.Operation), "alias", c.Alias, "from", c.FromARN, "region", c.Region,
		"key_state", c.KeyState, "material", string(c.Material),
	}
	if c.PeriodDays > 0 {
		pairs = append(pairs, "period_days", strconv.Itoa(c.PeriodDays))
	}
	if c.Grant != nil {
		pairs = append(pairs, "grant", c.Grant.ID, "grantee", c.Grant.Grantee)
	}
	var tags []string
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		tags = append(tags, name+"="+c.Tags[name])
	}
	return append(pairs, "tags", strings.Join(tags, " "))
}

// plannedTexts say what an action is to do, why, and what it was planned on.
func plannedTexts(a *remediation.Action) []string {
	var calls []string
	for i := range a.Calls {
		calls = append(calls, string(a.Calls[i].Operation))
	}
	pairs := []string{
		"verb", string(a.Verb), "method", string(a.Method), "calls", strings.Join(calls, " "), "alias", a.Alias,
		"reason", a.Reason, "ticket", a.Ticket, "policy", a.Policy, "material", a.Before.Material,
		"on_demand_used", strconv.Itoa(a.Before.OnDemandUsed), "rotation_enabled", strconv.FormatBool(a.Before.Enabled),
		"key_state", a.Before.KeyState, "automatic", strconv.FormatBool(a.Automatic),
		"emergency", strconv.FormatBool(a.Emergency),
	}
	if a.BreakGlass {
		pairs = append(pairs, "break_glass", "true")
	}
	if a.PeriodDays > 0 {
		pairs = append(pairs, "period_days", strconv.Itoa(a.PeriodDays))
	}
	return pairs
}

// auditRequest writes down a person's request, and what the guardrails said.
func (n *notebook) auditRequest(r *request, plan *Planned) error {
	e := audit.Entry{
		Actor: r.requester.Name, Event: r.requested, Key: plan.Key.ARN, Incident: r.incident, Detail: maps.Clone(r.detail),
	}
	switch {
	case plan.Decision.Verdict == remediation.Refuse:
		e.Event = r.refused
		maps.Copy(e.Detail, texts("guardrail", plan.Decision.Guardrail, "because", plan.Decision.Reason))
	case plan.Action == nil:
		maps.Copy(e.Detail, texts("nothing_to_do", plan.NoAction))
	default:
		e.Action = plan.Action.ID
	}
	return n.audit(e)
}

// auditResume writes down that automatic actions may go on, and whether that arms a new state.
func (n *notebook) auditResume(by, incident string) error {
	pause, _, err := n.tx.Paused()
	if err != nil {
		return err
	}
	_, armed, err := n.tx.Armed()
	if err != nil {
		return err
	}
	return n.audit(audit.Entry{Actor: by, Event: audit.Resumed, Incident: incident, Detail: texts(
		"paused_by", pause.By, "paused_because", pause.Reason, "arms_new_state", strconv.FormatBool(!armed),
	)})
}

// texts are details by name, without those that say nothing.
func texts(pairs ...string) map[string]string {
	detail := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			detail[pair[0]] = pair[1]
		}
	}
	return detail
}

// tellHead tells the head of the audit log once in each interval: who keeps it elsewhere sees later whether the end of
// the log was cut off.
func (e *Engine) tellHead(now time.Time) error {
	return e.note(now, func(n *notebook) error {
		every, head := n.settings.TellHead, n.tx.AuditHead()
		if every == 0 || head.Seq == 0 {
			return nil
		}
		nth := strconv.Itoa(int(now.Sub(n.tx.Created()) / every))
		memory := n.tx.Memory()
		if nth == "0" || memory.Noted("heartbeat", now) == nth {
			return nil
		}
		memory.Note("heartbeat", nth, now, 3*every)
		if err := memory.Err(); err != nil {
			return err
		}
		shard := e.db.Shard()
		return n.tell(notify.Alert{
			ID: finding.AlertID(shard, "heartbeat", 1, every.String()+" "+nth), Kind: notify.Heartbeat, Created: now,
			Severity: finding.Informational, Shard: shard, Audit: &head,
			Note: fmt.Sprintf("The audit log has %d entries. Keep its head: it shows later whether entries are missing.",
				head.Seq),
		})
	})
}
