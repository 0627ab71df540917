package notify

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/remediation"
)

// Schema names the JSON format.
const Schema = "rotd.alert/1"

// document is the JSON format: the group's gravest alert on top, all of them as items.
type document struct {
	Schema   string           `json:"schema"`
	AlertID  string           `json:"alert_id"`
	Kind     Kind             `json:"kind"`
	Severity finding.Severity `json:"severity"`
	Subject  string           `json:"subject"`
	Shard    string           `json:"shard,omitempty"`
	Created  time.Time        `json:"created"`
	Incident string           `json:"incident_id,omitempty"`
	Storm    bool             `json:"storm"`
	Part     int              `json:"part,omitzero"`
	Parts    int              `json:"parts,omitzero"`
	Items    any              `json:"items"` // []Alert, in a storm []stormItem
}

// stormItem is what a storm tells of each alert; the rest is in the daemon.
type stormItem struct {
	AlertID      string           `json:"alert_id"`
	Kind         Kind             `json:"kind"`
	Severity     finding.Severity `json:"severity"`
	RuleID       string           `json:"rule_id"`
	FindingID    string           `json:"finding_id,omitempty"`
	ActionID     string           `json:"action_id,omitempty"`
	Account      string           `json:"account"`
	Region       string           `json:"region"`
	KeyARN       string           `json:"key_arn"`
	Alias        string           `json:"alias,omitempty"`
	PrincipalARN string           `json:"principal_arn"`
	EventID      string           `json:"event_id"`
}

// JSON renders a group for programs, with every field of its alerts; texts are bounded and without control characters.
func JSON(g Group) Message {
	m := envelope(g)
	first := &g.Alerts[0]
	doc := document{
		Schema: Schema, AlertID: first.ID, Kind: first.Kind, Severity: first.Severity, Subject: m.Subject,
		Shard: first.Shard, Created: first.Created.UTC(), Incident: name(first.incident(), longTool),
		Storm: g.Storm, Part: g.Part, Parts: g.Parts,
	}
	if g.Storm {
		doc.Items = stormItems(g.Alerts)
	} else {
		items := make([]Alert, len(g.Alerts))
		for i, a := range g.Alerts {
			items[i] = bounded(a)
		}
		doc.Items = items
	}
	body, err := json.Marshal(doc)
	if err != nil {
		// Only a time outside the years 0 to 9999 can get here; the alert must go out all the same.
		body = fmt.Appendf(nil, `{"schema":%q,"alert_id":%q,"error":%q}`, Schema, ascii(first.ID), ascii(err.Error()))
	}
	m.Body = string(body)
	return m
}

func stormItems(alerts []Alert) []stormItem {
	items := make([]stormItem, len(alerts))
	for i := range alerts {
		a := &alerts[i]
		account, region := a.place()
		items[i] = stormItem{
			AlertID: name(a.ID, longTool), Kind: a.Kind, Severity: a.Severity, RuleID: name(a.rule(), longTool),
			Account: name(account, longTool), Region: name(region, longTool), Alias: name(alias(a), longTool),
		}
		if f := a.Finding; f != nil {
			items[i].FindingID = name(f.ID, longTool)
			items[i].KeyARN = name(f.KeyARN, longTitle)
			items[i].PrincipalARN = name(f.PrincipalARN, longTitle)
			items[i].EventID = name(f.EventID, longTool)
		}
		if act := a.Action; act != nil {
			items[i].ActionID = name(act.ID, longTool)
			items[i].KeyARN = name(act.KeyARN, longTitle)
		}
	}
	return items
}

// name is line for what is a name of AWS's or rotd's making, where nothing has to be escaped.
func name(s string, limit int) string {
	return strings.NewReplacer(`"`, "?", `\`, "?").Replace(line(s, limit))
}

// bounded copies an alert with every text in it made harmless and short enough that maxTogether of them fit.
func bounded(a Alert) Alert {
	names(longTitle, &a.ID, &a.Shard)
	a.Note = line(a.Note, longError)
	a.Created = a.Created.UTC()
	if a.Finding != nil {
		f := boundedFinding(*a.Finding)
		a.Finding = &f
	}
	if a.Action != nil {
		act := boundedAction(*a.Action)
		a.Action = &act
	}
	if a.Incident != nil {
		a.Incident = boundedIncident(a.Incident.Excerpt(MaxMembers))
	}
	return a
}

// boundedIncident bounds an excerpt in place: it is a copy already.
func boundedIncident(i *incident.Incident) *incident.Incident {
	names(longTitle, &i.ID, &i.Automatic.Story)
	i.Reason, i.Ticket = line(i.Reason, longError), line(i.Ticket, longTitle)
	i.Keys, i.Principals, i.Actions = some(i.Keys, longTitle), some(i.Principals, longTitle), some(i.Actions, longTool)
	i.Opened.By, i.Opened.Reason = line(i.Opened.By, longName), line(i.Opened.Reason, longTitle)
	for k := range i.Automatic.Members {
		m := &i.Automatic.Members[k]
		m.Title = line(m.Title, longTitle)
		names(longTool, &m.Finding, &m.RuleID, &m.Account, &m.Region, &m.Action)
		names(longTitle, &m.Alias, &m.Key, &m.Principal, &m.Subject.ID)
	}
	return i
}

func boundedFinding(f finding.Finding) finding.Finding {
	names(longTool, &f.ID, &f.ToldBy, &f.IncidentID, &f.RuleID, &f.Account, &f.Region, &f.VPCEndpoint)
	names(longTitle, &f.Fingerprint, &f.Partition, &f.EventID, &f.EventName,
		&f.SourceIP, &f.Shard, &f.Policy, &f.Move)
	names(longName, &f.KeyARN, &f.Alias, &f.PrincipalARN, &f.Subject.ID)
	f.Title, f.SessionName = line(f.Title, longTitle), line(f.SessionName, longTitle)
	f.UserAgent = line(f.UserAgent, longName)
	f.Why, f.ResolvedBy = line(f.Why, longError), line(f.ResolvedBy, longError)
	f.Description = paragraphs(f.Description, longText)
	f.Remedy, f.Mitre, f.ActionIDs = some(f.Remedy, longStep), some(f.Mitre, longTool), some(f.ActionIDs, longTool)
	f.Points = some(f.Points, longTool)
	if f.Suppressed != nil {
		by := *f.Suppressed
		by.By = line(by.By, longTitle)
		f.Suppressed = &by
	}
	return f
}

func boundedAction(act remediation.Action) remediation.Action {
	names(longTitle, &act.ID, &act.Account, &act.Region, &act.FindingID, &act.IncidentID, &act.Policy, &act.RequestID,
		&act.Guardrail, &act.Before.Material, &act.Before.KeyState, &act.After.Material, &act.After.KeyState)
	names(longName, &act.KeyARN, &act.Alias)
	act.Requester, act.Ticket = line(act.Requester, longName), line(act.Ticket, longName)
	act.Reason, act.Waiting = line(act.Reason, longError), line(act.Waiting, longError)
	act.LastError = line(act.LastError, longError)
	act.Outcome = paragraphs(act.Outcome, longText)
	act.Overrides = some(act.Overrides, longTool)
	act.RequesterIs = nil // for rotd's own judgement; Requester says who it was
	if act.Approval != nil {
		approval := boundedApproval(*act.Approval)
		act.Approval = &approval
	}
	act.NewKeyARN = name(act.NewKeyARN, longName)
	act.Calls = nil // with their policies and grants too long to send; rotd actions show has them
	return act
}

func boundedApproval(a remediation.Approval) remediation.Approval {
	a.Plan, a.Reason = line(a.Plan, longTool), line(a.Reason, longName)
	if a.By != nil {
		a.By = &remediation.Who{Name: line(a.By.Name, longName)}
	}
	return a
}

// names bounds what name is for.
func names(limit int, texts ...*string) {
	for _, text := range texts {
		*text = name(*text, limit)
	}
}

// paragraphs keeps line breaks, which JSON writes so that they pretend nothing.
func paragraphs(s string, limit int) string {
	lines := strings.Split(clip(s, limit), "\n")
	for i, l := range lines {
		lines[i] = line(l, limit)
	}
	return clip(strings.Join(lines, "\n"), limit)
}

// some copies the first few of a list.
func some(texts []string, limit int) []string {
	if texts == nil {
		return nil
	}
	bounded := make([]string, 0, maxRemedy)
	for _, t := range texts[:min(len(texts), maxRemedy)] {
		bounded = append(bounded, line(t, limit))
	}
	return bounded
}
