package engine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/awssim"
	"rotd/internal/policy"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
)

// vault is the bucket whose objects are moved.
const vault = "vault"

// fill puts objects under a key into the vault.
func (m *moving) fill(n int, prefix, key string, more ...string) {
	m.Helper()
	header := map[string]string{
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": key,
		"X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Tagging": "team=pay",
	}
	if key == "" {
		header = map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}
	}
	for i := 0; i < len(more); i += 2 {
		header[more[i]] = more[i+1]
	}
	for i := range n {
		m.check(m.sim.PutObject(vault, fmt.Sprintf("%s%04d", prefix, i), []byte("ten bytes."), header))
	}
}

func (m *moving) objects(change ...func(*ReencryptRequest)) ReencryptRequest {
	r := ReencryptRequest{
		To: "alias/now", From: "alias/old", Location: "s3://" + vault + "/data/", Reason: "leaked",
		Requester: "uid:1000 (ann)",
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

// awaitJob waits for a job's state. Its patience begins anew with each round that the job makes.
func (m *moving) awaitJob(id string, s reencrypt.State) *reencrypt.Job {
	m.Helper()
	job, err := m.engine.Job(id)
	m.check(err)
	for job.State != s {
		last := job.Updated
		m.await("job "+id+" "+string(s), func() bool {
			job, err = m.engine.Job(id)
			m.check(err)
			return job.State == s || job.Updated.After(last)
		})
	}
	return job
}

// keyOf is the key of an object.
func (m *moving) keyOf(key string) string {
	m.Helper()
	head, err := s3.NewFromConfig(m.sim.As(m.engineer, region)).HeadObject(m.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(vault), Key: &key,
	})
	m.check(err)
	return aws.ToString(head.SSEKMSKeyId)
}

func newVault(t *testing.T, change ...func(*world)) *moving {
	m := newMoving(t, append(change, silent)...)
	m.sim.CreateBucket(region, account, vault)
	return m
}

func TestObjectsUnderTheOldKeyMoveAndOthersStay(t *testing.T) {
	m := newVault(t)
	m.sim.VersionBucket(vault)
	third := m.key(awssim.KeyOptions{})
	m.fill(230, "data/a", m.old)
	m.fill(3, "data/b", m.now)
	m.fill(4, "data/c", third)
	m.fill(5, "data/d", "")
	m.fill(2, "data/e", m.old, "X-Amz-Storage-Class", "GLACIER")
	m.fill(6, "elsewhere/", m.old)
	job := m.awaitJob(m.begin(m.objects()).ID, reencrypt.Done)
	want := reencrypt.Counts{Seen: 244, Moved: 230, Bytes: 2300, Failed: 2, Already: 3, Other: 9, Older: 230}
	if diff := cmp.Diff(want, job.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if len(job.Failures) != 2 || job.Failures[0].What != "data/e0000" || job.Failures[0].Code != "archived" {
		t.Errorf("failures %+v", job.Failures)
	}
	for key, want := range map[string]string{
		"data/a0000": m.now, "data/a0229": m.now, "data/c0000": third, "data/d0000": "", "data/e0001": m.old,
		"elsewhere/0000": m.old,
	} {
		if got := m.keyOf(key); got != want {
			t.Errorf("%s is under %s, want %s", key, got, want)
		}
	}
	wantMoves := []reencrypt.Move{{From: m.old, To: m.now, Objects: 230, Bytes: 2300, Failed: 2}}
	if diff := cmp.Diff(wantMoves, m.movesFrom(m.old), cmpopts.IgnoreTypes(time.Time{})); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

func TestADryRunOfObjectsOnlyCounts(t *testing.T) {
	m := newVault(t, func(w *world) { w.settings.Guardrails.MaxMode = policy.Observe })
	m.fill(5, "data/", m.old)
	job := m.awaitJob(m.begin(m.objects(func(r *ReencryptRequest) { r.DryRun = true })).ID, reencrypt.Done)
	if job.Moved != 5 || len(m.sim.EffectsOf("CopyObject")) > 0 || len(m.movesFrom(m.old)) > 0 {
		t.Errorf("got %+v", job.Counts)
	}
}

func TestAJobOfObjectsGoesOnAfterAStop(t *testing.T) {
	m := newVault(t)
	m.fill(350, "data/", m.old)
	reached := make(chan struct{})
	release := make(chan struct{})
	m.sim.Plan(awssim.Fault{Operation: "CopyObject", Nth: 150, Times: 1, Do: func() {
		close(reached)
		<-release
	}})
	id := m.begin(m.objects()).ID
	<-reached
	before, err := m.engine.Job(id)
	m.check(err)
	close(release)
	m.stop()
	if before.Seen != 100 || before.Cursor != "data/0099" {
		t.Errorf("seen %d up to %s", before.Seen, before.Cursor)
	}
	m.start()
	job := m.awaitJob(id, reencrypt.Done)
	if job.Seen != 350 || job.Moved+job.Already != 350 || job.Failed != 0 || job.Already > 100 {
		t.Errorf("got %+v", job.Counts)
	}
	if got := m.keyOf("data/0349"); got != m.now {
		t.Errorf("the last one is under %s", got)
	}
}

func TestACrashCopiesNoObjectTwice(t *testing.T) {
	m := newVault(t)
	m.fill(250, "data/", m.old)
	var last crash
	m.sim.Plan(awssim.Fault{Operation: "CopyObject", Nth: 150, Times: 1, Do: func() {
		image, err := os.ReadFile(m.path)
		if err != nil {
			t.Error(err)
		}
		last.image = image
	}})
	id := m.begin(m.objects()).ID
	m.awaitJob(id, reencrypt.Done)
	m.restartFrom(&last) // as if it had been killed then, with the second hundred copied and not committed
	job := m.awaitJob(id, reencrypt.Done)
	if want := (reencrypt.Counts{Seen: 250, Moved: 100, Already: 150, Bytes: 1000}); job.Counts != want {
		t.Errorf("got %+v", job.Counts)
	}
	if n := len(m.sim.EffectsOf("CopyObject")); n != 250 {
		t.Errorf("%d copies of 250 objects", n)
	}
}

func TestWhatPassesFailsNoObject(t *testing.T) {
	m := newVault(t)
	m.fill(30, "data/", m.old)
	busy := m.sim.Plan(awssim.Fault{Operation: "CopyObject", Err: &awssim.APIError{Code: "SlowDown", Status: 503}})
	id := m.begin(m.objects()).ID
	m.await("the job to wait", func() bool {
		job, err := m.engine.Job(id)
		m.check(err)
		return strings.Contains(job.Waiting, "SlowDown")
	})
	busy.Remove()
	job := m.awaitJob(id, reencrypt.Done)
	// The last round that was refused may have moved some: their answers were on their way when it ended.
	if job.Seen != 30 || job.Moved+job.Already != 30 || job.Failed != 0 || job.Waiting != "" {
		t.Errorf("got %+v", job)
	}
	if n := len(m.sim.EffectsOf("CopyObject")); n != 30 {
		t.Errorf("%d copies of 30 objects", n)
	}
}

func TestWhatWasMovedWhileAnotherHadToWaitIsCountedOnce(t *testing.T) {
	m := newVault(t)
	m.fill(30, "data/", m.old)
	m.sim.Plan(awssim.Fault{
		Operation: "CopyObject", Contains: "data/0000", Nth: 1, Times: 2, // with the SDK's second attempt
		Do: func() {
			m.await("the others", func() bool { return len(m.sim.EffectsOf("CopyObject")) == 29 })
		},
		Err: &awssim.APIError{Code: "SlowDown", Status: 503},
	})
	job := m.awaitJob(m.begin(m.objects()).ID, reencrypt.Done)
	// One whose answer was on its way when the round ended is found under the key already.
	if job.Seen != 30 || job.Moved+job.Already != 30 || job.Moved < 30-objectsCopied || len(job.Ahead) > 0 {
		t.Errorf("got %+v", job)
	}
	if moves := m.movesFrom(m.old); len(moves) != 1 || moves[0].Objects != job.Moved {
		t.Errorf("got %+v, want %d objects", moves, job.Moved)
	}
}

func TestAJobOfObjectsIsPausedCancelledAndResumed(t *testing.T) {
	m := newVault(t)
	m.fill(150, "data/", m.old)
	slow := m.sim.Plan(awssim.Fault{Operation: "CopyObject", Nth: 120, Times: 1000, Delay: time.Hour})
	id := m.begin(m.objects()).ID
	m.await("the first hundred", func() bool {
		job, err := m.engine.Job(id)
		m.check(err)
		return job.Seen == 100
	})
	if again := m.begin(m.objects()); again.ID != id {
		t.Errorf("a second job %s beside %s", again.ID, id)
	}
	cancelled, err := m.engine.CancelJob(id, "ann", "too slow")
	if m.check(err); cancelled.State != reencrypt.Cancelled {
		t.Errorf("got %+v", cancelled)
	}
	m.stop() // what is under way is broken off
	slow.Remove()
	m.start()
	m.check(m.engine.Pause("ann", "freeze", ""))
	if plan, err := m.engine.Reencrypt(t.Context(), m.objects()); err != nil ||
		plan.Decision.Guardrail != remediation.GuardPaused {
		t.Errorf("%+v, %v", plan, err)
	}
	resumed := m.begin(m.objects(func(r *ReencryptRequest) { r.Resume, r.Emergency = true, true }))
	job := m.awaitJob(id, reencrypt.Done)
	if resumed.ID != id || job.Seen != 150 || job.Moved+job.Already != 150 {
		t.Errorf("%s: %+v", resumed.ID, job.Counts)
	}
	m.check(m.engine.Resume("ann", ""))
	if _, err := m.engine.Reencrypt(t.Context(), m.objects(func(r *ReencryptRequest) { r.Resume = true })); !errors.Is(err,
		ErrUnknownJob) {
		t.Errorf("resumed what is done: %v", err)
	}
}

func TestAJobThatWaitsHoldsUpNoEmergency(t *testing.T) {
	m := newVault(t)
	m.fill(3, "data/", m.old)
	m.fill(3, "urgent/", m.old)
	slow := m.sim.Plan(awssim.Fault{Operation: "ListObjectsV2", Contains: "data", Err: &awssim.APIError{
		Code: "SlowDown", Status: 503,
	}})
	waits := m.begin(m.objects()).ID
	m.check(m.engine.Pause("ann", "freeze", ""))
	slow.Remove()
	urgent := m.begin(m.objects(func(r *ReencryptRequest) { r.Location, r.Emergency = "s3://vault/urgent/", true })).ID
	m.awaitJob(urgent, reencrypt.Done)
	if job, err := m.engine.Job(waits); err != nil || job.State != reencrypt.Running || job.Moved > 0 {
		t.Errorf("got %+v, %v", job, err)
	}
	m.check(m.engine.Resume("ann", ""))
	m.awaitJob(waits, reencrypt.Done)
}

func TestMovingObjectsIsRefusedBeforeTheFirstCopy(t *testing.T) {
	emergency := func(_ *moving, r *ReencryptRequest) { r.Emergency = true }
	tests := []struct {
		name            string
		ceiling, mode   policy.Mode // the global one, and that of the old key's policy
		change          func(m *moving, r *ReencryptRequest)
		guardrail, says string
	}{
		{"mode observe globally", policy.Observe, policy.Enforce, nil, "mode", "rotd only watches"},
		{"mode observe in the key's policy", policy.Enforce, policy.Observe, nil, "mode", "rotd only watches"},
		{"mode propose in the key's policy", policy.Enforce, policy.Propose, nil, "mode", "second person could approve"},
		{"mode propose, in an emergency too", policy.Propose, policy.Enforce, emergency, "mode", "Set mode: enforce"},
		{
			"mode observe in an emergency that names no key", policy.Observe, policy.Enforce,
			func(_ *moving, r *ReencryptRequest) { r.Emergency, r.From = true, "" }, "mode", "--from",
		},
		{
			"a protected key, in an emergency too", policy.Enforce, policy.Enforce, func(m *moving, r *ReencryptRequest) {
				m.settings.Protected = []string{"alias/old"}
				m.engine.Reload(&m.settings)
				m.sweep(Inventory)
				r.Emergency = true
			}, "protected", "Take it off the list",
		},
		{
			"outside the windows", policy.Enforce, policy.Enforce, func(m *moving, _ *ReencryptRequest) {
				now := time.Now().UTC()
				m.settings.Guardrails.Windows = remediation.Windows{{
					Days: []time.Weekday{now.AddDate(0, 0, 3).Weekday()}, To: time.Hour, Zone: time.UTC,
				}}
				m.engine.Reload(&m.settings)
			}, "window", "the next opens",
		},
		{
			"the same key", policy.Enforce, policy.Enforce, func(_ *moving, r *ReencryptRequest) { r.From = r.To },
			"not-eligible", "same key",
		},
		{
			"a bucket in another Region", policy.Enforce, policy.Enforce, func(m *moving, r *ReencryptRequest) {
				m.sim.CreateBucket("us-east-1", account, "abroad")
				r.Location = "s3://abroad/"
			}, "not-eligible", "the bucket is in us-east-1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newVault(t, func(w *world) {
				w.settings.Guardrails.MaxMode, w.settings.Policies[0].Mode = tt.ceiling, tt.mode
			})
			r := m.objects()
			if tt.change != nil {
				tt.change(m, &r)
			}
			plan, err := m.engine.Reencrypt(t.Context(), r)
			m.check(err)
			if plan.Decision.Verdict != remediation.Refuse || plan.Decision.Guardrail != tt.guardrail ||
				!strings.Contains(plan.Decision.Reason, tt.says) {
				t.Errorf("got %+v", plan.Decision)
			}
		})
	}
	m := newVault(t)
	m.sim.Plan(awssim.Fault{Operation: "HeadBucket", Contains: "shut", Err: &awssim.APIError{
		Code: "AccessDenied", Status: 403,
	}})
	for wrong, says := range map[string]string{
		"vault/data": "not of the form s3://bucket/key", "s3://nowhere-at-all/": "there is no bucket nowhere-at-all",
		"s3://shut/": "its role needs s3:ListBucket",
	} {
		_, err := m.engine.Reencrypt(t.Context(), m.objects(func(r *ReencryptRequest) { r.Location = wrong }))
		if !errors.Is(err, ErrBadLocation) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestWhatIsDeniedIsSaidWithWhatTheRoleNeeds(t *testing.T) {
	denied := &awssim.APIError{Code: "AccessDenied", Message: "Access Denied", Status: 403}
	m := newVault(t)
	m.fill(2, "data/", m.old)
	fault := m.sim.Plan(awssim.Fault{Operation: "CopyObject", Err: denied})
	job := m.awaitJob(m.begin(m.objects()).ID, reencrypt.Done)
	want := "Access Denied: the role needs s3:GetObject and s3:PutObject with their tags and locks on vault/data/0000, " +
		"kms:Decrypt on the key it is under, and kms:GenerateDataKey and kms:Decrypt on the new one"
	if job.Failed != 2 || job.Failures[0].Code != "AccessDenied" || job.Failures[0].Message != want {
		t.Errorf("got %+v", job.Failures)
	}
	fault.Remove()
	fault = m.sim.Plan(awssim.Fault{Operation: "ListObjectsV2", Err: denied})
	id := m.begin(m.objects()).ID
	job = m.awaitJob(id, reencrypt.Failed)
	if !strings.Contains(job.Outcome, "Access Denied: the role needs s3:GetObject and s3:ListBucket on vault") {
		t.Errorf("outcome %q", job.Outcome)
	}
	fault.Remove()
	m.begin(m.objects(func(r *ReencryptRequest) { r.Resume = true }))
	if job = m.awaitJob(id, reencrypt.Done); job.Moved != 2 {
		t.Errorf("got %+v", job.Counts)
	}
}

func TestAnEmergencyPassesTheModeOfTheKeyItNames(t *testing.T) {
	m := newVault(t, func(w *world) { w.settings.Policies[0].Mode = policy.Observe })
	m.fill(3, "data/", m.old)
	id := m.begin(m.objects(func(r *ReencryptRequest) { r.Emergency = true })).ID
	job := m.awaitJob(id, reencrypt.Done)
	if diff := cmp.Diff([]string{remediation.GuardMode}, job.Overrode); diff != "" || job.Moved != 3 {
		t.Errorf("%+v, overrode (-want +got):\n%s", job.Counts, diff)
	}
}

func TestWhereNoKeyIsNamedEachIsJudged(t *testing.T) {
	m := newVault(t)
	third := m.key(awssim.KeyOptions{}) // of a policy that only watches
	m.sweep(Inventory)
	m.fill(3, "data/a", m.old)
	m.fill(2, "data/b", third)
	m.fill(1, "data/c", m.now)
	job := m.awaitJob(m.begin(m.objects(func(r *ReencryptRequest) { r.From = "" })).ID, reencrypt.Done)
	if want := (reencrypt.Counts{Seen: 6, Moved: 3, Failed: 2, Already: 1, Bytes: 30}); job.Counts != want {
		t.Errorf("got %+v", job.Counts)
	}
	if len(job.Failures) != 2 || job.Failures[0].What != "data/b0000" || job.Failures[0].Code != remediation.GuardMode {
		t.Errorf("failures %+v", job.Failures)
	}
	if got := m.keyOf("data/b0001"); got != third {
		t.Errorf("it is under %s", got)
	}
}

func TestAKeyThatIsProtectedMeanwhileKeepsItsObjects(t *testing.T) {
	m := newVault(t)
	m.fill(150, "data/", m.old)
	m.sim.Plan(awssim.Fault{Operation: "CopyObject", Nth: 1, Times: 1, Do: func() {
		m.settings.Protected = []string{"alias/old"}
		m.engine.Reload(&m.settings)
		m.sweep(Inventory)
	}})
	job := m.awaitJob(m.begin(m.objects()).ID, reencrypt.Done)
	if job.Moved != 100 || job.Failed != 50 || job.Failures[0].Code != remediation.GuardProtected {
		t.Errorf("got %+v", job)
	}
}

func TestAPauseDuringAListingCopiesNothing(t *testing.T) {
	m := newVault(t)
	m.fill(3, "data/", m.old)
	m.sim.Plan(awssim.Fault{Operation: "ListObjectsV2", Nth: 1, Times: 1, Do: func() {
		m.check(m.engine.Pause("ann", "freeze", ""))
	}})
	id := m.begin(m.objects()).ID
	m.await("the job to wait", func() bool {
		job, err := m.engine.Job(id)
		m.check(err)
		return strings.Contains(job.Waiting, "freeze") || job.State != reencrypt.Running
	})
	if n := len(m.sim.EffectsOf("CopyObject")); n > 0 {
		t.Errorf("%d copies while rotd was paused", n)
	}
	m.check(m.engine.Resume("ann", ""))
	if job := m.awaitJob(id, reencrypt.Done); job.Moved != 3 {
		t.Errorf("got %+v", job.Counts)
	}
}

func TestAnEmergencyJoinsAJobThatWaits(t *testing.T) {
	m := newVault(t)
	m.fill(3, "data/", m.old)
	m.sim.Plan(awssim.Fault{Operation: "ListObjectsV2", Nth: 1, Times: 1, Do: func() {
		m.check(m.engine.Pause("ann", "freeze", ""))
	}})
	id := m.begin(m.objects()).ID
	m.await("the pause", func() bool { job, err := m.engine.Job(id); m.check(err); return job.Waiting != "" })
	if joined := m.begin(m.objects(func(r *ReencryptRequest) { r.Emergency = true })); joined.ID != id {
		t.Errorf("another job %s", joined.ID)
	}
	m.awaitJob(id, reencrypt.Done)
}

func TestAKillInTheMiddleOfACopyInPartsLeavesNoParts(t *testing.T) {
	m := newVault(t)
	m.engine.store.LimitCopies(10<<20, 5<<20)
	m.check(m.sim.PutObject(vault, "data/large", make([]byte, 12<<20), map[string]string{
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": m.old,
	}))
	var last crash
	m.sim.Plan(awssim.Fault{Operation: "UploadPartCopy", Nth: 2, Times: 1, Do: func() {
		image, err := os.ReadFile(m.path)
		if err != nil {
			t.Error(err)
		}
		last.image = image
	}})
	abort := m.sim.Plan(awssim.Fault{Operation: "AbortMultipartUpload", Err: &awssim.APIError{
		Code: "AccessDenied", Status: 403,
	}})
	m.sim.Plan(awssim.Fault{Operation: "UploadPartCopy", Nth: 3, Times: 1, Err: &awssim.APIError{
		Code: "AccessDenied", Status: 403,
	}})
	id := m.begin(m.objects()).ID
	job := m.awaitJob(id, reencrypt.Done)
	if job.Failed != 1 || !strings.Contains(job.Outcome, "s3:AbortMultipartUpload") || m.uploads() != 1 {
		t.Errorf("%d uploads left, %+v", m.uploads(), job)
	}
	abort.Remove()
	m.restartFrom(&last) // as if it had been killed between the parts
	job = m.awaitJob(id, reencrypt.Done)
	if job.Moved != 1 || len(job.Uploads) > 0 || m.uploads() > 0 {
		t.Errorf("%d uploads left, %+v", m.uploads(), job)
	}
}

// uploads are how many are under way in the vault.
func (m *moving) uploads() int {
	m.Helper()
	out, err := s3.NewFromConfig(m.sim.As(m.engineer, region)).ListMultipartUploads(m.Context(),
		&s3.ListMultipartUploadsInput{Bucket: aws.String(vault)})
	m.check(err)
	return len(out.Uploads)
}
