package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
)

func TestReplayAsPeopleAndProgramsSeeIt(t *testing.T) {
	const trail, malformed = "../../testdata/trail", "../../testdata/trail-malformed"
	yaml := filepath.Join(t.TempDir(), "rotd.yaml")
	text := "intake: {queues: [{url: https://sqs.eu-west-1.amazonaws.com/111122223333/rotd}]}\n" +
		"policies: [{name: all, rotation: {max_age: 365d}, " +
		"principals: {allow: [\"arn:aws:iam::111122223333:user/mallory\", " +
		"\"arn:aws:iam::111122223333:role/services/*\"]}}]\n" +
		"detections: {disable: [dead-key-used], severity: {root-used-key: CRITICAL}}\n"
	if err := os.WriteFile(yaml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	suppressing := filepath.Join(t.TempDir(), "rotd.yaml")
	text += "suppressions: [{name: all, rules: [key-deleted, write-without-mfa], accounts: [\"111122223333\"], " +
		"author: jane, reason: drill, expires: 2026-11-18}]\n"
	if err := os.WriteFile(suppressing, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		args   []string
		status admin.ExitStatus
	}{
		{"replay", []string{"replay", trail}, admin.ExitDone},
		{"replay-jsonl", []string{"replay", "-o", "jsonl", trail}, admin.ExitDone},
		{"replay-json", []string{"replay", "-o", "json", malformed}, admin.ExitUnfinished},
		{"replay-csv", []string{"replay", "-o", "csv", malformed}, admin.ExitUnfinished},
		{"replay-configured", []string{"replay", "-c", yaml, trail}, admin.ExitDone},
		{"replay-suppressed", []string{"replay", "-c", suppressing, trail}, admin.ExitDone},
		{"replay-since", []string{"replay", "--since", "2026-11-17T12:30:00Z", trail}, admin.ExitDone},
		{"replay-against", []string{"replay", "--against", yaml, trail}, admin.ExitDone},
		{"replay-against-jsonl", []string{"replay", "-o", "jsonl", "--against", yaml, trail}, admin.ExitDone},
		{"replay-backwards", []string{"replay", "--since", "2026-11-18", "--until", "2026-11-17", trail}, admin.ExitUsage},
		{"replay-against-csv", []string{"replay", "-o", "csv", "--against", yaml, trail}, admin.ExitUsage},
		{"replay-missing", []string{"replay", "no/such/folder"}, admin.ExitUnfinished},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			if got := s.run(t, test.args...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			shown := s.out.String()
			if s.err.Len() > 0 {
				shown += "--- stderr\n" + s.err.String()
			}
			golden(t, test.name, withoutWords(shown))
		})
	}
}

// withoutWords leaves out how rules word what they found: that is theirs.
func withoutWords(shown string) string {
	for pattern, instead := range map[string]string{
		`(?m)^  what .*\n(?: {16}.*\n)*`:               "  what          ...\n",
		`"description": ?"(?:[^"\\]|\\.)*"`:            `"description":"..."`,
		`"remedy": ?\[(?:[^"\]]|"(?:[^"\\]|\\.)*")*\]`: `"remedy":[]`,
	} {
		shown = regexp.MustCompile(pattern).ReplaceAllString(shown, instead)
	}
	return shown
}

func TestReplayOfTheRealAttack(t *testing.T) {
	const attack = "../../../shared/testdata/cloudtrail/real/attack-2023-07-10"
	if _, err := os.Stat(attack); err != nil {
		t.Skip("the recorded attack is not there: ", err)
	}
	s := newSession(nil)
	if got := s.run(t, "replay", "-o", "jsonl", attack); got != admin.ExitDone {
		t.Fatalf("exit status %d: %s", got, s.err.String())
	}
	lines := strings.Split(strings.TrimSpace(s.out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), s.out.String())
	}
	for i, want := range []string{
		`"event_name":"PutEventSelectors","event_time":"2023-07-10T12:00:08Z"`,
		`"event_name":"DeleteTrail","event_time":"2023-07-10T12:08:04Z"`,
		`"event_name":"DeleteTrail","event_time":"2023-07-10T12:08:04Z"`,
		`{"type":"summary","files":55,"records":2900,"kms_records":240,`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d has no %s:\n%s", i+1, want, lines[i])
		}
	}
}

func TestHealthAsksOverHTTPWhereThereIsNoSocket(t *testing.T) {
	reasons := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.String() != "/readyz?verbose" {
			t.Errorf("asked for %s", r.URL)
		}
		if reasons != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintf(w, `{"ready":%t,"reasons":[%s]}`, reasons == "", reasons)
	}))
	defer server.Close()
	yaml := filepath.Join(t.TempDir(), "rotd.yaml")
	text := "intake: {queues: [{url: https://sqs.us-east-1.amazonaws.com/111122223333/rotd}]}\n" +
		"admin: {socket: /nowhere/s, http: " + strings.TrimPrefix(server.URL, "http://") + "}\n"
	if err := os.WriteFile(yaml, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSession(map[string]string{"ROTD_CONFIG": yaml})
	if got := s.run(t, "health"); got != admin.ExitDone || s.out.String() != "ready\n" {
		t.Errorf("exit status %d, %q, %q", got, s.out.String(), s.err.String())
	}
	reasons = `"queue rotd: access denied"`
	s.out.Reset()
	got, want := s.run(t, "health"), "not ready:\n- queue rotd: access denied\n"
	if got != admin.ExitFailed || s.out.String() != want {
		t.Errorf("exit status %d, %q, %q", got, s.out.String(), s.err.String())
	}
	server.Close()
	if got := s.run(t, "health"); got != admin.ExitNoDaemon {
		t.Errorf("exit status %d, %q", got, s.err.String())
	}
}

func TestConfigCommands(t *testing.T) {
	s := newSession(nil)
	if got := s.run(t, "config", "init"); got != admin.ExitDone {
		t.Fatalf("init: exit status %d", got)
	}
	path := filepath.Join(t.TempDir(), "rotd.yaml")
	if err := os.WriteFile(path, s.out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.out.Reset()
	if got := s.run(t, "config", "validate", path); got != admin.ExitDone ||
		s.out.String() != path+" is valid: mode observe, 1 queue, 2 policies, 1 topic.\n" {
		t.Errorf("what init prints: exit status %d, %q, %q", got, s.out.String(), s.err.String())
	}
	if err := os.WriteFile(path, []byte("mode: observ\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.run(t, "config", "validate", "-c", path); got != admin.ExitUsage ||
		!strings.Contains(s.err.String(), "rotd.yaml:1:7: mode: ") {
		t.Errorf("an invalid one: exit status %d, %q", got, s.err.String())
	}
	s.out.Reset()
	if got := s.run(t, "config", "schema"); got != admin.ExitDone || !strings.HasPrefix(s.out.String(), "{") {
		t.Errorf("schema: exit status %d", got)
	}
}

func TestCatalogueCommands(t *testing.T) {
	s := newSession(nil)
	if got := s.run(t, "detections", "list", "-o", "jsonl"); got != admin.ExitDone {
		t.Errorf("list: exit status %d", got)
	}
	if n := strings.Count(s.out.String(), `{"type":"detection","id":"`); n != len(catalogue(nil)) {
		t.Errorf("%d of %d rules and checks listed", n, len(catalogue(nil)))
	}
	s.out.Reset()
	if got := s.run(t, "detections", "show", "trail-blinded"); got != admin.ExitDone {
		t.Errorf("show: exit status %d", got)
	}
	if !strings.HasPrefix(s.out.String(), "trail-blinded  rule, CRITICAL\n") {
		t.Errorf("show: %q", s.out.String())
	}
	if got := s.run(t, "detections", "show", "queue-without-redrive"); got != admin.ExitDone {
		t.Errorf("what rotd finds about itself: exit status %d", got)
	}
	if got := s.run(t, "detections", "show", "nope"); got != admin.ExitFailed {
		t.Errorf("an unknown one: exit status %d", got)
	}
	s.out.Reset()
	if got := s.run(t, "version", "-o", "json"); got != admin.ExitDone ||
		!strings.Contains(s.out.String(), `"version": "devel"`) {
		t.Errorf("version: exit status %d, %q", got, s.out.String())
	}
}

func TestColoursAreForTerminalsThatWantThem(t *testing.T) {
	tests := []struct {
		name   string
		change func(s *session)
		env    map[string]string
		args   []string
		want   bool
	}{
		{name: "a terminal", want: true},
		{name: "no terminal", change: func(s *session) { s.cli.terminal = terminal{} }},
		{name: "--no-color", args: []string{"--no-color"}},
		{name: "NO_COLOR", env: map[string]string{"NO_COLOR": "1"}},
		{name: "a dumb terminal", env: map[string]string{"TERM": "dumb"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(test.env)
			if test.change != nil {
				test.change(s)
			}
			status := execute(t.Context(), s.cli, append([]string{"detections", "list"}, test.args...))
			if got := strings.Contains(s.out.String(), string(alarm)); got != test.want || status != admin.ExitDone {
				t.Errorf("colours: %v, exit status %d", got, status)
			}
		})
	}
}

func TestProgressIsOneLineOnATerminal(t *testing.T) {
	s := newSession(nil)
	s.cli.terminal.err = true
	p := newProgress(s.cli)
	p.show("reading")
	p.end()
	p.end()
	if diff := cmp.Diff("\r\x1b[Kreading (0s)\r\x1b[K", s.err.String()); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestTimesForPeople(t *testing.T) {
	tests := []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "-"},
		{noon, "now"},
		{before(59 * time.Second), "59s ago"},
		{before(60 * time.Minute), "1h ago"},
		{before(90 * time.Minute), "1h30m ago"},
		{before(47 * time.Hour), "47h ago"},
		{before(48 * time.Hour), "2d ago"},
		{before(729 * day), "729d ago"},
		{before(3 * 365 * day), "3y ago"},
		{noon.Add(5 * time.Minute), "in 5m"},
	}
	for _, test := range tests {
		if got := ago(noon, test.at); got != test.want {
			t.Errorf("%v: %q, want %q", test.at, got, test.want)
		}
	}
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour,
	} {
		if got, err := parseFor(text); err != nil || got != want {
			t.Errorf("for %q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]time.Time{
		"": {}, "24h": before(24 * time.Hour), "7d": before(7 * day), "1d12h": before(36 * time.Hour),
		"2026-03-14T12:00:00Z": noon,
		"2026-03-01":           time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := parseSince(noon, text); err != nil || !got.Equal(want) {
			t.Errorf("since %q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"d", "0d", "-1d", "90", "1.5d", "090d", " 90d", "90dd", "106752d"} {
		if days, err := parseDays(text); err == nil {
			t.Errorf("%q is %d days", text, days)
		}
	}
}

func TestHostileTextIsShownAsText(t *testing.T) {
	if got, want := clean("a\x1b[31m\u202e\u200b\u0007\r\nb\u2028c\u009bd"), "a?[31m???  b c?d"; got != want {
		t.Errorf("clean: %q, want %q", got, want)
	}
	raw := []byte("{\"a\":\"x\u009b\u202e\u2028\U000e0041é\"}")
	want := `{"a":"x\u009b\u202e\u2028\udb40\udc41é"}`
	if got := string(cleanJSON(raw)); got != want {
		t.Errorf("JSON: %s, want %s", got, want)
	}
	for text, want := range map[string]string{"=1+1": "'=1+1", "@x": "'@x", "-": "-", "": "", "alias/a": "alias/a"} {
		if got := noFormula(text); got != want {
			t.Errorf("CSV of %q: %q", text, got)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[31m\u202e\r\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		if got := clean(text); strings.ContainsFunc(got, isHidden) {
			t.Errorf("%q is cleaned to %q", text, got)
		}
		if got := cleanText(text); strings.Count(got, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q has other lines: %q", text, got)
		}
	})
}

func TestTableCutsOnlyWhatMayBeCut(t *testing.T) {
	columns := []column[string]{
		{title: "A", value: func(string) string { return "fixed" }},
		{title: "B", flex: true, value: func(s string) string { return s }},
		{title: "C", below: true, value: func(string) string { return "the third" }},
	}
	long := strings.Repeat("x", 60)
	tests := []struct {
		name  string
		width int
		want  string
	}{
		{"wide enough", 100, "A      B" + strings.Repeat(" ", 61) + "C\nfixed  " + long + "  the third\n"},
		{"no terminal", 0, "A      B" + strings.Repeat(" ", 61) + "C\nfixed  " + long + "  the third\n"},
		{"narrow", 40, "A      B\nfixed  " + long[:32] + "…\n       the third\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			s.cli.terminal.width = test.width
			var out bytes.Buffer
			printTable(s.cli, &out, columns, []string{long})
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
		})
	}
}
