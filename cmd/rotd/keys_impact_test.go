package main

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"rotd/internal/admin"
	"rotd/internal/impact"
	"rotd/internal/inventory"
	"rotd/internal/usage"
)

func TestImpactAsPeopleSeeIt(t *testing.T) {
	const key = "alias/pay-cards"
	changed := func(change func(f *impact.Facts)) func(d *fakeDaemon) {
		return func(d *fakeDaemon) {
			d.facts = func() *impact.Facts {
				f := impactFacts()
				change(f)
				return f
			}
		}
	}
	tests := []struct {
		name   string
		change func(d *fakeDaemon)
		args   []string
		status admin.ExitStatus
	}{
		{name: "keys-impact", args: []string{"impact", key}},
		{name: "keys-impact-json", args: []string{"impact", key, "-o", "json"}},
		{name: "keys-impact-csv", args: []string{"impact", key, "-o", "csv"}, status: admin.ExitUsage},
		{name: "keys-impact-unknown", args: []string{"impact", "alias/nope"}, status: admin.ExitFailed},
		{name: "keys-impact-dying", args: []string{"impact", key}, change: changed(func(f *impact.Facts) {
			f.Key.State, f.Key.DeletionDate, f.Protected = "PendingDeletion", at(4*day), true
			f.Key.Grants, f.Key.Denied = nil, []string{"GetKeyPolicy", "ListGrants"}
			f.Record, f.Blinding, f.Findings = &usage.Record{}, nil, nil
		})},
		{name: "keys-impact-managed", args: []string{"impact", key}, change: changed(func(f *impact.Facts) {
			f.Key.Manager, f.Key.Grants = "AWS", &inventory.Grants{ReadAt: noon}
			f.WatchedSince = before(100 * day)
		})},
		{name: "keys-contents", args: []string{"contents", key}},
		{name: "keys-contents-to", args: []string{"contents", key, "--to", ordersARN}},
		{name: "keys-contents-json", args: []string{"contents", key, "--to", ordersARN, "-o", "json"}},
		{name: "keys-contents-none", args: []string{"contents", key}, change: changed(func(f *impact.Facts) {
			f.Record = &usage.Record{}
		})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDaemon()
			if test.change != nil {
				test.change(d)
			}
			s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
			if got := s.run(t, append([]string{"keys"}, test.args...)...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			shown := s.out.String()
			if s.err.Len() > 0 {
				shown += "--- stderr\n" + s.err.String()
			}
			golden(t, test.name, shown)
			fitsButCommands(t, s)
		})
	}
}

// fitsButCommands is fits where commands and addresses stay whole, so that they can be copied.
func fitsButCommands(t *testing.T, s *session) {
	t.Helper()
	for line := range strings.Lines(s.out.String()) {
		whole := regexp.MustCompile(`(aws|rotd) [a-z0-9]+ |https://|arn:`).MatchString(line)
		if s.cli.output == "table" && !whole && utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > 80 {
			t.Errorf("wider than 80 columns: %q", line)
		}
		if strings.ContainsFunc(strings.TrimSuffix(line, "\n"), isHidden) {
			t.Errorf("acts upon a terminal: %q", line)
		}
	}
}
