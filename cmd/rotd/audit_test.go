package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/audit"
	"rotd/internal/state"
)

// auditedDaemon has an audit log of a few entries.
func auditedDaemon(t *testing.T) *fakeDaemon {
	t.Helper()
	d := newFakeDaemon()
	db, err := state.Open(state.Options{
		Path: filepath.Join(t.TempDir(), "rotd.db"), Shard: "default", Now: noon.Add(-day),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	const action = "act_01JPK00000000000000000NEW1"
	err = db.Update(func(tx *state.Tx) error {
		for i, e := range []audit.Entry{
			{Actor: audit.Rotd, Event: audit.DaemonStarted, Detail: map[string]string{"version": "1.2.3"}},
			{
				Actor: "uid:1000 (ann)", Event: audit.RotateRequested, Key: payARN, Action: action,
				Detail: map[string]string{"reason": "it \x1b[31mleaked", "ticket": "INC-42"},
			},
			{
				Actor: audit.Rotd, Event: audit.CallIntended, Key: payARN, Action: action,
				Detail: map[string]string{"operation": "RotateKeyOnDemand", "attempt": "1"},
			},
			{
				Actor: "uid:1001 (bob)", Event: audit.RotateRefused, Key: ordersARN,
				Detail: map[string]string{"guardrail": "cooldown", "because": "=Too soon."},
			},
		} {
			e.Time = noon.Add(time.Duration(i-5) * time.Minute)
			if err := tx.Audit(e); err != nil {
				return err
			}
		}
		d.status.Audit = tx.AuditHead()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	d.db = db
	return d
}

func TestAuditCommandsAsPeopleSeeThem(t *testing.T) {
	tests := []struct {
		name   string
		args   []string
		status admin.ExitStatus
	}{
		{name: "audit-list", args: []string{"list"}},
		{name: "audit-list-csv", args: []string{"list", "-o", "csv"}},
		{name: "audit-list-jsonl", args: []string{"list", "-o", "jsonl", "--event", "call"}},
		{name: "audit-list-actor", args: []string{"list", "--actor", "bob"}},
		{name: "audit-list-key", args: []string{"list", "--key", payARN, "--since", "4m"}},
		{name: "audit-list-key-unknown", args: []string{"list", "--key", "alias/nope"}, status: admin.ExitFailed},
		{name: "audit-list-none", args: []string{"list", "--incident", "inc_1"}},
		{name: "audit-export", args: []string{"export", "--after", "3"}},
		{name: "audit-export-csv", args: []string{"export", "-o", "csv"}, status: admin.ExitUsage},
		{name: "audit-verify", args: []string{"verify"}},
		{
			name:   "audit-verify-truncated",
			args:   []string{"verify", "--head", "9:" + strings.Repeat("ab", 32), "--head", "5:" + strings.Repeat("cd", 32)},
			status: admin.ExitFailed,
		},
		{name: "audit-verify-json", args: []string{"verify", "-o", "json"}},
		{name: "audit-verify-no-head", args: []string{"verify", "--head", "latest"}, status: admin.ExitUsage},
		{name: "audit-verify-no-file", args: []string{"verify", "/nonexistent/audit.jsonl"}, status: admin.ExitFailed},
	}
	socket := serve(t, auditedDaemon(t))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			args := append([]string{"--socket", socket, "audit"}, test.args...)
			if got := s.run(t, args...); got != test.status {
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

func TestAnExportIsVerifiedWithoutADaemon(t *testing.T) {
	folder := t.TempDir()
	whole, begin, end := filepath.Join(folder, "a"), filepath.Join(folder, "b"), filepath.Join(folder, "c")
	socket := serve(t, auditedDaemon(t))
	run := func(want admin.ExitStatus, args ...string) string {
		t.Helper()
		s := newSession(nil)
		if got := s.run(t, append([]string{"audit"}, args...)...); got != want {
			t.Errorf("%v: exit status %d, want %d: %s", args, got, want, s.err.String())
		}
		return s.out.String()
	}
	run(admin.ExitDone, "export", "-f", whole, "--socket", socket)
	run(admin.ExitDone, "export", "-f", end, "--after", "3", "--socket", socket)
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(text)))
	write := func(path string, lines ...string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.TrimSuffix(strings.Join(lines, ""), "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(begin, lines[:3]...)
	says(t, run(admin.ExitDone, "verify", whole), "The audit log is whole: 5 entries.")
	says(t, run(admin.ExitDone, "verify", begin, end), "The audit log is whole: 5 entries.")
	says(t, run(admin.ExitFailed, "verify", end), "Entries 1 to 3 are missing at the beginning")

	write(begin, lines[0], lines[1], lines[2], strings.Replace(lines[3], `"attempt":"1"`, `"attempt":"2"`, 1), lines[4])
	says(t, run(admin.ExitFailed, "verify", begin), "Line 4: Entry 4 was altered")
}
