package main

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/admin"
	"rotd/internal/remediation"
)

// mortal passes connections on to a daemon until its word is said, then closes them unanswered.
func mortal(t *testing.T, daemon, word string) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			pass(conn, daemon, word)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-ended
	})
	return socket
}

// pass hands requests and answers on, one at a time; a request that has the word ends the connection.
func pass(conn net.Conn, daemon, word string) {
	defer conn.Close()
	to, err := net.Dial("unix", daemon)
	if err != nil {
		return
	}
	defer to.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := conn.Read(buffer)
		if err != nil || strings.Contains(string(buffer[:n]), word) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
		if n, err = to.Read(buffer); err != nil {
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func TestADaemonThatDiesIsNamedInPlainWords(t *testing.T) {
	const id = "act_01JPK00000000000000000NEW1"
	tests := []struct {
		name, word string
		err        string
	}{
		{
			"while the action is waited for", "/v1/actions/",
			id + " is planned\nrotd: no answer: the daemon on SOCKET went away\n" +
				"(" + id + " is recorded and goes on when rotd runs again: `rotd actions show " + id + "`)\n",
		},
		{
			"when it is asked to begin", `"reason":"leak"}`,
			"rotd: no answer: the daemon on SOCKET went away\n" +
				"(`rotd actions list --key alias/pay-cards` shows whether it began)\n",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			socket := mortal(t, serve(t, newFakeDaemon()), test.word)
			s := newSession(map[string]string{"ROTD_SOCKET": socket})
			got := s.run(t, "rotate", "alias/pay-cards", "--reason", "leak", "--yes", "-o", "jsonl")
			shown := strings.ReplaceAll(s.err.String(), socket, "SOCKET")
			if diff := cmp.Diff(test.err, shown); diff != "" || got != admin.ExitUnfinished {
				t.Errorf("exit status %d; stderr (-want +got):\n%s", got, diff)
			}
		})
	}
}

func TestOnlyAnAnswerThatIsCertainSaysSo(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		status admin.ExitStatus
		hint   bool
	}{
		{"busy", &admin.Error{Code: admin.CodeBusy, Exit: admin.ExitFailed}, admin.ExitFailed, false},
		{"no daemon", admin.ErrNoDaemon, admin.ExitNoDaemon, false},
		{"no answer", admin.ErrNoAnswer, admin.ExitUnfinished, true},
		{"the daemon's own failure", &admin.Error{Code: admin.CodeInternal, Exit: 1}, admin.ExitUnfinished, true},
		{"an interruption", context.Canceled, admin.ExitFailed, false},
		{"a refusal", &admin.Error{Code: admin.CodeRefused, Exit: admin.ExitRefused, Plan: &admin.Planned{
			Decision: remediation.Decision{Verdict: remediation.Refuse, Guardrail: "cooldown", Reason: "Too soon."},
		}}, admin.ExitRefused, false},
	}
	for _, test := range tests {
		got := notBegun(test.err, "alias/a")
		if hinted := strings.Contains(got.Error(), "shows whether it began"); hinted != test.hint ||
			statusOf(got) != test.status {
			t.Errorf("%s: exit status %d, %q", test.name, statusOf(got), got)
		}
	}
}

func TestASocketThatAnswersNothingEndsHealth(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := newSession(nil)
	s.cli.socket = socket
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.cli.health(ctx); !errors.Is(err, admin.ErrNoAnswer) || statusOf(err) != admin.ExitFailed {
		t.Errorf("got %v", err)
	}
}

func TestTheVerdictCountsWhatItSaysAndIsWholeInAPipe(t *testing.T) {
	grave := admin.Trouble{Grave: true, What: "not ready: " + strings.Repeat("x", 100)}
	open := admin.Trouble{Grave: true, What: "2 open", Next: "rotd findings list --severity CRITICAL"}
	minor := admin.Trouble{What: "paused"}
	tests := []struct {
		name     string
		counts   admin.Counts
		troubles []admin.Trouble
		want     string
	}{
		{"one finding", admin.Counts{Critical: 1}, []admin.Trouble{open}, "1 CRITICAL finding open"},
		{"others below", admin.Counts{High: 2, Low: 1}, []admin.Trouble{open}, "2 HIGH and 1 more finding open"},
		{
			"findings and more",
			admin.Counts{Critical: 2, High: 2, Low: 4},
			[]admin.Trouble{grave, open, minor},
			"2 CRITICAL and 6 more findings open; " + grave.What + "; 1 other trouble",
		},
		{"no grave findings", admin.Counts{Low: 3}, []admin.Trouble{grave, minor, minor}, grave.What + "; 2 other troubles"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			s.cli.terminal.width = 0
			s.cli.verdict(&admin.Status{Findings: test.counts, Troubles: test.troubles})
			if diff := cmp.Diff("NOT IN ORDER: "+test.want+"\n", s.out.String()); diff != "" {
				t.Errorf("first line (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVersionIsAFlagToo(t *testing.T) {
	flag, command := newSession(nil), newSession(nil)
	if got := flag.run(t, "--version"); got != admin.ExitDone {
		t.Errorf("exit status %d", got)
	}
	command.run(t, "version")
	if flag.out.String() != command.out.String() || flag.out.Len() == 0 {
		t.Errorf("--version %q, version %q", flag.out.String(), command.out.String())
	}
}
