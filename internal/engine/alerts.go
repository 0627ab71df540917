package engine

import (
	"fmt"
	"time"

	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/notify"
	"rotd/internal/policy"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// findingAlert tells of a finding's transition, and what rotd does about it or why it does nothing.
func (n *notebook) findingAlert(
	f *finding.Finding, t finding.Transition, a *remediation.Action, why string,
) notify.Alert {
	shard := n.e.db.Shard()
	return notify.Alert{
		ID:      finding.AlertID(shard, f.Fingerprint, f.Episode, string(t)),
		Kind:    notify.KindOf(t),
		Created: n.now, Severity: f.Severity, Shard: shard,
		Finding: f, Action: a, Note: why,
	}
}

// actionAlert tells how an action ended. One that answers a finding goes where the finding went.
func (n *notebook) actionAlert(a *remediation.Action, f *finding.Finding) notify.Alert {
	shard := n.e.db.Shard()
	severity := finding.Low
	switch {
	case a.BreakGlass:
		severity = finding.Critical
	case a.Emergency:
		severity = finding.High
	case f != nil:
		severity = f.Severity
	}
	return notify.Alert{
		ID:      finding.AlertID(shard, a.ID, 1, string(a.State)),
		Kind:    notify.KindOfAction(a.State),
		Created: n.now, Severity: severity, Shard: shard,
		Finding: f, Action: a,
	}
}

// incidentAlert tells what is new about an incident; f, the gravest of it, may be nil.
func (n *notebook) incidentAlert(i *incident.Incident, f *finding.Finding, kind notify.Kind) notify.Alert {
	shard := n.e.db.Shard()
	return notify.Alert{
		ID:      finding.AlertID(shard, i.ID, i.Automatic.News, string(kind)),
		Kind:    kind,
		Created: n.now, Severity: i.Automatic.Severity, Shard: shard,
		Finding: f, Incident: i.Excerpt(notify.MaxMembers),
	}
}

// digestAlert tells what the first inventory of a place found, all at once.
func (n *notebook) digestAlert(place *Place, c state.Coverage, open []finding.Finding) notify.Alert {
	shard := n.e.db.Shard()
	d := notify.NewDigest(place.Account, place.Region, n.now, c.Keys, open)
	at := latest(c.FirstSeen, c.FirstFacts).Format(time.RFC3339)
	return notify.Alert{
		ID:      finding.AlertID(shard, "digest "+place.String(), 1, at),
		Kind:    notify.InventoryDigest,
		Created: n.now, Severity: d.Gravest(), Shard: shard, Digest: d,
		Note: n.afterBaseline(),
	}
}

// afterBaseline says what follows from the first inventory.
func (n *notebook) afterBaseline() string {
	const then = "From now on only what changes is told. "
	switch {
	case n.settings.Guardrails.MaxMode == policy.Observe:
		return then + "rotd only watches: rotd.yaml says mode observe."
	case n.settings.ArmOnNewState && n.settings.Guardrails.MaxMode == policy.Propose:
		return then + "Where a policy is in mode propose, rotd asks somebody to approve what would put drift right."
	case n.settings.ArmOnNewState:
		return then + "Where a policy is in mode enforce, rotd puts drift right by itself."
	}
	return then + "Nothing is put right, or proposed, before somebody runs `rotd resume`."
}

// reminder tells again of a finding about rotd itself that stays open.
func (n *notebook) reminder(f *finding.Finding, nth int) notify.Alert {
	shard := n.e.db.Shard()
	return notify.Alert{
		ID:      finding.AlertID(shard, f.Fingerprint, f.Episode, fmt.Sprintf("reminder:%d", nth)),
		Kind:    notify.FindingReminder,
		Created: n.now, Severity: f.Severity, Shard: shard, Finding: f,
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
