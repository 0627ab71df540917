package notify

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"rotd/internal/finding"
)

// Message is a group ready for SNS.
type Message struct {
	Subject string // under 100 characters of printable ASCII
	Body    string // under 256 KiB together with the attributes
	// Attributes are for subscriptions' filter policies, at most 10, none empty: severity, kind, status, rule_id,
	// account, region, key_alias, shard, alert_id, incident_id, all of the group's gravest alert.
	Attributes map[string]string
	GroupID    string // FIFO topics: messages about one key stay in order
	DedupeID   string // FIFO topics: the same alerts again within five minutes are not delivered again
}

// longSubject is SNS's limit, which it says as "less than 100".
const longSubject = 99

// envelope is a message without its body.
func envelope(g Group) Message {
	first := &g.Alerts[0]
	id := make([]string, len(g.Alerts))
	for i := range g.Alerts {
		id[i] = g.Alerts[i].ID
	}
	return Message{
		Subject:    subject(g),
		Attributes: attributes(first),
		GroupID:    hash(first.about()),
		DedupeID:   hash(id...),
	}
}

func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// subject says how grave, what, and which key, in what fits a phone's notification.
func subject(g Group) string {
	a := &g.Alerts[0]
	tag := subjectTag(a)
	if !g.Storm && len(g.Alerts) > 1 {
		tag = fmt.Sprintf("%s +%d", tag, len(g.Alerts)-1)
	}
	account, region := a.place()
	at := fmt.Sprintf(" (%s %s)", account, region)
	switch {
	case a.Incident != nil:
		at = fmt.Sprintf(" (%d, %s)", a.Incident.Automatic.Findings(), a.Incident.ID)
	case account == "" && region == "":
		at = ""
	}
	what := subjectWhat(g)
	head := "[" + tag + "] "
	return ascii(line(head+clip(what, max(longSubject-len(head)-len(at), longSubject/3))+at, longSubject))
}

func subjectTag(a *Alert) string {
	switch {
	case a.Kind == FindingResolved:
		return "RESOLVED"
	case a.Action != nil && a.Action.Emergency && a.Kind == ActionSucceeded:
		return "DONE, emergency"
	case a.Action != nil && a.Action.Emergency && strings.HasPrefix(string(a.Kind), "action-"):
		return short(a.Severity) + ", emergency"
	case a.Kind == ActionSucceeded:
		return "DONE"
	case a.Kind == InventoryDigest && a.Digest != nil:
		return short(a.Digest.Gravest())
	case a.Kind == FindingRaised, a.Kind == IncidentRaised:
		return short(a.Severity) + ", raised"
	case a.Kind == IncidentGrew:
		return short(a.Severity) + ", grew"
	case a.Kind == FindingMore:
		return short(a.Severity) + ", more"
	case a.Kind == FindingReminder:
		return short(a.Severity) + ", still open"
	}
	return short(a.Severity)
}

func short(s finding.Severity) string {
	if s == finding.Informational {
		return "INFO"
	}
	return s.String()
}

func subjectWhat(g Group) string {
	a := &g.Alerts[0]
	switch {
	case g.Storm:
		return fmt.Sprintf("%d x %s%s", len(g.Alerts), stormName(a), part(g))
	case a.Incident != nil:
		return a.Incident.Reason
	case a.Kind == InventoryDigest && a.Digest != nil:
		return fmt.Sprintf("rotd: first inventory, %d findings on %d keys", a.Digest.Total, a.Digest.Keys)
	case a.Action != nil && strings.HasPrefix(string(a.Kind), "action-"):
		return actionTitle(a.Action) + ": " + plainName(a)
	case a.Finding != nil && a.Finding.KeyARN == "" && a.Finding.Subject.Type == finding.AccountRegion:
		return a.Finding.Title // every subject line ends with account and Region
	case a.Finding != nil:
		return a.Finding.Title + ": " + plainName(a)
	}
	return selfTitle(a)
}

// plainName is shortName for a subject line, which has no room for quotes.
func plainName(a *Alert) string { return strings.Trim(shortName(a), `"`) }

func attributes(a *Alert) map[string]string {
	account, region := a.place()
	all := map[string]string{
		"severity":  a.Severity.String(),
		"kind":      string(a.Kind),
		"status":    status(a),
		"rule_id":   a.rule(),
		"account":   account,
		"region":    region,
		"key_alias": alias(a),
		"shard":     a.Shard,
		"alert_id":  a.ID,

		"incident_id": a.incident(),
	}
	for name, value := range all {
		if all[name] = line(value, longName); value == "" {
			delete(all, name)
		}
	}
	return all
}

// status is the finding's, else the action's state.
func status(a *Alert) string {
	switch {
	case a.Incident != nil:
		return a.Incident.Status()
	case a.Action != nil && strings.HasPrefix(string(a.Kind), "action-"):
		return string(a.Action.State)
	case a.Finding != nil:
		return string(a.Finding.Status)
	}
	return ""
}

func alias(a *Alert) string {
	switch {
	case a.Finding != nil && a.Finding.Alias != "":
		return a.Finding.Alias
	case a.Action != nil:
		return a.Action.Alias
	}
	return ""
}
