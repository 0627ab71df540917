package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// raw asks as curl would.
func raw(t *testing.T, socket, method, path, body string) (int, string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn,
		error,
	) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://rotd"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("Content-Type %q", kind)
	}
	return response.StatusCode, strings.TrimSuffix(string(answer), "\n")
}

func me(t *testing.T) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("uid:%d (%s)", os.Getuid(), u.Username)
}

// held is the plan of a containment.
func held(verdict remediation.Verdict) *Planned {
	p := &Planned{Identity: "v1:1", Action: &remediation.Action{}, Decision: remediation.Decision{Verdict: verdict}}
	if verdict == remediation.Refuse {
		p.Decision.Reason = "Paused."
	}
	return p
}

func TestEndpoints(t *testing.T) {
	plan := &Planned{
		Key: inventory.Key{ARN: keyARN}, Action: &remediation.Action{ID: "act_1"},
		Decision: remediation.Decision{Verdict: remediation.Allow}, Left: 24, Reserve: 5,
	}
	refused := &Planned{
		Action: &remediation.Action{}, Decision: remediation.Decision{
			Verdict: remediation.Refuse, Guardrail: "cooldown",
			Reason: "Too soon.",
		},
	}
	done := make(chan error, 1)
	done <- errors.New("eu-west-1: access denied")
	tests := []struct {
		name         string
		backend      fakeBackend
		method, path string
		body         string
		status       int
		answer       string // a part of it
		asked        any
	}{
		{
			name: "status says what is not in order", method: "GET", path: "/v1/status", status: 200, asked: "status",
			answer: `"troubles":[{"grave":true,"what":"1 CRITICAL finding open",` +
				`"next":"rotd findings list --severity CRITICAL"}]`,
		},
		{
			name: "ready", method: "GET", path: "/v1/ready", status: 200, answer: `{"ready":true,"reasons":[]}`,
		},
		{
			name: "not ready", method: "GET", path: "/v1/ready", status: 200, backend: fakeBackend{notReady: []string{"x"}},
			answer: `{"ready":false,"reasons":["x"]}`,
		},
		{
			name: "findings by every filter", method: "GET", status: 200,
			path: "/v1/findings?status=open&severity=high&rule=r&key=k&account=a&region=e&since=2026-03-14T12:00:00Z" +
				"&limit=5&after=CURSOR",
			answer: `"next":"CURSOR","partial":true}`,
			asked: FindingQuery{
				Range: Range{After: "\x00fnd_1", Limit: 5}, Status: "open", Severity: finding.High,
				Rule: "r", Key: "k", Account: "a", Region: "e", Since: noon,
			},
		},
		{
			name: "findings without a filter", method: "GET", path: "/v1/findings?status=all", status: 200,
			answer: `{"schema":"rotd.findings/1","items":[{"id":"fnd_1","rule_id":"key-disabled"`,
			asked:  FindingQuery{Range: Range{Limit: 1000}},
		},
		{
			name: "one finding", method: "GET", path: "/v1/findings/fnd_1", status: 200, answer: `{"id":"fnd_1"`,
			asked: "fnd_1",
		},
		{
			name: "keys come without their key policies", method: "GET", status: 200,
			path:   "/v1/keys?account=a&region=e&state=Enabled&policy=p&search=s",
			answer: `"first_read":"0001-01-01T00:00:00Z","eligible"`,
			asked:  KeyQuery{Range: Range{Limit: 1000}, Account: "a", Region: "e", State: "Enabled", Policy: "p", Search: "s"},
		},
		{
			name: "one key comes with its key policy", method: "GET", path: "/v1/key?name=alias/a%2Fb", status: 200,
			answer: `"policy":"{}"`, asked: "alias/a/b",
		},
		{
			name: "a timeline", method: "GET", path: "/v1/key/history?name=k&limit=7&until=2026-03-14T12:00:00Z", status: 200,
			answer: `{"schema":"rotd.history/1","items":[{"at":"2026-03-14T12:00:00Z","kind":"state","text":""`,
			asked:  HistoryQuery{Range: Range{Limit: 7}, Key: "k", Until: noon},
		},
		{
			name: "a key as it was", method: "GET", path: "/v1/key/as-of?name=k&at=2026-03-14T12:00:00Z", status: 200,
			answer: `{"as_of":"2026-03-14T12:00:00Z"`, asked: fmt.Sprint("k ", noon),
		},
		{
			name: "who used a key", method: "GET", path: "/v1/key/usage?name=alias/a&since=2026-03-14T12:00:00Z", status: 200,
			answer: `"by":"day","calls":7`, asked: []any{"alias/a", noon},
		},
		{
			name: "actions", method: "GET", path: "/v1/actions?state=pending&key=k&since=2026-03-14T12:00:00Z", status: 200,
			answer: `{"schema":"rotd.actions/1","items":[{"id":"act_1"`,
			asked:  ActionQuery{Range: Range{Limit: 1000}, State: "pending", Key: "k", Since: noon},
		},
		{
			name: "an action waited for", method: "GET", path: "/v1/actions/act_1?wait=3", status: 200,
			answer: `{"id":"act_1"`, asked: "act_1 3s",
		},
		{
			name: "the quarantine shows no bodies", method: "GET", path: "/v1/quarantine", status: 200,
			answer: `{"seq":7,"at":"2026-03-14T12:00:00Z","reason":"syntax","detail":"","bytes":6}`,
			asked:  Range{Limit: 1000},
		},
		{
			name: "rotate on behalf of who is calling", method: "POST", path: "/v1/rotate", status: 200,
			backend: fakeBackend{plan: plan}, body: `{"key":"alias/a","reason":"r","ticket":"T-1","emergency":true}`,
			answer: `"on_demand_left":24,"on_demand_reserve":5`,
			asked:  RotateRequest{Key: "alias/a", Reason: "r", Ticket: "T-1", Emergency: true, Requester: whoIAm(t)},
		},
		{
			name: "a refused rotation is an error that has the plan", method: "POST", path: "/v1/rotate", status: 409,
			backend: fakeBackend{plan: refused}, body: `{"key":"alias/a","reason":"r"}`,
			answer: `{"error":{"code":"refused","message":"Too soon.","exit":4,"plan":{`,
			asked:  RotateRequest{Key: "alias/a", Reason: "r", Requester: whoIAm(t)},
		},
		{
			name: "what would be refused is no error", method: "POST", path: "/v1/rotate", status: 200,
			backend: fakeBackend{plan: refused}, body: `{"key":"alias/a","dry_run":true,"automatic_days":90}`,
			answer: `"decision":{"verdict":"refuse","guardrail":"cooldown","reason":"Too soon."}`,
			asked:  RotateRequest{Key: "alias/a", AutomaticDays: 90, Requester: whoIAm(t), DryRun: true},
		},
		{
			name: "break the glass", method: "POST", path: "/v1/rotate", status: 200, backend: fakeBackend{plan: plan},
			body:   `{"key":"alias/a","reason":"r","emergency":true,"break_glass":true}`,
			answer: `"on_demand_left":24`,
			asked: RotateRequest{
				Key: "alias/a", Reason: "r", Emergency: true, BreakGlass: true, Requester: whoIAm(t),
			},
		},
		{
			name: "an action is cancelled", method: "POST", path: "/v1/actions/act_1/cancel", status: 200,
			body: `{"reason":"not now"}`, answer: `{"id":"act_1"`, asked: []string{"act_1", me(t), "not now"},
		},
		{
			name: "replace on behalf of who is calling", method: "POST", path: "/v1/replace", status: 200,
			backend: fakeBackend{plan: plan}, body: `{"key":"alias/a","spec":"RSA_3072","without_grants":true,"reason":"r"}`,
			answer: `"on_demand_left":24`,
			asked:  ReplaceRequest{Key: "alias/a", Spec: "RSA_3072", WithoutGrants: true, Reason: "r", Requester: whoIAm(t)},
		},
		{
			name: "a refused replacement is an error that has the plan", method: "POST", path: "/v1/replace", status: 409,
			backend: fakeBackend{plan: refused}, body: `{"key":"alias/a","reason":"r"}`,
			answer: `{"error":{"code":"refused","message":"Too soon.","exit":4,"plan":{`,
			asked:  ReplaceRequest{Key: "alias/a", Reason: "r", Requester: whoIAm(t)},
		},
		{
			name: "aliases moved back on behalf of who is calling", method: "POST", path: "/v1/undo-alias", status: 200,
			backend: fakeBackend{plan: plan}, body: `{"name":"act_1","dry_run":true}`, answer: `"on_demand_left":24`,
			asked: UndoAliasRequest{Name: "act_1", Requester: whoIAm(t), DryRun: true},
		},
		{
			name: "contain on behalf of who is calling", method: "POST", path: "/v1/contain", status: 200,
			backend: fakeBackend{containment: held(remediation.Allow)},
			body: `{"key":"alias/a","reason":"r","revoke_grants":["g1"],"disable":true,"identity":"v1:1",` +
				`"emergency":true,"break_glass":true}`,
			answer: `"breaks":"","identity":"v1:1"`,
			asked: ContainRequest{
				Key: "alias/a", Reason: "r", RevokeGrants: []string{"g1"}, Disable: true, Identity: "v1:1", Requester: whoIAm(t),
				Emergency: true, BreakGlass: true,
			},
		},
		{
			name: "a refused containment is an error", method: "POST", path: "/v1/contain", status: 409,
			backend: fakeBackend{containment: held(remediation.Refuse)}, body: `{"key":"alias/a","reason":"r","disable":true}`,
			answer: `{"error":{"code":"refused","message":"Paused.","exit":4,"plan":{"key":{`,
			asked:  ContainRequest{Key: "alias/a", Reason: "r", Disable: true, Requester: whoIAm(t)},
		},
		{
			name: "what each measure would break", method: "POST", path: "/v1/contain", status: 200,
			backend: fakeBackend{containment: held(remediation.Refuse)}, body: `{"key":"alias/a","dry_run":true}`,
			answer: `"decision":{"verdict":"refuse","reason":"Paused."}`,
			asked:  ContainRequest{Key: "alias/a", Requester: whoIAm(t), DryRun: true},
		},
		{
			name: "a sweep that failed", method: "POST", path: "/v1/sweep", status: 200, backend: fakeBackend{sweep: done},
			body:   `{"name":"drift","wait_seconds":60}`,
			answer: `{"name":"drift","finished":true,"error":"eu-west-1: access denied"}`, asked: []string{me(t), "drift"},
		},
		{
			name: "a sweep not waited for", method: "POST", path: "/v1/sweep", status: 200,
			backend: fakeBackend{sweep: make(chan error)}, body: `{"name":"drift"}`,
			answer: `{"name":"drift","finished":false}`, asked: []string{me(t), "drift"},
		},
		{
			name: "pause", method: "POST", path: "/v1/pause", status: 200, body: `{"reason":"maintenance"}`,
			answer: `{"paused":true,"by":"` + me(t) + `"}`, asked: []string{me(t), "maintenance", ""},
		},
		{
			name: "resume", method: "POST", path: "/v1/resume", status: 200, body: `{}`,
			answer: `{"paused":false,"by":"` + me(t) + `","armed":true}`, asked: []string{me(t), ""},
		},
		{
			name: "resume says what it ended", method: "POST", path: "/v1/resume", status: 200, body: `{}`,
			backend: fakeBackend{pause: &state.Pause{At: noon, By: "ann", Reason: "moving"}}, asked: []string{me(t), ""},
			answer: `{"paused":false,"by":"` + me(t) +
				`","before":{"at":"2026-03-14T12:00:00Z","by":"ann","reason":"moving"}}`,
		},
		{
			name: "a rotation that is so already", method: "POST", path: "/v1/rotate", status: 200,
			backend: fakeBackend{plan: &Planned{
				NoAction: "Already on.", Decision: remediation.Decision{Verdict: remediation.Allow},
			}},
			body: `{"key":"alias/a","reason":"r","automatic_days":90}`, answer: `"no_action":"Already on."`,
			asked: RotateRequest{Key: "alias/a", Reason: "r", AutomaticDays: 90, Requester: whoIAm(t)},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			socket, stop := serve(t, &test.backend, zap.NewNop())
			cursor := sealCursor(SchemaFindings, "\x00fnd_1")
			path := strings.ReplaceAll(test.path, "CURSOR", cursor)
			test.answer = strings.ReplaceAll(test.answer, "CURSOR", cursor)
			status, answer := raw(t, socket, test.method, path, test.body)
			stop()
			if status != test.status || !strings.Contains(answer, test.answer) {
				t.Errorf("answer %d %s, want %d …%s…", status, answer, test.status, test.answer)
			}
			if diff := cmp.Diff(test.asked, test.backend.asked); diff != "" {
				t.Errorf("asked of the backend (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	tests := []struct {
		name         string
		backend      fakeBackend
		method, path string
		body         string
		status       int
		answer       string
	}{
		{
			name: "an id that is not there", method: "GET", path: "/v1/findings/fnd_9", status: 404,
			backend: fakeBackend{err: fmt.Errorf("finding fnd_9: %w", ErrNotFound)},
			answer:  `{"error":{"code":"not-found","message":"finding fnd_9: not found","exit":1}}`,
		},
		{
			name: "a name of several keys", method: "GET", path: "/v1/key?name=alias/a", status: 409,
			backend: fakeBackend{err: fmt.Errorf("alias/a: %w", ErrAmbiguous)},
			answer:  `{"error":{"code":"ambiguous","message":"alias/a: ambiguous","exit":2}}`,
		},
		{
			name: "the daemon's own failure", method: "GET", path: "/v1/status", status: 500,
			backend: fakeBackend{err: errors.New("disk full")},
			answer:  `{"error":{"code":"internal","message":"disk full","exit":1}}`,
		},
		{
			name: "KMS takes too long", method: "POST", path: "/v1/rotate", status: 504, body: `{"key":"k","reason":"r"}`,
			backend: fakeBackend{err: fmt.Errorf("read the key: %w", context.DeadlineExceeded)},
			answer:  `{"error":{"code":"timeout","message":"read the key: context deadline exceeded","exit":1}}`,
		},
		{
			name: "no such endpoint", method: "GET", path: "/v2/status", status: 404,
			answer: `{"error":{"code":"no-such-endpoint","message":"there is no /v2/status in this version's API","exit":2}}`,
		},
		{
			name: "another method", method: "DELETE", path: "/v1/findings/fnd_1", status: 405,
			answer: `{"error":{"code":"method-not-allowed","message":"/v1/findings/fnd_1 takes GET, not DELETE","exit":2}}`,
		},
		{
			name: "an unknown parameter", method: "GET", path: "/v1/findings?sev=HIGH", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"unknown parameter \"sev\"; known are status, severity, ` +
				`rule, key, account, region, since, suppressed, limit, after","exit":2}}`,
		},
		{
			name: "a severity that is none", method: "GET", path: "/v1/findings?severity=URGENT", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"severity: severity \"URGENT\" is none of INFORMATIONAL, ` +
				`LOW, MEDIUM, HIGH, CRITICAL","exit":2}}`,
		},
		{
			name: "a timeline of no key", method: "GET", path: "/v1/key/history?since=2026-03-14T12:00:00Z", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"name: an id, ARN, alias or alias ARN is needed","exit":2}}`,
		},
		{
			name: "a key as it was at no time", method: "GET", path: "/v1/key/as-of?name=k", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"at: a time is needed","exit":2}}`,
		},
		{
			name: "the use of no key", method: "GET", path: "/v1/key/usage?since=30d", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"name: an id, ARN, alias or alias ARN is needed","exit":2}}`,
		},
		{
			name: "a page too long", method: "GET", path: "/v1/keys?limit=1001", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"limit: \"1001\" is no whole number from 1 to 1000",` +
				`"exit":2}}`,
		},
		{
			name: "a cursor of one's own", method: "GET", path: "/v1/keys?after=!", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"after: \"!\" is not a position of this list; give what ` +
				"`next`" + ` said","exit":2}}`,
		},
		{
			name: "a cursor of another list", method: "GET", status: 400,
			path: "/v1/keys?after=" + sealCursor(SchemaFindings, "x"),
			answer: `{"error":{"code":"invalid-request","message":"after: \"` + sealCursor(SchemaFindings, "x") +
				`\" is not a position of this list; give what ` + "`next`" + ` said","exit":2}}`,
		},
		{
			name: "a period that KMS does not take", method: "POST", path: "/v1/rotate", status: 400,
			body: `{"key":"k","automatic_days":30,"dry_run":true}`,
			answer: `{"error":{"code":"invalid-request","message":"automatic_days: KMS rotates every 90 to 2560 days, ` +
				`not every 30","exit":2}}`,
		},
		{
			name: "a wait too long", method: "GET", path: "/v1/actions/act_1?wait=61", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"wait: \"61\" is no whole number of seconds from 0 to 60",` +
				`"exit":2}}`,
		},
		{
			name: "a containment without a measure", method: "POST", path: "/v1/contain", status: 400,
			body: `{"key":"k","reason":"r"}`,
			answer: `{"error":{"code":"invalid-request","message":"a measure is needed: cancel_deletion, revoke_grants, ` +
				`revoke_all, retire_aliases or disable","exit":2}}`,
		},
		{
			name: "a measure together with an undo", method: "POST", path: "/v1/contain", status: 400,
			body: `{"key":"k","reason":"r","undo":"act_1","disable":true}`,
			answer: `{"error":{"code":"invalid-request","message":"undo: takes back what an action did, and goes with no ` +
				`measure","exit":2}}`,
		},
		{
			name: "glass broken without an emergency", method: "POST", path: "/v1/rotate", status: 400,
			body:   `{"key":"k","reason":"r","break_glass":true}`,
			answer: `{"error":{"code":"invalid-request","message":"break_glass: only with emergency","exit":2}}`,
		},
		{
			name: "the daemon's own user approves", method: "POST", path: "/v1/actions/act_1/approve", status: 403,
			body: `{"plan":"v1:p","reason":"r"}`,
			answer: `{"error":{"code":"forbidden","message":"` + me(t) + ` may ask, but not approve: several people use that ` +
				`account. Approve with --aws-identity, or from an account of your own that admin.roles.approve lists","exit":4}}`,
		},
		{
			name: "what a backend refuses", method: "POST", path: "/v1/actions/act_1/cancel", status: 409,
			body: `{"reason":"r"}`, backend: fakeBackend{err: As(ErrRefused, remediation.ErrBegun)},
			answer: `{"error":{"code":"refused","message":"only what has not begun can be cancelled","exit":4}}`,
		},
		{
			name: "no reason", method: "POST", path: "/v1/rotate", body: `{"key":"k","reason":" "}`, status: 400,
			answer: `{"error":{"code":"invalid-request","message":"reason: is required","exit":2}}`,
		},
		{
			name: "a replacement of nothing", method: "POST", path: "/v1/replace", body: `{"reason":"r"}`, status: 400,
			answer: `{"error":{"code":"invalid-request","message":"key: an id, ARN, alias or alias ARN is needed","exit":2}}`,
		},
		{
			name: "a replacement without a reason", method: "POST", path: "/v1/replace", body: `{"key":"k"}`, status: 400,
			answer: `{"error":{"code":"invalid-request","message":"reason: is required","exit":2}}`,
		},
		{
			name: "nothing to undo", method: "POST", path: "/v1/undo-alias", body: `{"reason":"r"}`, status: 400,
			answer: `{"error":{"code":"invalid-request","message":"name: the id of the action that replaced the key, or an ` +
				`id, ARN, alias or alias ARN is needed","exit":2}}`,
		},
		{
			name: "a requester of one's own", method: "POST", path: "/v1/rotate", status: 400,
			body: `{"key":"k","reason":"r","Requester":"root"}`,
			answer: `{"error":{"code":"invalid-request","message":"the request's body: unknown member \"Requester\"",` +
				`"exit":2}}`,
		},
		{
			name: "a member of another type", method: "POST", path: "/v1/rotate", status: 400,
			body: `{"key":"k","reason":"r","automatic_days":"90d"}`,
			answer: `{"error":{"code":"invalid-request","message":"the request's body: \"automatic_days\" has a value of ` +
				`the wrong type","exit":2}}`,
		},
		{
			name: "no body", method: "POST", path: "/v1/pause", status: 400,
			answer: `{"error":{"code":"invalid-request","message":"the request's body is not one JSON object","exit":2}}`,
		},
		{
			name: "a body too long", method: "POST", path: "/v1/pause", body: strings.Repeat(" ", maxBody+1), status: 413,
			answer: `{"error":{"code":"too-large","message":"http: request body too large","exit":2}}`,
		},
		{
			name: "a panic", method: "GET", path: "/v1/status", status: 500, backend: fakeBackend{panics: "secret"},
			answer: `{"error":{"code":"internal","message":"the daemon met an error of its own while answering; its log ` +
				`has the details","exit":1}}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			core, logs := observer.New(zap.InfoLevel)
			socket, stop := serve(t, &test.backend, zap.New(core))
			status, answer := raw(t, socket, test.method, test.path, test.body)
			stop()
			if diff := cmp.Diff(test.answer, answer); diff != "" || status != test.status {
				t.Errorf("status %d, want %d; answer (-want +got):\n%s", status, test.status, diff)
			}
			panics := logs.FilterMessage("contained a panic").Len()
			if want := test.backend.panics != nil; (panics == 1) != want {
				t.Errorf("%d panics logged: %v", panics, logs.All())
			}
		})
	}
}

func TestTooManyRequestsAreToldSo(t *testing.T) {
	server := NewServer(&fakeBackend{}, zap.NewNop())
	for range maxInHand {
		server.inHand <- struct{}{}
	}
	socket, stop := serveThis(t, server)
	defer stop()
	status, answer := raw(t, socket, "GET", "/v1/ready", "")
	want := `{"error":{"code":"busy","message":"64 requests are in hand; try again in a moment","exit":1}}`
	if status != 503 || answer != want {
		t.Errorf("answer %d %s", status, answer)
	}
}

func TestStopAnswersThoseThatWait(t *testing.T) {
	backend := &fakeBackend{waiting: make(chan struct{})}
	socket, stop := serve(t, backend, zap.NewNop())
	answered := make(chan string, 1)
	client := clientOf(t, socket)
	go func() {
		a, err := client.Action(t.Context(), "act_1", time.Minute)
		if err != nil {
			answered <- err.Error()
			return
		}
		answered <- a.ID
	}()
	<-backend.waiting
	stop()
	if got := <-answered; got != "act_1" {
		t.Errorf("answer: %s", got)
	}
	if _, err := os.Lstat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestCallerThatCannotBeToldMayNotAct(t *testing.T) {
	backend := &fakeBackend{}
	server := NewServer(backend, zap.NewNop())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/resume", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.resume(request)
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Code != CodeUnknownPeer || refusal.status != 403 || backend.asked != nil {
		t.Errorf("error %v, asked %v", err, backend.asked)
	}
}

// whoIAm is nobody in particular: the daemon's own user.
func whoIAm(t *testing.T) remediation.Who {
	t.Helper()
	return remediation.Who{Name: me(t)}
}
