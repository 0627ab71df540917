package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/finding"
	"rotd/internal/suppression"
)

const (
	suppressionName = "sup_01JPK00000000000000000AAAA"
	scannersARN     = "arn:aws:iam::111122223333:role/scan-*"
)

// theSuppressions are what the small world has: one of rotd.yaml, one that ann made, one that has expired.
func theSuppressions() []suppression.Standing {
	return []suppression.Standing{
		{
			Suppression: suppression.Suppression{
				Name: "yearly-scan", Rules: []string{"denied-burst", "reconnaissance"}, Principals: []string{scannersARN},
				Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, Author: "jane@example.com",
				Reason: "the auditors' scan", Expires: noon.Add(20 * day),
			},
			Source: suppression.InRotdYAML, Hits: 1204, LastHit: at(-3 * time.Hour),
		},
		{
			Suppression: suppression.Suppression{
				Name: "old-alias", Rules: []string{"key-unused"},
				Keys:   []string{"arn:aws:kms:us-east-1:111122223333:alias/gone"},
				Author: "jane@example.com", Reason: "kept for restores", Expires: noon.Add(-time.Hour),
			},
			Source: suppression.InRotdYAML, Expired: true,
			Unresolved: []string{"arn:aws:kms:us-east-1:111122223333:alias/gone"},
		},
		{
			Suppression: suppression.Suppression{
				Name: suppressionName, Rules: []string{"key-disabled"}, Finding: "fnd_01JPK00000000000000000AAAA",
				Fingerprint: "v1:f", Principals: []string{"arn:aws:iam::111122223333:user/mole"}, Author: "uid:1000 (ann)",
				Reason: "CHG-7\x1b[31m", Created: before(2 * day), Expires: noon.Add(5 * day),
			},
			Source: suppression.InState, Hits: 3, LastHit: at(-time.Minute),
		},
	}
}

func (d *fakeDaemon) Suppressions(_ context.Context, r admin.Range) (admin.Page[suppression.Standing], error) {
	return pageOf(theSuppressions(), r, func(*suppression.Standing) bool { return true }), nil
}

func (d *fakeDaemon) TrySuppressions(_ context.Context, all []suppression.Suppression) (*suppression.Trial, error) {
	trial := &suppression.Trial{Since: before(30 * day), Examined: len(d.findings), Rows: []suppression.Would{}}
	if all[0].Name != "" {
		trial.LeftOut = []suppression.LeftOut{{By: all[0].Name, Why: `the daemon has no rule "x"`}}
	}
	for i := range d.findings {
		f := &d.findings[i]
		if f.ID != all[0].Finding && f.RuleID != append(all[0].Rules, "")[0] {
			continue
		}
		trial.Hidden++
		trial.Times += f.Count
		trial.Rows = append(trial.Rows, suppression.Would{
			By: all[0].Name, ID: f.ID, Rule: f.RuleID, Severity: f.Severity, Title: f.Title, Subject: f.About(),
			Principal: f.PrincipalARN, Source: f.SourceIP, Count: f.Count, FirstSeen: f.FirstSeen, LastSeen: f.LastSeen,
		})
	}
	return trial, nil
}

func (d *fakeDaemon) Suppress(_ context.Context, s suppression.Suppression, _ string) (
	*suppression.Suppression, error,
) {
	s.Name, s.Author, s.Created = suppressionName, "uid:1000 (ann)", noon
	if s.Finding != "" {
		s.Rules = []string{"key-disabled"}
	}
	if s.Reason == "refuse" {
		return nil, admin.As(admin.ErrInvalid, errors.New("rules[0]: trail-blinded cannot be suppressed"))
	}
	return &s, nil
}

func (d *fakeDaemon) EndSuppression(_ context.Context, name, _, _ string) (*suppression.Suppression, error) {
	if name != suppressionName {
		return nil, admin.As(admin.ErrNotFound, fmt.Errorf("unknown suppression %q", name))
	}
	return &theSuppressions()[2].Suppression, nil
}

func TestSuppressionCommandsAsPeopleSeeThem(t *testing.T) {
	rotdYAML := "testdata/suppressions.yaml"
	d := newFakeDaemon()
	d.findings[1].Hidden = true
	d.findings[1].Suppressed = &finding.Suppressed{By: suppressionName, Count: 12, Last: before(time.Minute)}
	of := []string{"findings", "suppress", d.findings[0].ID, "--for", "7d", "--reason", "planned, CHG-7"}
	rule := []string{"findings", "suppress", "--rule", d.findings[0].RuleID, "--account", "111122223333"}
	tests := []struct {
		name   string
		args   []string
		status admin.ExitStatus
	}{
		{name: "suppressions-list", args: []string{"suppressions", "list"}},
		{name: "suppressions-list-csv", args: []string{"suppressions", "list", "-o", "csv"}},
		{name: "suppressions-list-json", args: []string{"suppressions", "list", "-o", "json"}},
		{
			name: "suppressions-end",
			args: []string{"suppressions", "end", suppressionName, "--reason", "over"},
		},
		{name: "suppressions-end-reason", args: []string{"suppressions", "end", suppressionName}, status: admin.ExitUsage},
		{
			name: "suppressions-end-unknown", args: []string{"suppressions", "end", "nope", "--reason", "x"},
			status: admin.ExitFailed,
		},
		{name: "suppressions-dry-run", args: []string{"suppressions", "dry-run", rotdYAML}},
		{name: "suppressions-dry-run-json", args: []string{"suppressions", "dry-run", rotdYAML, "-o", "json"}},
		{name: "findings-suppress", args: append(of, "--yes")},
		{name: "findings-suppress-json", args: append(of, "--yes", "-o", "json")},
		{name: "findings-suppress-declined", args: of, status: admin.ExitFailed},
		{name: "findings-suppress-dry-run", args: append(rule, "--dry-run")},
		{name: "findings-suppress-dry-run-for", args: append(rule, "--dry-run", "--for", "7d")},
		{
			name: "findings-suppress-dry-run-for-ever", args: append(rule, "--dry-run", "--for", "ever"),
			status: admin.ExitUsage,
		},
		{name: "findings-suppress-nothing", args: []string{"findings", "suppress", "--for", "7d"}, status: admin.ExitUsage},
		{
			name: "findings-suppress-for", args: append(rule, "--reason", "x", "--for", "ever", "--yes"),
			status: admin.ExitUsage,
		},
		{
			name: "findings-suppress-both", args: append(of, "--account", "111122223333", "--yes"), status: admin.ExitUsage,
		},
		{
			name: "findings-suppress-refused", args: append(rule, "--reason", "refuse", "--for", "1d", "--yes"),
			status: admin.ExitUsage,
		},
		{name: "findings-list-suppressed", args: []string{"findings", "list", "--suppressed"}},
		{name: "findings-list-not-suppressed", args: []string{"findings", "list"}},
		{name: "findings-show-suppressed", args: []string{"findings", "show", d.findings[1].ID}},
	}
	socket := serve(t, d)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			if got := s.run(t, append([]string{"--socket", socket}, test.args...)...); got != test.status {
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

func TestWhatWasHiddenBySuppressingItWasNotRepeated(t *testing.T) {
	at := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	f := &finding.Finding{Hidden: true, Suppressed: &finding.Suppressed{By: "sup_1", Last: at}}
	if got := suppressedText(at, f); got != "by sup_1; nobody is told of this episode" {
		t.Error(got)
	}
	f.Suppressed.Count = 2
	if got := suppressedText(at, f); !strings.HasPrefix(got, "2 times, last 2026-03-14 12:00:00Z") {
		t.Error(got)
	}
}
