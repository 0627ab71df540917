package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
)

// blobs is a manifest in a folder of its own, which the command runs in.
func blobs(t *testing.T, lines ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	var manifest strings.Builder
	for i, l := range lines {
		if !strings.HasPrefix(l, "{") {
			l = fmt.Sprintf(`{"id":"row %d","ciphertext":%q,"context":{"a":"b"}}`, i+1,
				base64.StdEncoding.EncodeToString([]byte(l)))
		}
		manifest.WriteString(l + "\n")
	}
	if err := os.WriteFile("keys.jsonl", []byte(manifest.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReencryptSessions(t *testing.T) {
	tests := []struct {
		name, args string
		lines      []string
		change     func(*fakeDaemon)
		status     admin.ExitStatus
		results    int // lines in keys.jsonl.reencrypted
	}{
		{
			name: "reencrypt", args: "--from alias/orders --reason leaked --ticket INC-42 --yes", lines: []string{"one", "two"},
			results: 2,
		},
		{
			name: "reencrypt-in-part", args: "--reason leaked --yes", lines: []string{"one", "bad", `{"ciphertxt":"x"}`, "two"},
			status: admin.ExitUnfinished, results: 4,
		},
		{name: "reencrypt-dry-run", args: "--dry-run", lines: []string{"one", "bad"}, status: admin.ExitUnfinished},
		{name: "reencrypt-json", args: "--reason leaked --yes -o json", lines: []string{"one"}, results: 1},
		{
			name: "reencrypt-refused", args: "--reason leaked --yes", lines: []string{"one"}, status: admin.ExitRefused,
			change: func(d *fakeDaemon) {
				d.mayMove = remediation.Decision{
					Verdict: remediation.Refuse, Guardrail: "paused", Reason: "rotd is paused (ann paused rotd: freeze). " +
						"Run rotd resume when it may act again.",
				}
			},
		},
		{
			name: "reencrypt-waits", args: "--reason leaked --yes --wait 0s", lines: []string{"one"},
			status: admin.ExitUnfinished,
			change: func(d *fakeDaemon) { d.moveWaits = "KMS cannot be used at the moment (throttled): slow down" },
		},
		{
			name: "reencrypt-cancelled", args: "--reason leaked --yes", lines: []string{"one"}, status: admin.ExitRefused,
			change: func(d *fakeDaemon) {
				d.moveErr = admin.As(admin.ErrRefused, fmt.Errorf("mov_1 is cancelled: the job is over"))
			},
		},
		{name: "reencrypt-empty", args: "--reason leaked --yes", status: admin.ExitUsage},
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newFakeDaemon()
			if tt.change != nil {
				tt.change(d)
			}
			blobs(t, tt.lines...)
			s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
			args := "reencrypt --manifest keys.jsonl --to alias/pay-cards " + tt.args
			if got := s.run(t, strings.Fields(args)...); got != tt.status {
				t.Errorf("exit status %d, want %d", got, tt.status)
			}
			raw, _ := os.ReadFile("keys.jsonl.reencrypted") // none where none is wanted
			if n := strings.Count(string(raw), "\n"); n != tt.results {
				t.Errorf("%d results, want %d", n, tt.results)
			}
			shown := s.out.String() + "--- stderr\n" + s.err.String()
			t.Chdir(here)
			golden(t, tt.name, shown)
		})
	}
}

func TestAReencryptionGoesOnWhereItStopped(t *testing.T) {
	d := newFakeDaemon()
	blobs(t, "one", "two", "three")
	env := map[string]string{"ROTD_SOCKET": serve(t, d)}
	run := func(args ...string) (admin.ExitStatus, *session) {
		s := newSession(env)
		all := "reencrypt --manifest keys.jsonl --to alias/pay-cards --reason r --yes " + strings.Join(args, " ")
		return s.run(t, strings.Fields(all)...), s
	}
	d.moveWaits = "throttled"
	if got, _ := run("--wait", "0s"); got != admin.ExitUnfinished {
		t.Errorf("exit status %d", got)
	}
	d.moveWaits = ""
	got, s := run("--from", "alias/orders")
	if got != admin.ExitUsage || !strings.Contains(s.err.String(), "not of this request") {
		t.Errorf("exit status %d, %s", got, s.err.String())
	}
	if got, s := run(); got != admin.ExitDone || !strings.Contains(s.err.String(), "0 lines were done before") {
		t.Errorf("exit status %d, %s", got, s.err.String())
	}
	if len(d.jobs) != 1 {
		t.Errorf("%d jobs", len(d.jobs))
	}
	if got, s := run(); got != admin.ExitUsage || !strings.Contains(s.err.String(), "--force overwrites it") {
		t.Errorf("exit status %d, %s", got, s.err.String())
	}
	if got, _ := run("--force"); got != admin.ExitDone || len(d.jobs) != 2 {
		t.Errorf("exit status %d, %d jobs", got, len(d.jobs))
	}
	left, err := filepath.Glob("*")
	if err != nil || strings.Join(left, " ") != "keys.jsonl keys.jsonl.reencrypted" {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestReencryptObjectsSessions(t *testing.T) {
	all := reencrypt.Counts{Seen: 244, Moved: 230, Bytes: 2 << 30, Already: 3, Other: 9, Older: 230}
	some := all
	some.Failed = 2
	tests := []struct {
		name, args string
		moved      reencrypt.Counts
		status     admin.ExitStatus
	}{
		{"reencrypt-objects", "--from alias/orders --reason leaked --yes", all, admin.ExitDone},
		{"reencrypt-objects-in-part", "--reason leaked --yes", some, admin.ExitUnfinished},
		{"reencrypt-objects-goes-on", "--reason leaked --yes --wait 0s", reencrypt.Counts{}, admin.ExitUnfinished},
		{"reencrypt-objects-dry-run", "--dry-run", all, admin.ExitDone},
		{"reencrypt-objects-emergency", "--from alias/orders --reason leaked --yes --emergency", all, admin.ExitDone},
		{"reencrypt-objects-versions", "--reason leaked --yes --all-versions", all, admin.ExitRefused},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newFakeDaemon()
			d.moved = tt.moved
			if strings.Contains(tt.args, "--emergency") {
				d.mayMove = remediation.Decision{Verdict: remediation.Allow, Overridden: []string{"mode", "paused"}}
			}
			s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
			args := "reencrypt --s3 s3://exports/2026/ --to alias/pay-cards " + tt.args
			if got := s.run(t, strings.Fields(args)...); got != tt.status {
				t.Errorf("exit status %d, want %d", got, tt.status)
			}
			golden(t, tt.name, s.out.String()+"--- stderr\n"+s.err.String())
		})
	}
}

func TestAKeyShowsWhatWasMovedFromItAndToIt(t *testing.T) {
	d := newFakeDaemon()
	d.moves = []reencrypt.Move{
		{From: payARN, To: ordersARN, Blobs: 1, Bytes: 200, Failed: 2, First: before(day), Last: before(time.Hour)},
		{From: ordersARN, To: payARN, Objects: 230, Bytes: 2 << 30, First: before(day), Last: before(day)},
	}
	s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
	if got := s.run(t, "keys", "show", "alias/pay-cards"); got != admin.ExitDone {
		t.Errorf("exit status %d: %s", got, s.err.String())
	}
	_, shown, _ := strings.Cut(s.out.String(), "Re-encrypted\n")
	shown, _, _ = strings.Cut(shown, "\n\n")
	golden(t, "keys-show-moves", shown+"\n")
}

func TestReencryptJobs(t *testing.T) {
	d := newFakeDaemon()
	d.jobs = []reencrypt.Job{{
		ID: "mov_01JPK00000000000000000JOB1", Kind: reencrypt.Blobs, To: payARN, From: ordersARN, State: reencrypt.Running,
		Requester: "uid:1000 (ann)", Reason: "leaked", Ticket: "INC-42", Overrode: []string{"paused"}, Created: before(day),
		Updated: before(time.Hour), Total: 1000, Counts: reencrypt.Counts{Seen: 500, Moved: 497, Failed: 3, Bytes: 80_000},
		Failures: []reencrypt.Item{{What: "17", Failure: *reencrypt.Refusal("AccessDeniedException", "no "+evil)}},
	}}
	socket := serve(t, d)
	for _, tt := range []struct{ name, args string }{
		{"reencrypt-jobs", "jobs"},
		{"reencrypt-show", "show mov_01JPK00000000000000000JOB1"},
		{"reencrypt-jobs-csv", "jobs -o csv"},
		{"reencrypt-cancel", "cancel mov_01JPK00000000000000000JOB1 --reason mistake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(map[string]string{"ROTD_SOCKET": socket})
			if got := s.run(t, append([]string{"reencrypt"}, strings.Fields(tt.args)...)...); got != admin.ExitDone {
				t.Errorf("exit status %d: %s", got, s.err.String())
			}
			golden(t, tt.name, s.out.String())
		})
	}
}
