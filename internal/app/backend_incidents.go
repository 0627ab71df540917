package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/engine"
	"rotd/internal/finding"
	"rotd/internal/history"
	"rotd/internal/incident"
	"rotd/internal/remediation"
	"rotd/internal/state"
	"rotd/internal/usage"
)

// maxOfIncident bounds the findings, and the audit entries, that are read of an incident.
const maxOfIncident = 5_000

// Incidents returns a page of incidents, newest first.
func (b *backend) Incidents(_ context.Context, q admin.IncidentQuery) (page admin.Page[incident.Incident], err error) {
	err = b.d.db.View(func(tx *state.Tx) error {
		page.Items, page.Next, err = tx.Incidents(q.After, q.Limit, q.Keep)
		return err
	})
	return page, err
}

// OpenIncident opens an incident.
func (b *backend) OpenIncident(_ context.Context, r admin.IncidentRequest) (*incident.Incident, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	i, err := b.d.engine.OpenIncident(engine.IncidentRequest{
		Keys: r.Keys, Principals: r.Principals, Reason: r.Reason, Ticket: r.Ticket,
		Before: time.Duration(r.BeforeSeconds) * time.Second, Requester: r.Requester,
	})
	return i, asAdmin(err)
}

// NoteIncident writes something down about an open incident.
func (b *backend) NoteIncident(_ context.Context, id, by, text string) (*incident.Incident, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	i, err := b.d.engine.NoteIncident(id, by, text)
	return i, asAdmin(err)
}

// CloseIncident ends an open incident.
func (b *backend) CloseIncident(_ context.Context, id, by, reason string) (*incident.Incident, error) {
	if err := b.started(); err != nil {
		return nil, err
	}
	i, err := b.d.engine.CloseIncident(id, by, reason)
	return i, asAdmin(err)
}

// Incident gathers everything that is known of an incident.
func (b *backend) Incident(_ context.Context, id string) (*admin.Dossier, error) {
	g := gathering{db: b.d.db, Dossier: admin.Dossier{
		Schema: incident.Schema, Generated: time.Now().UTC(), Version: b.d.opts.Version, Shard: b.d.db.Shard(),
		Findings: []finding.Finding{}, Actions: []remediation.Action{}, Audit: []jsontext.Value{},
	}}
	err := b.d.db.View(func(tx *state.Tx) error {
		i, err := tx.Incident(id)
		if err == nil && i == nil {
			err = fmt.Errorf("incident %q: %w", id, admin.ErrNotFound)
		}
		if err == nil {
			g.Incident, g.AuditHead = *i, tx.AuditHead()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	g.lines = incident.People(&g.Incident)
	for _, step := range []func() error{g.findings, g.entries, g.actions, g.keys} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	g.Timeline = incident.Order(&g.Incident, g.Generated, g.lines)
	return &g.Dossier, nil
}

// gathering is a dossier in the making. No transaction stays open from one page to the next.
type gathering struct {
	admin.Dossier
	db    *state.DB
	lines []incident.Line
}

// findings gathers its own, and those about its keys and principals that were seen in its time.
func (g *gathering) findings() error {
	i := &g.Incident
	for after, more := "", true; more; more = after != "" {
		var found []finding.Finding
		err := g.db.View(func(tx *state.Tx) (err error) {
			found, after, err = tx.Findings(after, admin.MaxRows, func(f *finding.Finding) bool {
				return f.IncidentID == i.ID || i.Concerns(f.KeyARN, f.PrincipalARN) && !f.LastSeen.Before(i.Since) &&
					!f.FirstSeen.After(i.Until(g.Generated))
			})
			return err
		})
		if err != nil {
			return err
		}
		g.Findings = append(g.Findings, found...)
		if len(g.Findings) > maxOfIncident {
			g.Findings, g.Partial = g.Findings[:maxOfIncident], true
			break
		}
	}
	for k := range g.Findings {
		g.lines = append(g.lines, incident.Finding(&g.Findings[k])...)
	}
	return nil
}

// entries gathers what the audit log says of it and of its keys, the newest first, back to its beginning.
func (g *gathering) entries() error {
	i := &g.Incident
	var lines []incident.Line
	for after, more := "", true; more; more = after != "" {
		over := false
		var entries []audit.Entry
		err := g.db.View(func(tx *state.Tx) (err error) {
			entries, after, err = tx.AuditEntries(after, admin.MaxRows, func(e *audit.Entry) bool {
				over = over || e.Time.Before(i.Since)
				return !over && (e.Incident == i.ID || i.Concerns(e.Key, "") && !e.Time.After(i.Until(g.Generated)))
			})
			for k := range entries {
				line, _ := tx.AuditLines(entries[k].Seq-1, 1)
				g.Audit = append(g.Audit, line[0])
			}
			return err
		})
		if err != nil {
			return err
		}
		for k := range entries {
			if line, ok := incident.Entry(&entries[k]); ok {
				lines = append(lines, line)
			}
		}
		if g.Partial = g.Partial || len(g.Audit) > maxOfIncident; over || len(g.Audit) > maxOfIncident {
			break
		}
	}
	slices.Reverse(g.Audit)
	slices.Reverse(lines) // those of one transaction have one time
	g.lines = append(g.lines, lines...)
	return nil
}

// actions gathers those that were begun for it, and on its keys in its time.
func (g *gathering) actions() error {
	i := &g.Incident
	return g.db.View(func(tx *state.Tx) error {
		seen := make(map[string]bool)
		add := func(a *remediation.Action) {
			if a != nil && !seen[a.ID] {
				seen[a.ID] = true
				g.Actions = append(g.Actions, *a)
			}
		}
		for _, id := range i.Actions {
			a, err := tx.Action(id)
			if err != nil {
				return err
			}
			add(a)
		}
		for _, arn := range i.Keys {
			on, err := tx.ActionsOn(arn, admin.MaxRows)
			if err != nil {
				return err
			}
			for k := range on {
				if !on[k].Created.Before(i.Since) && !on[k].Created.After(i.Until(g.Generated)) {
					add(&on[k])
				}
			}
		}
		return nil
	})
}

// keys gathers the facts about its keys, what changed about them, and who used them.
func (g *gathering) keys() error {
	i := &g.Incident
	for _, arn := range i.Keys {
		err := g.db.View(func(tx *state.Tx) error {
			key, err := tx.Key(arn)
			if err != nil || key == nil {
				return err
			}
			g.Keys = append(g.Keys, *key)
			kept, err := tx.History(arn)
			if err != nil {
				return err
			}
			for _, l := range history.Timeline(key, kept) {
				g.lines = append(g.lines, historyLine(arn, &l))
			}
			used, err := tx.Usage(arn, usage.NewWindow(i.Since, g.Generated))
			if err == nil {
				g.lines = append(g.lines, incident.Usage(i, arn, used)...)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// historyLine is a line of a key's history as an incident shows it.
func historyLine(arn string, l *history.Line) incident.Line {
	line := incident.Line{At: l.At, Source: incident.FromHistory, Key: arn, Text: l.Text}
	if len(l.Evidence) > 0 {
		line.Who, line.Ref = l.Evidence[0].Principal, l.Evidence[0].EventID
	}
	return line
}
