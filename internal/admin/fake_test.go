package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/history"
	"rotd/internal/impact"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/report"
	"rotd/internal/state"
	"rotd/internal/suppression"
	"rotd/internal/usage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

const keyARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// fakeBackend answers with what a test puts in, and keeps the last thing it was asked for.
type fakeBackend struct {
	asked       any
	err         error
	panics      any
	notReady    []string
	plan        *Planned
	containment *Planned
	pause       *state.Pause
	sweep       chan error
	db          *state.DB
	reported    []string
	access      Access
	identity    *AWSIdentity
	proof       Proof         // that Identify was asked about
	waiting     chan struct{} // closed when Action begins to wait for the end of its context
}

func (f *fakeBackend) note(asked any) error {
	f.asked = asked
	if f.panics != nil {
		panic(f.panics)
	}
	return f.err
}

func (f *fakeBackend) Access() *Access { return &f.access }

func (f *fakeBackend) Identify(_ context.Context, p Proof) (*AWSIdentity, error) {
	f.proof = p
	if f.identity == nil {
		return nil, fmt.Errorf("%w: signed too long ago", ErrUnproven)
	}
	return f.identity, nil
}

func (f *fakeBackend) Status(context.Context) (*Status, error) {
	return &Status{
		Version: "1.0.0", Shard: "default", Mode: "observe", Now: noon, Started: noon,
		Findings: Counts{Critical: 1},
	}, f.note("status")
}

// Report writes what a test put into reported; a test that wants it to fail then says so with err.
func (f *fakeBackend) Report(_ context.Context, q report.Query, to io.Writer) error {
	for _, part := range f.reported {
		if _, err := io.WriteString(to, part); err != nil {
			return err
		}
	}
	return f.note(q)
}

func (f *fakeBackend) NotReady(context.Context) []string { return f.notReady }

func (f *fakeBackend) Findings(_ context.Context, q FindingQuery) (Page[finding.Finding], error) {
	return Page[finding.Finding]{
		Items: []finding.Finding{{ID: "fnd_1", RuleID: "key-disabled"}}, Next: "\x00fnd_1",
		Partial: true,
	}, f.note(q)
}

func (f *fakeBackend) Finding(_ context.Context, id string) (*finding.Finding, error) {
	return &finding.Finding{ID: id, RuleID: "key-disabled"}, f.note(id)
}

func (f *fakeBackend) Keys(_ context.Context, q KeyQuery) (Page[Key], error) {
	return Page[Key]{Items: []Key{{Key: inventory.Key{ARN: keyARN, Policy: "{}"}}}}, f.note(q)
}

func (f *fakeBackend) Key(_ context.Context, name string) (*KeyDetail, error) {
	return &KeyDetail{Key: Key{Key: inventory.Key{ARN: keyARN, Policy: "{}"}}}, f.note(name)
}

func (f *fakeBackend) History(_ context.Context, q HistoryQuery) (Page[history.Line], error) {
	return Page[history.Line]{Items: []history.Line{{At: noon, Kind: history.State}}, Next: "position"}, f.note(q)
}

func (f *fakeBackend) AsOf(_ context.Context, name string, at time.Time) (*history.Past, error) {
	return &history.Past{AsOf: at, Key: inventory.Key{ARN: keyARN}}, f.note(fmt.Sprint(name, " ", at))
}

func (f *fakeBackend) Explain(_ context.Context, name string) (*policy.Explanation, error) {
	return &policy.Explanation{KeyARN: keyARN}, f.note("explain " + name)
}

func (f *fakeBackend) Abilities(_ context.Context, name string) (*remediation.Abilities, error) {
	return &remediation.Abilities{KeyARN: keyARN}, f.note("abilities " + name)
}

func (f *fakeBackend) Resolve(_ context.Context, id, by string, r ResolveRequest) (*finding.Finding, error) {
	return &finding.Finding{ID: id}, f.note([]string{id, by, r.Reason, r.Incident})
}

func (f *fakeBackend) Acknowledge(_ context.Context, id, by string, r AckRequest) (Acknowledged, error) {
	return Acknowledged{Finding: &finding.Finding{ID: id}}, f.note([]string{id, by, r.Reason, r.Move})
}

func (f *fakeBackend) Impact(_ context.Context, name string) (*impact.Assessment, error) {
	return &impact.Assessment{KeyARN: keyARN}, f.note([]any{name})
}

func (f *fakeBackend) Contents(_ context.Context, name, to string) (*impact.Contents, error) {
	return &impact.Contents{KeyARN: keyARN, To: to}, f.note([]any{name, to})
}

func (f *fakeBackend) KeyUsage(_ context.Context, name string, since time.Time) (*KeyUsage, error) {
	return &KeyUsage{KeyARN: keyARN, Usage: usage.Usage{By: "day", Calls: 7}}, f.note([]any{name, since})
}

func (f *fakeBackend) Actions(_ context.Context, q ActionQuery) (Page[remediation.Action], error) {
	return Page[remediation.Action]{Items: []remediation.Action{{ID: "act_1"}}}, f.note(q)
}

func (f *fakeBackend) Action(ctx context.Context, id string, wait time.Duration) (*remediation.Action, error) {
	if f.waiting != nil {
		close(f.waiting)
		<-ctx.Done()
	}
	return &remediation.Action{ID: id}, f.note(fmt.Sprint(id, " ", wait))
}

func (f *fakeBackend) Quarantine(_ context.Context, r Range) (Page[Quarantined], error) {
	q := state.Quarantined{Seq: 7, At: noon, Reason: "syntax", Body: []byte("secret")}
	return Page[Quarantined]{Items: []Quarantined{NewQuarantined(&q)}}, f.note(r)
}

func (f *fakeBackend) Rotate(_ context.Context, r RotateRequest) (*Planned, error) {
	return f.plan, f.note(r)
}

func (f *fakeBackend) Replace(_ context.Context, r ReplaceRequest) (*Planned, error) {
	return f.plan, f.note(r)
}

func (f *fakeBackend) UndoAlias(_ context.Context, r UndoAliasRequest) (*Planned, error) {
	return f.plan, f.note(r)
}

func (f *fakeBackend) Sweep(by, name string) (<-chan error, error) {
	return f.sweep, f.note([]string{by, name})
}

func (f *fakeBackend) AuditEntries(_ context.Context, q AuditQuery) (Page[audit.Entry], error) {
	return Page[audit.Entry]{Items: []audit.Entry{{Seq: 7, Event: audit.Paused}}}, f.note(q)
}

func (f *fakeBackend) Incidents(_ context.Context, q IncidentQuery) (Page[incident.Incident], error) {
	return Page[incident.Incident]{Items: []incident.Incident{{ID: "inc_1"}}}, f.note(q)
}

func (f *fakeBackend) Incident(_ context.Context, id string) (*Dossier, error) {
	return &Dossier{Incident: incident.Incident{ID: id}}, f.note(id)
}

func (f *fakeBackend) OpenIncident(_ context.Context, r IncidentRequest) (*incident.Incident, error) {
	return &incident.Incident{ID: "inc_1"}, f.note(r)
}

func (f *fakeBackend) NoteIncident(_ context.Context, id, by, text string) (*incident.Incident, error) {
	return &incident.Incident{ID: id}, f.note([]string{"note", id, by, text})
}

func (f *fakeBackend) Suppressions(_ context.Context, r Range) (Page[suppression.Standing], error) {
	return Page[suppression.Standing]{Items: []suppression.Standing{{Source: suppression.InState}}}, f.note(r)
}

func (f *fakeBackend) TrySuppressions(_ context.Context, all []suppression.Suppression) (*suppression.Trial, error) {
	return &suppression.Trial{Hidden: 1}, f.note(all)
}

func (f *fakeBackend) Suppress(_ context.Context, s suppression.Suppression, by string) (
	*suppression.Suppression, error,
) {
	err := f.note(s)
	s.Author = by
	return &s, err
}

func (f *fakeBackend) EndSuppression(_ context.Context, name, by, reason string) (*suppression.Suppression, error) {
	return &suppression.Suppression{Name: name}, f.note([]string{"end", name, by, reason})
}

func (f *fakeBackend) CloseIncident(_ context.Context, id, by, reason string) (*incident.Incident, error) {
	return &incident.Incident{ID: id}, f.note([]string{"close", id, by, reason})
}

func (f *fakeBackend) AuditLog(_ context.Context, after uint64, to io.Writer) error {
	_, err := io.WriteString(to, "{}\n")
	return errors.Join(err, f.note(after))
}

func (f *fakeBackend) Contain(_ context.Context, r ContainRequest) (*Planned, error) {
	return f.containment, f.note(r)
}

func (f *fakeBackend) Approve(
	_ context.Context, id, plan string, by remediation.Who, reason string,
) (*remediation.Action, error) {
	return &remediation.Action{ID: id, State: remediation.Planned}, f.note([]any{id, plan, by, reason})
}

func (f *fakeBackend) Cancel(_ context.Context, id, by, reason string) (*remediation.Action, error) {
	return &remediation.Action{ID: id, State: remediation.Cancelled}, f.note([]string{id, by, reason})
}

func (f *fakeBackend) Names(context.Context) (Names, error) {
	return Names{
		Rules: []string{"key-disabled", "dead-key-used"}, Policies: []string{"payments", "everything-else"},
		Places: []Place{{"111122223333", "us-east-1"}, {"111122223333", "eu-west-1"}},
	}, nil
}

func (f *fakeBackend) Pause(_ context.Context, by, reason, incident string) (*state.Pause, error) {
	return f.pause, f.note([]string{by, reason, incident})
}

func (f *fakeBackend) Resume(_ context.Context, by, incident string) (Paused, error) {
	return Paused{Before: f.pause, Armed: f.pause == nil}, f.note([]string{by, incident})
}

func (f *fakeBackend) CopyState(ctx context.Context, by string) (*state.Copy, error) {
	if err := f.note("copy for " + by); err != nil {
		return nil, err
	}
	return f.db.Copy(ctx)
}

func (f *fakeBackend) BackUp(_ context.Context, r BackupRequest) (*Backup, error) {
	return &Backup{To: r.To, SHA256: "ab"}, f.note(r)
}

func (f *fakeBackend) CheckState(context.Context) (*StateCheck, error) {
	return &StateCheck{Path: "/var/lib/rotd/rotd.db", Free: 1}, f.note("check")
}

func (f *fakeBackend) CompactState(_ context.Context, by string) (*state.Usage, error) {
	return &state.Usage{Bytes: 2, Free: 1}, f.note(by)
}

func (f *fakeBackend) Reencrypt(_ context.Context, r ReencryptRequest) (*ReencryptPlan, error) {
	plan := &ReencryptPlan{Job: reencrypt.Job{ID: "mov_1", To: keyARN, Total: r.Total}, Warnings: []string{}}
	if r.Ticket == "refuse" {
		plan.Decision = remediation.Decision{Verdict: remediation.Refuse, Reason: "rotd is paused"}
	}
	return plan, f.note(r)
}

func (f *fakeBackend) ReencryptBlobs(_ context.Context, id string, first int64, blobs []reencrypt.Blob) (
	*BlobsAnswer, error,
) {
	return &BlobsAnswer{Outcomes: []reencrypt.Outcome{}, Job: reencrypt.Job{ID: id}}, f.note([]any{id, first, blobs})
}

func (f *fakeBackend) Jobs(_ context.Context, r Range) (Page[reencrypt.Job], error) {
	return Page[reencrypt.Job]{Items: []reencrypt.Job{{ID: "mov_1"}}}, f.note(r)
}

func (f *fakeBackend) Job(_ context.Context, id string) (*reencrypt.Job, error) {
	return &reencrypt.Job{ID: id}, f.note(id)
}

func (f *fakeBackend) CancelJob(_ context.Context, id, by, reason string) (*reencrypt.Job, error) {
	return &reencrypt.Job{ID: id, State: reencrypt.Cancelled}, f.note([]any{id, reason})
}

// serve runs a server on a real socket until the test ends, or until stop is called.
func serve(t *testing.T, backend Backend, log *zap.Logger) (socket string, stop func()) {
	t.Helper()
	return serveThis(t, NewServer(backend, log))
}

func serveThis(t *testing.T, server *Server) (socket string, stop func()) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := Listen(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return socket, stop
}

func clientOf(t *testing.T, socket string) *Client {
	t.Helper()
	client := NewClient(socket)
	t.Cleanup(client.Close)
	return client
}

// short keeps errors readable: the temporary directory differs in each run.
func short(err error, socket string) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(strings.ReplaceAll(err.Error(), socket, "SOCKET"), filepath.Dir(socket), "DIR")
}
