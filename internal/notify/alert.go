// Package notify turns alerts into messages: it groups what belongs together, routes it to topics, renders it for
// people and for programs, and publishes it over SNS. Which alerts there are, and which were told already, is kept by
// others; nothing here remembers anything.
package notify

import (
	"cmp"
	"strings"
	"time"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/remediation"
)

// Alert is one thing to be told once: a transition of one episode of a finding, the end of an action, a digest, or
// word about rotd itself. It is kept as JSON until it was told.
type Alert struct {
	ID       string           `json:"alert_id"` // finding.AlertID: the same however often it has to be sent
	Kind     Kind             `json:"kind"`
	Created  time.Time        `json:"created"`
	Severity finding.Severity `json:"severity"`
	Shard    string           `json:"shard,omitempty"`

	// Finding is what a finding-… alert tells of; with an action-… alert, the finding that started the action; with an
	// incident-… alert, the gravest that is new.
	Finding *finding.Finding `json:"finding,omitempty"`
	// Action is what an action-… alert tells of; with a finding-… alert, what rotd does about it.
	Action *remediation.Action `json:"action,omitempty"`
	// Incident is what an incident-… alert tells of, as it was then: an excerpt.
	Incident *incident.Incident `json:"incident,omitempty"`
	Digest   *Digest            `json:"digest,omitempty"`
	// Audit is where the audit log ends at the moment, with a heartbeat.
	Audit *audit.Head `json:"audit,omitempty"`

	// Note is one sentence in rotd's own words. With a finding and no Action: why rotd does nothing about it; with a
	// digest: what follows; with heartbeat and self: the message itself.
	Note string `json:"note,omitempty"`
}

// Kind is what an alert tells of.
type Kind string

// Kinds of alerts.
const (
	FindingOpened   Kind = "finding-opened"
	FindingRaised   Kind = "finding-raised"   // a graver severity in the same episode
	FindingMore     Kind = "finding-more"     // more of the same kind in the same episode: another account, a nearer date
	FindingReminder Kind = "finding-reminder" // still open after the repeat interval
	FindingResolved Kind = "finding-resolved"

	IncidentRaised Kind = "incident-raised" // findings are one incident now, graver than what was told; or it became that
	IncidentGrew   Kind = "incident-grew"   // what else is new about it: nobody need be woken again

	ActionSucceeded Kind = "action-succeeded"
	ActionFailed    Kind = "action-failed"
	ActionCancelled Kind = "action-cancelled"
	ActionExpired   Kind = "action-expired"
	ActionAwaiting  Kind = "action-awaiting-approval"

	InventoryDigest Kind = "digest" // the first complete inventory of an account and Region
	Heartbeat       Kind = "heartbeat"
	Self            Kind = "self" // about rotd, without a finding
)

// KindOf is the kind of alert that a transition of a finding asks for, "" for none.
func KindOf(t finding.Transition) Kind {
	switch t {
	case finding.NoTransition:
		return ""
	case finding.Opened:
		return FindingOpened
	case finding.Closed:
		return FindingResolved
	}
	if strings.HasPrefix(string(t), "more:") {
		return FindingMore
	}
	return FindingRaised
}

// KindOfAction is the kind of alert that an action's state asks for, "" while people have nothing to do about it.
func KindOfAction(s remediation.State) Kind {
	switch s {
	case remediation.Succeeded:
		return ActionSucceeded
	case remediation.Failed:
		return ActionFailed
	case remediation.Cancelled:
		return ActionCancelled
	case remediation.Expired:
		return ActionExpired
	case remediation.AwaitingApproval:
		return ActionAwaiting
	default:
		return ""
	}
}

// rule is the rule or check an alert is about, "" for none.
func (a *Alert) rule() string {
	if a.Finding != nil {
		return a.Finding.RuleID
	}
	return ""
}

// about is what alerts are grouped by: the key they concern, else whatever they are about. An incident that became
// graver goes with its first finding, if that was not told yet; what wakes nobody goes with nothing that might.
func (a *Alert) about() string {
	switch {
	case a.Kind == IncidentGrew && a.Incident != nil:
		return "incident " + a.Incident.ID
	case a.Incident != nil && len(a.Incident.Automatic.Members) > 0:
		m := &a.Incident.Automatic.Members[0]
		return cmp.Or(m.Key, string(m.Subject.Type)+" "+m.Subject.ID)
	case a.Finding != nil && a.Finding.KeyARN != "":
		return a.Finding.KeyARN
	case a.Action != nil:
		return a.Action.KeyARN
	case a.Finding != nil:
		return string(a.Finding.Subject.Type) + " " + a.Finding.Subject.ID
	}
	return string(a.Kind) + " " + a.ID
}

// incident is the id of the incident that an alert belongs to, "" for none.
func (a *Alert) incident() string {
	switch {
	case a.Incident != nil:
		return a.Incident.ID
	case a.Finding != nil:
		return a.Finding.IncidentID
	}
	return ""
}

// place is where an alert's subject lives; either may be empty.
func (a *Alert) place() (account, region string) {
	switch {
	case a.Incident != nil && len(a.Incident.Automatic.Members) > 0:
		m := &a.Incident.Automatic.Members[0]
		return m.Account, m.Region
	case a.Finding != nil:
		return a.Finding.Account, a.Finding.Region
	case a.Action != nil:
		return a.Action.Account, a.Action.Region
	case a.Digest != nil:
		return a.Digest.Account, a.Digest.Region
	}
	return "", ""
}

// weight is how grave an alert is: for one about a finding at least as grave as the finding, so that what ends an
// episode goes where its opening went.
func (a *Alert) weight() finding.Severity {
	if a.Finding != nil {
		return max(a.Severity, a.Finding.Severity)
	}
	return a.Severity
}
