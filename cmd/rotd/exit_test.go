package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
	"rotd/internal/app"
	"rotd/internal/config"
	"rotd/internal/remediation"
)

func TestWrongUseEndsWith2AndAHint(t *testing.T) {
	tests := []struct {
		name string
		args string
		err  string
	}{
		{"an unknown command", "findngs", "rotd: unknown command \"findngs\"; did you mean findings?; see `rotd --help`\n"},
		{"a command far from any", "frobnicate", "rotd: unknown command \"frobnicate\"; see `rotd --help`\n"},
		{"an unknown subcommand", "keys lst", "rotd: unknown command \"lst\"; did you mean list?; see `rotd keys --help`\n"},
		{"an unknown flag", "status --watch", "rotd: unknown flag: --watch; see `rotd status --help`\n"},
		{"an unknown format", "status -o yaml", "rotd: -o \"yaml\": choose one of table, json, jsonl, csv\n"},
		{"no rows to be CSV", "status -o csv", "rotd: -o csv is for lists; choose table, json or jsonl\n"},
		{"an argument too many", "status now", "rotd: unexpected argument \"now\"; see `rotd status --help`\n"},
		{
			"an argument too few", "keys show",
			"rotd: a KEY (id, ARN, alias or alias ARN) is missing; see `rotd keys show --help`\n",
		},
		{
			"two ways to look back", "keys show k --history --as-of 2d",
			"rotd: --history and --as-of: choose one; see `rotd keys show --help`\n",
		},
		{
			"a flag of the history without it", "keys show k --since 2d",
			"rotd: --since is for --history; see `rotd keys show --help`\n",
		},
		{
			"a day that is none", "keys show k --as-of yesterday",
			"rotd: --as-of: \"yesterday\" is neither a time (2026-03-14T12:00:00Z) nor how long ago (24h, 90d); " +
				"see `rotd keys show --help`\n",
		},
		{
			"a status that is none", "findings list --status closed",
			"rotd: --status: \"closed\" is none of open, resolved, all; see `rotd findings list --help`\n",
		},
		{
			"a severity that is none", "findings list --severity urgent",
			"rotd: --severity: severity \"urgent\" is none of INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL; " +
				"see `rotd findings list --help`\n",
		},
		{
			"a time that is none", "findings list --since yesterday",
			"rotd: --since: \"yesterday\" is neither a time (2026-03-14T12:00:00Z) nor how long ago (24h, 90d); " +
				"see `rotd findings list --help`\n",
		},
		{
			"no reason", "rotate alias/a --yes",
			"rotd: --reason is required: it goes into the audit log and the alerts; see `rotd rotate --help`\n",
		},
		{
			"a blank reason", "pause --reason ",
			"rotd: --reason is required: it goes into the audit log; see `rotd pause --help`\n",
		},
		{
			"a period that is none", "rotate alias/a --automatic 90 --reason r",
			"rotd: --automatic: \"90\" is no number of days such as 90d; see `rotd rotate --help`\n",
		},
		{
			"a period too short", "rotate alias/a --automatic 30d",
			"rotd: --automatic 30d: KMS rotates every 90 to 2560 days, not every 30; see `rotd rotate --help`\n",
		},
		{
			"a period too long", "rotate alias/a --automatic 9999d --dry-run",
			"rotd: --automatic 9999d: KMS rotates every 90 to 2560 days, not every 9999; see `rotd rotate --help`\n",
		},
		{
			"a containment without a reason", "contain alias/a --disable --yes",
			"rotd: --reason is required: it goes into the audit log and the alerts; see `rotd contain --help`\n",
		},
		{
			"an alias that is none", "contain alias/a --retire-alias a --reason r --yes",
			"rotd: --retire-alias a: an alias begins with alias/; see `rotd contain --help`\n",
		},
		{
			"a measure together with an undo", "contain alias/a --undo act_1 --disable --reason r --yes",
			"rotd: --undo takes back what an action did, and goes with no measure; see `rotd contain --help`\n",
		},
		{
			"a limit below zero", "keys list --limit -1",
			"rotd: --limit -1 is negative; 0 is for all; see `rotd keys list --help`\n",
		},
		{
			"no manifest", "reencrypt --to alias/a --reason r",
			"rotd: --manifest is missing: a file with one ciphertext a line (or --s3, a place of objects; or --plan, which " +
				"only looks); see `rotd reencrypt --help`\n",
		},
		{
			"no destination", "reencrypt --manifest m --reason r",
			"rotd: --to is missing: the key to move the ciphertexts to; see `rotd reencrypt --help`\n",
		},
		{
			"a key where none is", "reencrypt alias/a --manifest m --reason r",
			"rotd: unexpected argument \"alias/a\": the key is --to's; see `rotd reencrypt --help`\n",
		},
		{
			"a manifest and objects", "reencrypt --manifest m --s3 s3://b/ --to alias/a --reason r",
			"rotd: --s3 goes with neither --manifest nor its --out and --force; see `rotd reencrypt --help`\n",
		},
		{
			"resuming a manifest", "reencrypt --manifest m --resume --to alias/a --reason r",
			"rotd: --resume is for --s3; the command of a manifest goes on by itself; see `rotd reencrypt --help`\n",
		},
		{
			"a manifest that is not there", "reencrypt --manifest /nope --to alias/a --dry-run",
			"rotd: read the manifest: open /nope: no such file or directory\n",
		},
		{
			"a format where there is one", "config init -o json",
			"rotd: -o is not for this command, which prints one form only; see `rotd config init --help`\n",
		},
		{
			"a configuration that is not there", "config validate /nope.yaml",
			"rotd: read the configuration: open /nope.yaml: no such file or directory\n",
		},
		{
			"a configuration that is not there, to find the daemon", "status -c /nope.yaml",
			"rotd: find the daemon's socket (--socket names it): read the configuration: " +
				"open /nope.yaml: no such file or directory\n",
		},
		{
			"a story that nobody tells", "demo --story romance",
			"rotd: --story: there is no \"romance\"; there are everyday and incident; see `rotd demo --help`\n",
		},
		{
			"no path", "replay",
			"rotd: a PATH is missing: a log file, a folder of them, or s3://BUCKET/PREFIX; see `rotd replay --help`\n",
		},
		{
			"a suppression for no time", "findings suppress fnd_01JPK00000000000000000AAAA --for 0d --reason x --yes",
			"rotd: --for: 0d is no time at all; see `rotd findings suppress --help`\n",
		},
		{
			"a lead that is none", "replay --lead soon x",
			"rotd: --lead: \"soon\" is not a duration: write for example 90d, 36h or 1h30m; see `rotd replay --help`\n",
		},
		{
			"a log level that is none", "run --log-level loud",
			"rotd: --log-level: \"loud\" is none of debug, info, warn, error; see `rotd run --help`\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			if got := s.run(t, strings.Split(test.args, " ")...); got != admin.ExitUsage {
				t.Errorf("exit status %d", got)
			}
			if diff := cmp.Diff(test.err, s.err.String()); diff != "" || s.out.Len() > 0 {
				t.Errorf("stdout %q, stderr (-want +got):\n%s", s.out.String(), diff)
			}
		})
	}
}

func TestGroupWithoutACommandShowsHelpAndEndsWith2(t *testing.T) {
	for _, args := range [][]string{{}, {"findings"}, {"completion"}} {
		s := newSession(nil)
		if got := s.run(t, args...); got != admin.ExitUsage {
			t.Errorf("%v: exit status %d", args, got)
		}
		if s.out.Len() > 0 || !strings.Contains(s.err.String(), "Available Commands:") {
			t.Errorf("%v: stdout %q, stderr %q", args, s.out.String(), s.err.String())
		}
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	for _, args := range []string{
		"", "run", "replay", "status", "health", "rotate", "contain", "reencrypt", "sweep", "findings list",
		"keys show", "actions list", "config validate",
	} {
		s := newSession(nil)
		if got := s.run(t, append(strings.Fields(args), "--help")...); got != admin.ExitDone {
			t.Errorf("%s --help: exit status %d", args, got)
		}
		for line := range strings.Lines(s.out.String()) {
			if len(line) > 81 && !strings.HasPrefix(line, "  rotd ") {
				t.Errorf("%s --help: wider than 80 columns: %q", args, line)
			}
		}
	}
}

func TestNoDaemonEndsWith5AndSaysHowToDoIt(t *testing.T) {
	tests := []struct{ name, args, golden string }{
		{"reading", "status", "no-daemon-status"},
		{"a new material by alias", "rotate alias/pay-cards --reason leak --yes", "no-daemon-rotate-alias"},
		{"a plan", "rotate alias/pay-cards --dry-run", "no-daemon-rotate-plan"},
		{"a new material by ARN", "rotate " + payARN + " --reason leak --yes", "no-daemon-rotate-arn"},
		{"a schedule", "rotate alias/it's --automatic 90d --reason leak --yes", "no-daemon-rotate-schedule"},
		{"a replacement", "replace alias/signing --spec RSA_3072 --reason leak --yes", "no-daemon-replace"},
		{"a replacement of the same spec", "replace alias/signing --reason leak --yes", "no-daemon-replace-same"},
		{"a replacement's plan", "replace " + payARN + " --dry-run", "no-daemon-replace-plan"},
		{"aliases moved back", "undo-alias alias/signing --reason leak --yes", "no-daemon-undo-alias"},
		{"a pause", "pause --reason r", "no-daemon-pause"},
		{
			"a containment", "contain alias/pay-cards --disable --revoke-all --retire-alias alias/a --reason r --yes",
			"no-daemon-contain",
		},
		{"a containment by ARN", "contain " + payARN + " --revoke-all --reason r --yes", "no-daemon-contain-arn"},
		{"a preview", "contain " + payARN, "no-daemon-contain-preview"},
		{"objects to be moved", "reencrypt --s3 s3://b/p --to alias/a --reason r --yes", "no-daemon-reencrypt-objects"},
		{"health", "health --socket SOCKET", "no-daemon-health"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "s")
			s := newSession(map[string]string{"ROTD_SOCKET": socket})
			args := strings.Fields(strings.ReplaceAll(test.args, "SOCKET", socket))
			if got := s.run(t, args...); got != admin.ExitNoDaemon {
				t.Errorf("exit status %d", got)
			}
			if s.out.Len() > 0 {
				t.Errorf("stdout %q", s.out.String())
			}
			golden(t, test.golden, strings.ReplaceAll(s.err.String(), socket, "/run/rotd/rotd.sock"))
		})
	}
}

func TestNobodyActsUnasked(t *testing.T) {
	tests := []struct {
		name   string
		answer string
		change func(s *session)
		args   []string
		status admin.ExitStatus
		err    string
		acts   bool
	}{
		{name: "yes", answer: "y\n", status: admin.ExitDone, acts: true, err: "\nGo on? [y/N] "},
		{name: "YES", answer: " YES \n", status: admin.ExitDone, acts: true, err: "\nGo on? [y/N] "},
		{
			name: "no", answer: "n\n", status: admin.ExitFailed,
			err: "\nGo on? [y/N] rotd: declined; nothing was done\n",
		},
		{
			name: "nothing", answer: "\n", status: admin.ExitFailed,
			err: "\nGo on? [y/N] rotd: declined; nothing was done\n",
		},
		{
			name: "the end of the input", status: admin.ExitFailed,
			err: "\nGo on? [y/N] \nrotd: declined; nothing was done\n",
		},
		{
			name: "no terminal", change: func(s *session) { s.cli.terminal.in = false }, status: admin.ExitUsage,
			err: "rotd: there is no terminal to ask on; --yes says that nobody needs to be asked; " +
				"see `rotd rotate --help`\n",
		},
		{
			name: "no terminal and --yes", change: func(s *session) { s.cli.terminal.in = false }, args: []string{"--yes"},
			status: admin.ExitDone, acts: true,
		},
		{
			name: "a dry run asks nobody", change: func(s *session) { s.cli.terminal.in = false },
			args: []string{"--dry-run"}, status: admin.ExitDone,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newFakeDaemon()
			d.plan.Action.State = remediation.Succeeded
			s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
			s.cli.in = strings.NewReader(test.answer)
			if test.change != nil {
				test.change(s)
			}
			got := s.run(t, append([]string{"rotate", "alias/pay-cards", "--reason", "leak"}, test.args...)...)
			if diff := cmp.Diff(test.err, s.err.String()); diff != "" || got != test.status {
				t.Errorf("exit status %d, want %d; stderr (-want +got):\n%s", got, test.status, diff)
			}
			acted := len(d.rotated) > 0 && !d.rotated[len(d.rotated)-1].DryRun
			if acted != test.acts {
				t.Errorf("asked of the daemon: %+v", d.rotated)
			}
		})
	}
}

func TestInterruptedPromptDoesNothing(t *testing.T) {
	d := newFakeDaemon()
	s := newSession(map[string]string{"ROTD_SOCKET": serve(t, d)})
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	s.cli.in = reader
	s.cli.err = writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "Go on?") {
			cancel()
		}
		return s.err.Write(p)
	})
	got := execute(ctx, s.cli, []string{"rotate", "alias/pay-cards", "--reason", "leak"})
	writer.Close() // lets the reading of the answer end
	if got != admin.ExitFailed || !strings.HasSuffix(s.err.String(), "rotd: interrupted\n") || len(d.rotated) != 1 {
		t.Errorf("exit status %d, stderr %q, asked %+v", got, s.err.String(), d.rotated)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestSocketIsFoundInThisOrder(t *testing.T) {
	yaml := func(socket string) string {
		path := filepath.Join(t.TempDir(), "rotd.yaml")
		text := "intake: {queues: [{url: https://sqs.us-east-1.amazonaws.com/111122223333/rotd}]}\n" +
			"admin: {socket: " + socket + ", http: 127.0.0.1:1}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	flagged, named := yaml("/flag.sock"), yaml("/env.sock")
	tests := []struct {
		name           string
		socket, config string
		env            map[string]string
		want           string
	}{
		{"--socket", "/s", flagged, map[string]string{"ROTD_SOCKET": "/e", "ROTD_CONFIG": named}, "/s"},
		{"--config", "", flagged, map[string]string{"ROTD_SOCKET": "/e", "ROTD_CONFIG": named}, "/flag.sock"},
		{"ROTD_SOCKET", "", "", map[string]string{"ROTD_SOCKET": "/e", "ROTD_CONFIG": named}, "/e"},
		{"ROTD_CONFIG", "", "", map[string]string{"ROTD_CONFIG": named}, "/env.sock"},
		{"nothing", "", "", nil, "/run/rotd/rotd.sock"},
		{"--socket with a --config that is not there", "/s", "/missing.yaml", nil, "/s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(test.env)
			s.cli.socket, s.cli.config = test.socket, test.config
			doors, err := s.cli.doors()
			if err != nil || doors.Socket != test.want {
				t.Errorf("socket %q, error %v", doors.Socket, err)
			}
		})
	}
	s := newSession(map[string]string{"ROTD_CONFIG": "/missing.yaml"})
	if got := s.run(t, "status"); got != admin.ExitUsage {
		t.Errorf("a configuration that is not there: exit status %d: %s", got, s.err.String())
	}
}

func TestStatusOfErrors(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want admin.ExitStatus
	}{
		{"none", nil, 0},
		{"any", errors.New("x"), 1},
		{"an invalid configuration", &config.Errors{}, 2},
		{"a configuration that cannot be read", fmt.Errorf("start: %w", config.ErrUnread), 2},
		{"the daemon's word", &admin.Error{Exit: 4}, 4},
		{"the daemon's word that is none", &admin.Error{}, 1},
		{"no daemon", admin.ErrNoDaemon, 5},
		{"a command's own", exit(admin.ExitApproval, "x"), 6},
		{"a command's own around another", exit(admin.ExitUnfinished, "%w", admin.ErrNoDaemon), 3},
	}
	for _, test := range tests {
		if got := statusOf(test.err); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

func TestRunRunsTheDaemon(t *testing.T) {
	var got app.Options
	s := newSession(map[string]string{"ROTD_CONFIG": "/env.yaml"})
	s.cli.daemon = func(_ context.Context, o app.Options) error {
		got = o
		o.Logger.Info("started")
		return nil
	}
	if status := s.run(t, "run", "-c", "/flag.yaml"); status != admin.ExitDone {
		t.Errorf("exit status %d: %s", status, s.err.String())
	}
	if got.ConfigPath != "/flag.yaml" || got.Version != "devel" || got.Reload == nil {
		t.Errorf("options: %+v", got)
	}
	if log := s.err.String(); !strings.HasPrefix(log, `{"level":"info","time":"`) {
		t.Errorf("log: %q", log)
	}
	s.cli.daemon = func(context.Context, app.Options) error {
		return &config.Errors{Problems: []config.Problem{
			{File: "rotd.yaml", Line: 3, Column: 1, Path: "mod", Message: "unknown key: did you mean mode?"},
		}}
	}
	s.err.Reset()
	status := s.run(t, "run")
	want := "rotd: the configuration is invalid:\nrotd.yaml:3:1: mod: unknown key: did you mean mode?\n"
	if status != admin.ExitUsage || s.err.String() != want {
		t.Errorf("exit status %d: %q", status, s.err.String())
	}
}
