package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/suppression"
)

func TestClientAsksWhatItWasAskedFor(t *testing.T) {
	plan := &Planned{
		Key: inventory.Key{ARN: keyARN}, Action: &remediation.Action{ID: "act_1"},
		Decision: remediation.Decision{Verdict: remediation.Allow},
	}
	finished := make(chan error)
	close(finished)
	backend := &fakeBackend{containment: held(remediation.Allow), plan: plan, sweep: finished}
	socket, _ := serve(t, backend, zap.NewNop())
	c, ctx := clientOf(t, socket), t.Context()
	limits := Range{Limit: 7}
	after := Range{After: "\x00fnd_1", Limit: 1000}
	tests := []struct {
		name  string
		ask   func() (any, error)
		asked any
	}{
		{"status", func() (any, error) { return c.Status(ctx) }, "status"},
		{"findings", func() (any, error) {
			return c.Findings(ctx, FindingQuery{
				Range: limits, Status: "open", Severity: finding.High, Rule: "r", Key: "k",
				Account: "a", Region: "e", Since: noon, Hidden: true,
			})
		}, FindingQuery{
			Range: limits, Status: "open", Severity: finding.High, Rule: "r", Key: "k", Account: "a",
			Region: "e", Since: noon, Hidden: true,
		}},
		{"the next page", func() (any, error) {
			page, err := c.Findings(ctx, FindingQuery{})
			if err != nil {
				return nil, err
			}
			return c.Findings(ctx, FindingQuery{Range: Range{After: page.Next}})
		}, FindingQuery{Range: after}},
		{"finding", func() (any, error) { return c.Finding(ctx, "a/b c") }, "a/b c"},
		{"keys", func() (any, error) {
			return c.Keys(ctx, KeyQuery{Range: limits, Account: "a", Region: "e", State: "s", Policy: "p", Search: "x"})
		}, KeyQuery{Range: limits, Account: "a", Region: "e", State: "s", Policy: "p", Search: "x"}},
		{"impact", func() (any, error) { return c.Impact(ctx, keyARN) }, []any{keyARN}},
		{"contents", func() (any, error) { return c.Contents(ctx, keyARN, "alias/new") }, []any{keyARN, "alias/new"}},
		{"key usage", func() (any, error) { return c.KeyUsage(ctx, keyARN, noon) }, []any{keyARN, noon}},
		{"key", func() (any, error) { return c.Key(ctx, keyARN) }, keyARN},
		{"history", func() (any, error) {
			return c.History(ctx, HistoryQuery{Range: limits, Key: keyARN, Since: noon, Until: noon.Add(time.Hour)})
		}, HistoryQuery{Range: limits, Key: keyARN, Since: noon, Until: noon.Add(time.Hour)}},
		{"as of", func() (any, error) { return c.AsOf(ctx, keyARN, noon) }, fmt.Sprint(keyARN, " ", noon)},
		{"explain", func() (any, error) { return c.Explain(ctx, keyARN) }, "explain " + keyARN},
		{"abilities", func() (any, error) { return c.Abilities(ctx, keyARN) }, "abilities " + keyARN},
		{
			"acknowledge", func() (any, error) {
				return c.Acknowledge(ctx, "a/b", AckRequest{Reason: "r", Move: "m", Incident: "inc_1"})
			},
			[]string{"a/b", me(t), "r", "m"},
		},
		{
			"resolve", func() (any, error) {
				return c.Resolve(ctx, "a/b", ResolveRequest{Reason: "r", Incident: "inc_1"})
			},
			[]string{"a/b", me(t), "r", "inc_1"},
		},
		{"actions", func() (any, error) {
			return c.Actions(ctx, ActionQuery{Range: limits, State: "failed", Key: "k", Since: noon})
		}, ActionQuery{Range: limits, State: "failed", Key: "k", Since: noon}},
		{"action", func() (any, error) { return c.Action(ctx, "act_1", 0) }, "act_1 0s"},
		{"action in the end", func() (any, error) { return c.Action(ctx, "act_1", time.Hour) }, "act_1 1m0s"},
		{"quarantine", func() (any, error) { return c.Quarantine(ctx, limits) }, limits},
		{
			"rotate", func() (any, error) { return c.Rotate(ctx, RotateRequest{Key: "k", Reason: "r"}) },
			RotateRequest{Key: "k", Reason: "r", Requester: whoIAm(t)},
		},
		{
			"replace", func() (any, error) { return c.Replace(ctx, ReplaceRequest{Key: "k", Spec: "RSA_3072", Reason: "r"}) },
			ReplaceRequest{Key: "k", Spec: "RSA_3072", Reason: "r", Requester: whoIAm(t)},
		},
		{
			"undo-alias", func() (any, error) { return c.UndoAlias(ctx, UndoAliasRequest{Name: "act_1", Reason: "r"}) },
			UndoAliasRequest{Name: "act_1", Reason: "r", Requester: whoIAm(t)},
		},
		{"sweep", func() (any, error) { return c.Sweep(ctx, "drift", time.Minute) }, []string{me(t), "drift"}},
		{"audit", func() (any, error) {
			return c.AuditEntries(ctx, AuditQuery{
				Range: limits, Since: noon, Key: "k", Actor: "ann", Event: "call", Action: "act_1", Finding: "fnd_1",
				Incident: "inc_1",
			})
		}, AuditQuery{
			Range: limits, Since: noon, Key: "k", Actor: "ann", Event: "call", Action: "act_1", Finding: "fnd_1",
			Incident: "inc_1",
		}},
		{
			"incidents", func() (any, error) { return c.Incidents(ctx, IncidentQuery{Range: limits, Status: "open"}) },
			IncidentQuery{Range: limits, Status: "open"},
		},
		{"incident", func() (any, error) { return c.Incident(ctx, "inc_1") }, "inc_1"},
		{
			"open an incident",
			func() (any, error) {
				return c.OpenIncident(ctx, IncidentRequest{Keys: []string{"k"}, Reason: "r", BeforeSeconds: 60})
			},
			IncidentRequest{Keys: []string{"k"}, Reason: "r", BeforeSeconds: 60, Requester: me(t)},
		},
		{
			"note on an incident", func() (any, error) { return c.NoteIncident(ctx, "inc_1", "told them") },
			[]string{"note", "inc_1", me(t), "told them"},
		},
		{"suppressions", func() (any, error) { return c.Suppressions(ctx, limits) }, limits},
		{
			"suppress", func() (any, error) {
				return c.Suppress(ctx, SuppressRequest{
					Rules: []string{"r"}, Networks: []string{"203.0.113.0/24", "vpce-0abc"}, Reason: "r", Expires: noon,
				})
			},
			suppression.Suppression{
				Rules: []string{"r"}, Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
				VPCEndpoints: []string{"vpce-0abc"}, Reason: "r", Expires: noon,
			},
		},
		{
			"try suppressions", func() (any, error) {
				return c.TrySuppressions(ctx, SuppressRequest{Name: "a", Rules: []string{"r"}, Keys: []string{"k"}})
			},
			[]suppression.Suppression{{Name: "a", Rules: []string{"r"}, Keys: []string{"k"}}},
		},
		{
			"end a suppression", func() (any, error) { return c.EndSuppression(ctx, "sup/1", "over") },
			[]string{"end", "sup/1", me(t), "over"},
		},
		{
			"close an incident", func() (any, error) { return c.CloseIncident(ctx, "inc_1", "over") },
			[]string{"close", "inc_1", me(t), "over"},
		},
		{"audit log", func() (any, error) { return nil, c.AuditLog(ctx, 4711, io.Discard) }, uint64(4711)},
		{
			"contain", func() (any, error) { return c.Contain(ctx, ContainRequest{Key: "k", Reason: "r", Disable: true}) },
			ContainRequest{Key: "k", Reason: "r", Disable: true, Requester: whoIAm(t)},
		},
		{"pause", func() (any, error) { return c.Pause(ctx, "r", "inc_1") }, []string{me(t), "r", "inc_1"}},
		{"resume", func() (any, error) { return c.Resume(ctx, "inc_1") }, []string{me(t), "inc_1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := test.ask(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.asked, backend.asked, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("asked of the backend (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClientErrors(t *testing.T) {
	refused := &Planned{
		Decision: remediation.Decision{Verdict: remediation.Refuse, Reason: "Too soon."}, Action: &remediation.Action{},
	}
	socket, _ := serve(t, &fakeBackend{plan: refused}, zap.NewNop())
	_, err := clientOf(t, socket).Rotate(t.Context(), RotateRequest{Key: "k", Reason: "r"})
	got, ok := errors.AsType[*Error](err)
	if !ok || got.Exit != ExitRefused || got.Code != CodeRefused || got.Plan == nil || got.Error() != "Too soon." {
		t.Errorf("refused: %#v", err)
	}

	missing := filepath.Join(t.TempDir(), "s")
	_, err = clientOf(t, missing).Status(t.Context())
	if want := "no daemon there: there is no socket SOCKET"; !errors.Is(err, ErrNoDaemon) || short(err, missing) != want {
		t.Errorf("no socket: %v", err)
	}

	dead := filepath.Join(t.TempDir(), "s")
	leave(t, dead)
	_, err = clientOf(t, dead).Status(t.Context())
	want := "no daemon there: nobody listens on SOCKET, whoever made it has died"
	if !errors.Is(err, ErrNoDaemon) || short(err, dead) != want {
		t.Errorf("dead socket: %v", err)
	}
}

func TestClientSaysInPlainWordsWhoDoesNotAnswer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "passwd")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := clientOf(t, file).Status(t.Context())
	if want := "no daemon there: SOCKET is no socket"; !errors.Is(err, ErrNoDaemon) || short(err, file) != want {
		t.Errorf("a file: %v", err)
	}

	socket := filepath.Join(t.TempDir(), "s")
	listener, err := Listen(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = clientOf(t, socket).Status(ctx)
	want := "no answer: whoever listens on SOCKET does not answer"
	if !errors.Is(err, ErrNoAnswer) || short(err, socket) != want {
		t.Errorf("a socket that answers nothing: %v", err)
	}

	left := make(chan struct{})
	go func() {
		defer close(left)
		for { // perhaps the one that nobody took above, then the next
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	_, err = clientOf(t, socket).Status(t.Context())
	listener.Close()
	<-left
	want = "no answer: the daemon on SOCKET went away"
	if !errors.Is(err, ErrNoAnswer) || short(err, socket) != want {
		t.Errorf("a daemon that dies: %v", err)
	}
}

func TestClientDoesNotBelieveAnybody(t *testing.T) {
	tests := []struct{ name, answer, want string }{
		{
			"another program's error", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\noops",
			"the daemon answered 502 Bad Gateway, and not in the way rotd does",
		},
		{
			"another program's page", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]",
			"read the daemon's answer (is it another version?): ",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "s")
			listener, err := Listen(t.Context(), socket)
			if err != nil {
				t.Fatal(err)
			}
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				defer conn.Close()
				conn.Read(make([]byte, 4096))
				io.WriteString(conn, test.answer)
			}()
			_, err = clientOf(t, socket).Status(t.Context())
			listener.Close()
			<-answered
			if err == nil || len(err.Error()) < len(test.want) || err.Error()[:len(test.want)] != test.want {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}
