package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/incident"
)

const incidentID = "inc_01JPK00000000000000000AAAA"

// theIncident is what the small world has: one incident.
func theIncident() *incident.Incident {
	return &incident.Incident{
		ID: incidentID, Reason: "a laptop was \x1b[31mlost", Ticket: "INC-42", Keys: []string{payARN, ordersARN},
		Principals: []string{"arn:aws:iam::111122223333:user/mole"}, Actions: []string{"act_01JPK00000000000000000NEW1"},
		Opened: incident.Mark{At: before(3 * time.Hour), By: "uid:1000 (ann)"}, Since: before(7 * day),
		Notes: []incident.Note{{At: before(2 * time.Hour), By: "uid:1001 (bob)", Text: "told the owners"}},
	}
}

const openedByRotd = "inc_01JPK00000000000000000BBBB"

// theAutomatic is an incident that rotd opened of two findings.
func theAutomatic() *incident.Incident {
	f := []finding.Finding{
		{ID: "fnd_01JPK00000000000000000INC1", RuleID: "rotation-turned-off", KeyARN: payARN, EventID: "1"},
		{ID: "fnd_01JPK00000000000000000INC2", RuleID: "rotation-turned-off", KeyARN: ordersARN, EventID: "2"},
	}
	for i := range f {
		f[i].Severity, f[i].Title, f[i].PrincipalARN = finding.High, "Rotation was turned off", "role/mole\x1b[31m"
		f[i].FirstSeen = before(time.Hour).Add(time.Duration(i) * time.Minute)
		f[i].LastSeen, f[i].Subject = f[i].FirstSeen, finding.Subject{Type: finding.Key, ID: f[i].KeyARN}
	}
	i := incident.Begin(openedByRotd, before(time.Hour), []*finding.Finding{&f[0]})
	i.Open(&f[1], before(time.Hour))
	return i
}

func (d *fakeDaemon) Incidents(_ context.Context, q admin.IncidentQuery) (admin.Page[incident.Incident], error) {
	return pageOf([]incident.Incident{*theAutomatic(), *theIncident()}, q.Range, q.Keep), nil
}

func (d *fakeDaemon) Incident(_ context.Context, id string) (*admin.Dossier, error) {
	i := theIncident()
	switch id {
	case incidentID:
	case openedByRotd:
		i = theAutomatic()
	default:
		return nil, fmt.Errorf("incident %q: %w", id, admin.ErrNotFound)
	}
	lines := append(incident.People(i), incident.Finding(&d.findings[0])...)
	lines = append(lines, incident.Line{
		At: before(30 * time.Hour), Source: incident.FromUsage, Key: ordersARN, Who: "role/new\u202e",
		Text: "used the key for the first time that rotd knows of: 3 calls until 2026-03-14T11:00:00Z (Decrypt)",
	})
	return &admin.Dossier{
		Schema: incident.Schema, Generated: noon, Version: "1.2.3", Shard: "default", Incident: *i,
		Timeline: incident.Order(i, noon, lines), Findings: d.findings[:1], Actions: d.actions[:1],
		Audit:     []jsontext.Value{jsontext.Value(`{"seq":7}`)},
		AuditHead: audit.Head{Epoch: "default@2026-01-02T03:04:05Z", Seq: 9, Hash: strings.Repeat("9f", 32)},
	}, nil
}

func (d *fakeDaemon) OpenIncident(_ context.Context, r admin.IncidentRequest) (*incident.Incident, error) {
	return &incident.Incident{ID: incidentID, Reason: r.Reason, Keys: r.Keys}, nil
}

func (d *fakeDaemon) NoteIncident(_ context.Context, _, _, _ string) (*incident.Incident, error) {
	return theIncident(), nil
}

func (d *fakeDaemon) CloseIncident(_ context.Context, _, by, reason string) (*incident.Incident, error) {
	i := theIncident()
	i.Closed = &incident.Mark{At: noon, By: by, Reason: reason}
	return i, nil
}

func TestIncidentCommandsAsPeopleSeeThem(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		status admin.ExitStatus
	}{
		{name: "incident-open", args: []string{"open", "alias/pay-cards", "--reason", "a laptop was lost"}},
		{name: "incident-open-nothing", args: []string{"open", "--reason", "r"}, status: admin.ExitUsage},
		{name: "incident-open-reason", args: []string{"open", "alias/pay-cards"}, status: admin.ExitUsage},
		{name: "incident-list", args: []string{"list"}},
		{name: "incident-list-none", args: []string{"list", "--status", "closed"}},
		{name: "incident-timeline", args: []string{"timeline", incidentID}},
		{name: "incident-timeline-automatic", args: []string{"timeline", openedByRotd}},
		{name: "incident-timeline-csv", args: []string{"timeline", incidentID, "-o", "csv"}},
		{name: "incident-timeline-missing", args: []string{"timeline", "inc_nope"}, status: admin.ExitFailed},
		{name: "incident-note", args: []string{"note", incidentID, "told the owners"}},
		{name: "incident-note-what", args: []string{"note", incidentID}, status: admin.ExitUsage},
		{name: "incident-export", args: []string{"export", incidentID}},
		{name: "incident-close", args: []string{"close", incidentID, "--reason", "rotated and proven"}},
		{name: "incident-close-json", args: []string{"close", incidentID, "--reason", "over", "-o", "json"}},
	}
	socket := serve(t, newFakeDaemon())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			if got := s.run(t, append([]string{"--socket", socket, "incident"}, test.args...)...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			shown := s.out.String()
			if s.err.Len() > 0 {
				shown += "--- stderr\n" + s.err.String()
			}
			golden(t, test.name, shown)
		})
	}
}

func TestAnExportSaysWhatItWrote(t *testing.T) {
	file := filepath.Join(t.TempDir(), "incident.json")
	s := newSession(map[string]string{"ROTD_SOCKET": serve(t, newFakeDaemon())})
	if got := s.run(t, "incident", "export", incidentID, "-f", file); got != admin.ExitDone {
		t.Fatalf("exit status %d: %s", got, s.err.String())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("4 lines of the timeline, 1 finding, 1 action, 1 entry of the audit log; %d bytes, SHA-256 %x\n",
		len(raw), sha256.Sum256(raw))
	if !strings.HasSuffix(s.err.String(), want) {
		t.Errorf("says %q, want %q", s.err.String(), want)
	}
}
