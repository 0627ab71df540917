package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"rotd/internal/audit"
	"rotd/internal/awssim"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// moving is a world with two keys and blobs under the first.
type moving struct {
	*world
	old, now string
}

func newMoving(t *testing.T, change ...func(*world)) *moving {
	w := newWorld(t, append([]func(*world){func(w *world) {
		w.settings.Policies = slices.Insert(w.settings.Policies, 0, policy.Policy{
			Name: "moved", Mode: policy.Enforce, Match: policy.Match{Aliases: []string{"alias/old"}},
			Rotation: policy.Rotation{Method: policy.None},
		})
	}}, change...)...)
	m := &moving{world: w}
	m.old = w.key(awssim.KeyOptions{Aliases: []string{"alias/old"}})
	m.now = w.key(awssim.KeyOptions{Aliases: []string{"alias/now"}})
	w.sweep(Inventory)
	return m
}

// sealed are so many blobs under a key, each bound to a context of its own.
func (m *moving) sealed(n int, key string) (blobs []reencrypt.Blob) {
	m.Helper()
	client := m.kms(m.engineer)
	for i := range n {
		context := map[string]string{"row": fmt.Sprint(i)}
		out, err := client.Encrypt(m.Context(), &kms.EncryptInput{
			KeyId: &key, Plaintext: fmt.Appendf(nil, "data key %d", i), EncryptionContext: context,
		})
		m.check(err)
		blobs = append(blobs, reencrypt.Blob{Ciphertext: out.CiphertextBlob, Context: context})
	}
	return blobs
}

func (m *moving) request(total int) ReencryptRequest {
	return ReencryptRequest{
		To: "alias/now", From: "alias/old", Manifest: strings.Repeat("ab", 32), Total: int64(total), Reason: "leaked",
		Requester: "uid:1000 (ann)",
	}
}

// begin begins a job that must be allowed.
func (m *moving) begin(r ReencryptRequest) reencrypt.Job {
	m.Helper()
	plan, err := m.engine.Reencrypt(m.Context(), r)
	m.check(err)
	if plan.Decision.Verdict != remediation.Allow || plan.Job.ID == "" {
		m.Fatalf("not begun: %+v", plan.Decision)
	}
	return plan.Job
}

func (m *moving) send(job reencrypt.Job, first int, blobs []reencrypt.Blob) *BlobsAnswer {
	m.Helper()
	answer, err := m.engine.ReencryptBlobs(m.Context(), job.ID, int64(first), slices.Clone(blobs))
	m.check(err)
	return answer
}

func (m *moving) movesFrom(key string) (moves []reencrypt.Move) {
	m.Helper()
	m.view(func(tx *state.Tx) (err error) { moves, err = tx.MovesFrom(key, 10); return err })
	return moves
}

func TestBlobsMoveInTheirOrderAndAreCounted(t *testing.T) {
	m := newMoving(t)
	blobs := m.sealed(150, m.old)
	blobs[3].Ciphertext = []byte("no ciphertext of KMS")
	blobs[70].Context = nil
	blobs[100].Source = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	job := m.begin(m.request(150))
	answer := m.send(job, 0, blobs[:120])
	rest := m.send(job, 120, blobs[120:])
	codes := map[int]string{}
	client, bytes := m.kms(m.engineer), int64(0)
	for i, o := range append(answer.Outcomes, rest.Outcomes...) {
		if o.Failure != nil {
			codes[i] = o.Failure.Code
			continue
		}
		bytes += int64(len(o.Ciphertext))
		if i%30 != 0 {
			continue
		}
		opened, err := client.Decrypt(m.Context(), &kms.DecryptInput{
			CiphertextBlob: o.Ciphertext, EncryptionContext: map[string]string{"row": fmt.Sprint(i)}, KeyId: &m.now,
		})
		if m.check(err); string(opened.Plaintext) != fmt.Sprintf("data key %d", i) {
			t.Errorf("outcome %d opens to %q", i, opened.Plaintext)
		}
	}
	want := map[int]string{
		3: "InvalidCiphertextException", 70: "InvalidCiphertextException", 100: reencrypt.CodeOtherRegion,
	}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	got, err := m.engine.Job(job.ID)
	m.check(err)
	wantCounts := reencrypt.Counts{Seen: 150, Moved: 147, Failed: 3, Bytes: bytes}
	if diff := cmp.Diff(wantCounts, got.Counts); diff != "" || got.State != reencrypt.Done || len(got.Failures) != 3 {
		t.Errorf("%s with %d failures (-want +got):\n%s", got.State, len(got.Failures), diff)
	}
	wantMoves := []reencrypt.Move{{From: m.old, To: m.now, Blobs: 147, Bytes: bytes, Failed: 3}}
	if diff := cmp.Diff(wantMoves, m.movesFrom(m.old), cmpopts.IgnoreTypes(time.Time{})); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
	m.drained()
	if f := m.found("rotd-role-misused"); f != nil {
		t.Errorf("rotd took its own calls for somebody else's: %+v", f)
	}
}

func TestABatchThatIsSentAgainIsNotCountedAgain(t *testing.T) {
	m := newMoving(t, silent)
	blobs := m.sealed(10, m.old)
	job := m.begin(m.request(10))
	m.send(job, 0, blobs[:6])
	m.send(job, 0, blobs[:6]) // its answer was lost
	m.stop()
	m.start() // the daemon was killed
	m.sweep(Inventory)
	m.send(job, 4, blobs[4:])
	last := m.send(job, 4, blobs[4:]) // so was the last one's
	if last.Job.Seen != 10 || last.Job.Moved != 10 || last.Job.State != reencrypt.Done {
		t.Errorf("got %+v", last.Job)
	}
	if moves := m.movesFrom(m.old); len(moves) != 1 || moves[0].Blobs != 10 {
		t.Errorf("got %+v", moves)
	}
}

func TestADryRunAsksKMSAndCountsNoMove(t *testing.T) {
	m := newMoving(t, silent)
	blobs := m.sealed(4, m.old)
	blobs[1].Context = nil
	r := m.request(4)
	r.DryRun, r.Reason = true, ""
	answer := m.send(m.begin(r), 0, blobs)
	if answer.Job.Moved != 3 || answer.Job.Failed != 1 || answer.Outcomes[1].Failure == nil ||
		len(answer.Outcomes[0].Ciphertext) > 0 {
		t.Errorf("got %+v", answer)
	}
	if moves := m.movesFrom(m.old); len(moves) > 0 {
		t.Errorf("got %+v", moves)
	}
}

func TestWhatPassesIsNoBlobsFault(t *testing.T) {
	m := newMoving(t, silent, func(w *world) { w.share = 1 })
	blobs := m.sealed(20, m.old)
	job := m.begin(m.request(20))
	fault := m.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "ReEncrypt", Err: &awssim.APIError{Code: "KMSInternalException", Status: 500},
	})
	answer := m.send(job, 0, blobs)
	if len(answer.Outcomes) != 0 || !strings.Contains(answer.Waiting, "KMS cannot be used at the moment") {
		t.Errorf("%d outcomes, waiting %q", len(answer.Outcomes), answer.Waiting)
	}
	fault.Remove()
	m.check(m.engine.Pause("ann", "freeze", ""))
	if answer = m.send(job, 0, blobs); len(answer.Outcomes) != 0 || !strings.Contains(answer.Waiting, "freeze") {
		t.Errorf("%d outcomes, waiting %q", len(answer.Outcomes), answer.Waiting)
	}
	m.check(m.engine.Resume("ann", ""))
	if answer = m.send(job, 0, blobs); answer.Job.Moved != 20 || answer.Job.State != reencrypt.Done {
		t.Errorf("got %+v", answer.Job)
	}
}

func TestAReencryptionIsRefusedBeforeItsFirstCall(t *testing.T) {
	m := newMoving(t, silent)
	m.key(awssim.KeyOptions{Aliases: []string{"alias/off"}, State: types.KeyStateDisabled})
	m.key(awssim.KeyOptions{Aliases: []string{"alias/dying"}, DeletionDate: time.Now().Add(10 * day)})
	m.key(awssim.KeyOptions{
		Aliases: []string{"alias/rsa"}, Spec: types.KeySpecRsa2048, Usage: types.KeyUsageTypeEncryptDecrypt,
	})
	m.key(awssim.KeyOptions{Aliases: []string{"alias/aws/s3"}, Manager: types.KeyManagerTypeAws})
	m.sweep(Inventory)
	tests := []struct {
		name            string
		change          func(*ReencryptRequest)
		paused          bool
		guardrail, says string
	}{
		{"a disabled destination", func(r *ReencryptRequest) { r.To = "alias/off" }, false, "not-eligible", "is disabled"},
		{"a dying source", func(r *ReencryptRequest) { r.From = "alias/dying" }, false, "not-eligible", "to be deleted"},
		{"an asymmetric key", func(r *ReencryptRequest) { r.To = "alias/rsa" }, false, "not-eligible", "only symmetric"},
		{"a key of AWS's own", func(r *ReencryptRequest) { r.To = "alias/aws/s3" }, false, "not-eligible", "managed by AWS"},
		{"a pause", func(*ReencryptRequest) {}, true, "paused", "rotd resume"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.paused {
				m.check(m.engine.Pause("ann", "freeze", ""))
				defer func() { m.check(m.engine.Resume("ann", "")) }()
			}
			r := m.request(1)
			tt.change(&r)
			plan, err := m.engine.Reencrypt(t.Context(), r)
			m.check(err)
			if plan.Decision.Verdict != remediation.Refuse || plan.Decision.Guardrail != tt.guardrail ||
				!strings.Contains(plan.Decision.Reason, tt.says) || plan.Job.ID != "" {
				t.Errorf("got %+v, job %q", plan.Decision, plan.Job.ID)
			}
		})
	}
	if n := len(m.sim.Requests(awssim.OfOperation("ReEncrypt"))); n != 0 {
		t.Errorf("%d calls of ReEncrypt", n)
	}
}

func TestAnEmergencyPassesAPauseAndIsRecorded(t *testing.T) {
	m := newMoving(t, silent)
	m.check(m.engine.Pause("ann", "freeze", ""))
	r := m.request(2)
	r.Emergency = true
	job := m.begin(r)
	answer := m.send(job, 0, m.sealed(2, m.old))
	if diff := cmp.Diff([]string{remediation.GuardPaused}, answer.Job.Overrode); diff != "" || answer.Job.Moved != 2 {
		t.Errorf("moved %d (-want +got):\n%s", answer.Job.Moved, diff)
	}
}

func TestTheAuditLogTellsOfReencryptions(t *testing.T) {
	m := newMoving(t, silent)
	blobs := m.sealed(1, m.old)
	dry := m.request(1)
	dry.DryRun = true
	m.send(m.begin(dry), 0, blobs) // only looks
	m.send(m.begin(m.request(1)), 0, blobs)
	m.check(m.engine.Pause("ann", "freeze", ""))
	r := m.request(1)
	_, err := m.engine.Reencrypt(t.Context(), r)
	m.check(err)
	r.Emergency = true
	cancelled := m.begin(r)
	_, err = m.engine.CancelJob(cancelled.ID, "ann", "a mistake")
	m.check(err)
	var told []string
	m.view(func(tx *state.Tx) error {
		entries, _, err := tx.AuditEntries("", 100, func(e *audit.Entry) bool {
			return strings.HasPrefix(string(e.Event), "reencrypt.") || e.Event == audit.GuardrailOverridden
		})
		for _, e := range entries {
			told = append(told, strings.TrimSpace(fmt.Sprint(e.Event, " ", e.Actor, " ", e.Detail["moved"],
				e.Detail["guardrail"], e.Detail["guardrails"])))
		}
		return err
	})
	slices.Reverse(told)
	want := []string{
		"reencrypt.requested uid:1000 (ann)", "reencrypt.ended rotd 1", "reencrypt.refused uid:1000 (ann) paused",
		"reencrypt.requested uid:1000 (ann)", "guardrail.overridden uid:1000 (ann) paused", "reencrypt.ended ann 0",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAJobThatIsOverTakesNoBlobs(t *testing.T) {
	m := newMoving(t, silent)
	blobs := m.sealed(2, m.old)
	job := m.begin(m.request(2))
	m.send(job, 0, blobs[:1])
	if _, err := m.engine.CancelJob(job.ID, "ann", ""); !errors.Is(err, ErrNoReason) {
		t.Errorf("without a reason: %v", err)
	}
	cancelled, err := m.engine.CancelJob(job.ID, "ann", "a mistake")
	if m.check(err); cancelled.State != reencrypt.Cancelled || cancelled.Outcome != "cancelled by ann: a mistake" {
		t.Errorf("got %+v", cancelled)
	}
	if _, err := m.engine.ReencryptBlobs(t.Context(), job.ID, 1, blobs[1:]); !errors.Is(err, ErrJobOver) {
		t.Errorf("a cancelled job: %v", err)
	}
	if _, err := m.engine.CancelJob(job.ID, "ann", "again"); !errors.Is(err, ErrJobOver) {
		t.Errorf("cancelled twice: %v", err)
	}
	if _, err := m.engine.ReencryptBlobs(t.Context(), "mov_nobody", 0, blobs); !errors.Is(err, ErrUnknownJob) {
		t.Errorf("an unknown job: %v", err)
	}
}

func TestNoCiphertextAndNoContextReachesALogOrTheState(t *testing.T) {
	var logged *observer.ObservedLogs
	m := newMoving(t, func(w *world) {
		var core zapcore.Core
		core, logged = observer.New(zap.DebugLevel)
		w.log = zap.New(core)
	})
	blobs := m.sealed(5, m.old)
	for i := range blobs {
		blobs[i].Destination = map[string]string{"secretcontext": "secretvalue"}
	}
	blobs[2].Ciphertext = []byte("secretciphertext")
	m.send(m.begin(m.request(5)), 0, blobs)
	for _, entry := range logged.All() {
		if text := fmt.Sprint(entry.Message, entry.ContextMap()); strings.Contains(text, "secret") {
			t.Errorf("logged: %s", text)
		}
	}
	m.view(func(tx *state.Tx) error {
		jobs, _, err := tx.Jobs("", 10, nil)
		if text := fmt.Sprintf("%+v", jobs); strings.Contains(text, "secret") {
			t.Errorf("kept: %s", text)
		}
		return err
	})
}
