package engine

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// stolen is a key with an alias and grants for some roles.
func (w *world) stolen(roles ...string) (arn string, grants []string) {
	w.Helper()
	arn = w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	for _, role := range roles {
		out, err := w.kms(w.engineer).CreateGrant(w.Context(), &kms.CreateGrantInput{
			KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::" + account + ":role/" + role),
			Operations: []types.GrantOperation{types.GrantOperationDecrypt},
		})
		w.check(err)
		grants = append(grants, *out.GrantId)
	}
	w.sweep(Inventory)
	return arn, grants
}

// contain asks for a containment that a person wants.
func (w *world) contain(r ContainRequest) *Planned {
	w.Helper()
	r.Key, r.Reason, r.Requester = "alias/pay-cards", "INC-1", ada()
	plan, err := w.engine.Contain(w.Context(), r)
	w.check(err)
	return plan
}

// made are the changing calls of rotd's that had an effect, in order.
func (w *world) made() (operations []string) {
	for _, r := range w.sim.Requests(awssim.OfService("kms")) {
		if r.Effect && r.AccessKeyID == w.rotd.AccessKeyID {
			operations = append(operations, r.Operation)
		}
	}
	return operations
}

func TestAKeyIsContainedTheLeastDestructiveFirst(t *testing.T) {
	w := newWorld(t)
	arn, grants := w.stolen("app", "batch")
	plan := w.contain(ContainRequest{Disable: true, RevokeAll: true, RetireAliases: []string{"alias/pay-cards"}})
	if plan.Decision.Verdict != remediation.Allow || len(plan.Impact.Grants) != 2 {
		t.Fatalf("got %+v", plan)
	}
	a := w.awaitAction(remediation.Succeeded)
	want := []string{"DeleteAlias", "RevokeGrant", "RevokeGrant", "DisableKey"}
	if diff := cmp.Diff(want, w.made()); diff != "" {
		t.Fatalf("calls (-want +got):\n%s", diff)
	}
	if got := []string{a.Calls[1].Grant.ID, a.Calls[2].Grant.ID}; !slices.Equal(got, grants) {
		t.Errorf("revoked %q, want %q", got, grants)
	}
	for i := range a.Calls {
		if a.Calls[i].Done == nil || a.Calls[i].RequestID == "" {
			t.Errorf("%s: %+v", a.Calls[i].Operation, a.Calls[i])
		}
	}
	if k, _ := w.sim.KMS().Key(arn); k.State != types.KeyStateDisabled {
		t.Errorf("the key is %s", k.State)
	}
	w.awaitTold("action-succeeded", "the key disabled")
	logged := w.logged("measures", "operation")
	for _, entry := range []string{
		"uid:1000 (ada) contain.requested --retire-alias alias/pay-cards --revoke-all --disable",
		"rotd call.intended DisableKey",
		"rotd call.verified DisableKey",
	} {
		if !slices.Contains(logged, entry) {
			t.Errorf("the audit log lacks %q: %q", entry, logged)
		}
	}
	w.awaitTold(detection.ContainedDeadlineID)
}

func TestMoreGrantsThanAreKeptAreAllShownAndRevoked(t *testing.T) {
	w := newWorld(t, silent)
	roles := make([]string, inventory.MaxGrants+20)
	for i := range roles {
		roles[i] = fmt.Sprintf("app-%d", i)
	}
	arn, grants := w.stolen(roles...)
	shown := w.contain(ContainRequest{RevokeAll: true, Disable: true, DryRun: true})
	if got := len(shown.Impact.Grants); got != len(grants) {
		t.Fatalf("%d grants of %d were shown", got, len(grants))
	}
	for i, c := range shown.Action.Calls[:len(grants)] {
		if c.Grant.ID != grants[i] {
			t.Fatalf("call %d revokes %s, want %s", i, c.Grant.ID, grants[i])
		}
	}
	_, err := w.kms(w.thief).CreateGrant(w.Context(), &kms.CreateGrantInput{
		KeyId: &arn, GranteePrincipal: aws.String("arn:aws:iam::" + account + ":role/late"),
		Operations: []types.GrantOperation{types.GrantOperationDecrypt},
	})
	w.check(err)
	if d := w.contain(ContainRequest{RevokeAll: true, Disable: true, Identity: shown.Identity}).Decision; d.Guardrail !=
		remediation.GuardSuperseded || len(w.made()) > 0 {
		t.Fatalf("a grant that was not shown: %+v", d)
	}
	if calls := w.contain(ContainRequest{RevokeAll: true, Disable: true}).Action.Calls; len(calls) != len(grants)+2 {
		t.Errorf("%d calls", len(calls))
	}
	w.await("some of the grants revoked", func() bool { // all of them take a minute
		return len(w.sim.EffectsOf("RevokeGrant")) > 2
	})
	if kept := w.known(arn).Grants; len(kept.List) > inventory.MaxGrants {
		t.Errorf("%d grants are kept of the key", len(kept.List))
	}
}

func TestWhatAContainmentDidIsTakenBack(t *testing.T) {
	w := newWorld(t)
	arn, _ := w.stolen("app")
	w.contain(ContainRequest{Disable: true, RevokeAll: true, RetireAliases: []string{"alias/pay-cards"}})
	contained := w.awaitAction(remediation.Succeeded)
	f := w.awaitFound(detection.ContainedDeadlineID, finding.Open)
	if f.Severity != finding.Low || !slices.Contains(f.ActionIDs, contained.ID) {
		t.Errorf("got %+v", f)
	}
	plan, err := w.engine.Contain(w.Context(), ContainRequest{
		Key: arn, Undo: contained.ID, Reason: "all clear", Requester: ada(),
	})
	w.check(err)
	if plan.Action == nil {
		t.Fatalf("got %+v", plan)
	}
	w.await("the key as it was", func() bool {
		k, _ := w.sim.KMS().Key(arn)
		return k.State == types.KeyStateEnabled && slices.Contains(k.Aliases, "alias/pay-cards")
	})
	w.awaitFound(detection.ContainedDeadlineID, finding.Resolved)
	w.view(func(tx *state.Tx) error {
		d, err := tx.Deadline(arn)
		if d != nil {
			t.Errorf("kept %+v", d)
		}
		return err
	})
}

func TestADeletionIsCancelledAndTheKeyEnabled(t *testing.T) {
	w := newWorld(t)
	arn, _ := w.stolen()
	_, err := w.kms(w.thief).ScheduleKeyDeletion(w.Context(), &kms.ScheduleKeyDeletionInput{KeyId: &arn})
	w.check(err)
	w.contain(ContainRequest{CancelDeletion: true})
	w.awaitAction(remediation.Succeeded)
	if k, _ := w.sim.KMS().Key(arn); k.State != types.KeyStateEnabled {
		t.Errorf("the key is %s", k.State)
	}
	if f := w.found(detection.ContainedDeadlineID); f != nil {
		t.Errorf("a key that works has a deadline: %+v", f)
	}
}

func TestAContainmentThatCannotBeIsRefusedWithoutACall(t *testing.T) {
	paused := func(w *world) { w.check(w.engine.Pause("ada", "holidays", "")) }
	tests := []struct {
		name      string
		settings  func(*Settings)
		prepare   func(*world)
		request   ContainRequest
		guardrail string
		says      string
	}{
		{"no measure", nil, nil, ContainRequest{}, remediation.GuardNotEligible, "No measure was chosen"},
		{
			"a grant that is not there", nil, nil,
			ContainRequest{RevokeGrants: []string{"nope"}},
			remediation.GuardNotEligible, "has no grant nope",
		},
		{
			"a key in mode observe", func(s *Settings) { s.Guardrails.MaxMode = "observe" }, nil,
			ContainRequest{Disable: true},
			remediation.GuardMode, "--emergency passes this",
		},
		{"a pause", nil, paused, ContainRequest{Disable: true}, remediation.GuardPaused, "rotd is paused"},
		{
			"a protected key", func(s *Settings) { s.Protected = []string{"alias/pay-cards"} }, nil,
			ContainRequest{Disable: true},
			remediation.GuardProtected, "protected",
		},
		{
			"another plan than the one that was shown", nil, nil,
			ContainRequest{Disable: true, Identity: "v1:0"},
			remediation.GuardSuperseded, "Look again",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				if tt.settings != nil {
					tt.settings(&w.settings)
				}
			})
			w.stolen("app")
			if tt.prepare != nil {
				tt.prepare(w)
			}
			d := w.contain(tt.request).Decision
			if d.Verdict != remediation.Refuse || d.Guardrail != tt.guardrail || !strings.Contains(d.Reason, tt.says) {
				t.Errorf("got %+v", d)
			}
			if made := w.made(); len(made) > 0 || len(w.actions()) > 0 {
				t.Errorf("made %q for %+v", made, w.actions())
			}
			if logged := w.logged(); logged[len(logged)-1] != "uid:1000 (ada) contain.refused" {
				t.Errorf("logged %q", logged)
			}
		})
	}
}

func TestAnEmergencyContainsInModeObserveAndWhilePaused(t *testing.T) {
	w := newWorld(t, func(w *world) { w.settings.Guardrails.MaxMode = "observe" })
	w.stolen("app")
	w.check(w.engine.Pause("ada", "holidays", ""))
	w.contain(ContainRequest{RevokeAll: true, Disable: true, Emergency: true})
	a := w.awaitAction(remediation.Succeeded)
	want := []string{remediation.GuardMode, remediation.GuardPaused}
	if diff := cmp.Diff(want, a.Overrides); diff != "" {
		t.Errorf("passed (-want +got):\n%s", diff)
	}
	if told := w.awaitTold("action-succeeded", "emergency"); !strings.Contains(told.Message, "HIGH") {
		t.Errorf("told %s", told.Message)
	}
}

func TestAContainmentThatIsBrokenOffSaysWhatWasDoneAndWhatNot(t *testing.T) {
	w := newWorld(t)
	w.stolen("app")
	w.sim.KMS().Deny(awssim.KMSDenial{Operation: "DisableKey"})
	w.contain(ContainRequest{RevokeAll: true, Disable: true})
	a := w.awaitAction(remediation.Failed)
	for _, text := range []string{"kms:DisableKey", "Done: grant ", "Not done: the key disabled."} {
		if !strings.Contains(a.Outcome, text) {
			t.Errorf("the outcome does not say %q: %s", text, a.Outcome)
		}
	}
	f := w.awaitFound("containment-failed", finding.Open)
	if f.Severity != finding.High {
		t.Errorf("got %+v", f)
	}
	if w.found(detection.ContainedDeadlineID) != nil {
		t.Error("a key that was not disabled has a deadline")
	}
}

func TestAnUnknownActionCannotBeTakenBack(t *testing.T) {
	w := newWorld(t)
	arn, _ := w.stolen()
	_, err := w.engine.Contain(w.Context(), ContainRequest{Key: arn, Undo: "act_nope", Reason: "r"})
	if !errors.Is(err, ErrUnknownAction) || !strings.Contains(err.Error(), "rotd actions list --key") {
		t.Errorf("got %v", err)
	}
}

// TestADeadlineIsRemindedOf lets seven days pass, with a restart in each.
func TestADeadlineIsRemindedOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir() + "/rotd.db"
		arn := "arn:aws:kms:eu-west-1:111122223333:key/k"
		begun := time.Now().UTC()
		key := &inventory.Key{
			ARN: arn, ID: "k", Account: account, Region: region, Partition: "aws", State: "Disabled", Manager: "CUSTOMER",
			Aliases: []string{"alias/pay-cards"}, ReadAt: begun,
		}
		daemon := func(fn func(e *Engine)) {
			db, err := state.Open(state.Options{Path: path, Shard: "default", Now: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			fn(New(Options{
				DB: db, Settings: &Settings{Judge: detection.NewJudge(detection.Settings{})}, Own: NewOwnKeys(db),
				Metrics: NewMetrics(prometheus.NewRegistry()), Logger: zap.NewNop(), Partition: "aws",
			}))
		}
		open := func(e *Engine) (f *finding.Finding) {
			err := e.db.View(func(tx *state.Tx) error {
				all, _, err := tx.Findings("", 10, nil)
				for i := range all {
					if all[i].RuleID == detection.ContainedDeadlineID {
						f = &all[i]
					}
				}
				return err
			})
			if err != nil || f == nil {
				t.Fatalf("no deadline: %v", err)
			}
			return f
		}
		daemon(func(e *Engine) {
			if err := e.note(begun, func(n *notebook) error {
				if err := n.tx.PutKey(key); err != nil {
					return err
				}
				return n.beginDeadline(&remediation.Action{ID: "act_1", KeyARN: arn}, &remediation.Call{CalledAt: begun})
			}); err != nil {
				t.Fatal(err)
			}
		})
		type telling struct {
			day      int
			severity finding.Severity
			alerts   int // in the outbox so far
		}
		var got []telling
		for hour := range 7 * 24 {
			if hour%6 == 0 {
				daemon(func(e *Engine) {
					if err := e.Heartbeat(t.Context()); err != nil {
						t.Fatal(err)
					}
					f, waiting := open(e), 0
					_ = e.db.View(func(tx *state.Tx) error { waiting = tx.WaitingCount(); return nil })
					if len(got) == 0 || got[len(got)-1].alerts != waiting {
						got = append(got, telling{hour / 24, f.Severity, waiting})
					}
				})
			}
			time.Sleep(time.Hour)
		}
		want := []telling{
			{0, finding.Low, 1},
			{1, finding.Medium, 2},
			{3, finding.High, 3},
			{5, finding.High, 4},
			{6, finding.Critical, 5},
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(telling{})); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		daemon(func(e *Engine) {
			f, as := open(e), finding.Acknowledgement{By: "ada", Reason: "nothing is under it"}
			if _, _, err := e.Acknowledge(f.ID, as, ""); err != nil {
				t.Fatal(err)
			}
			time.Sleep(24 * time.Hour)
			if err := e.Heartbeat(t.Context()); err != nil {
				t.Fatal(err)
			}
			if f = open(e); f.Status != finding.Resolved || f.ResolvedBy != "ada answers for it: nothing is under it" {
				t.Errorf("got %+v", f)
			}
		})
	})
}

func TestAKeyThatShowsDisabledTooLateHasADeadlineToo(t *testing.T) {
	w := newWorld(t, silent)
	arn, _ := w.stolen()
	called := time.Now().UTC().Add(-time.Hour)
	failed := remediation.Action{
		ID: "act_01JD3Q5W0000000000000000B1", Verb: remediation.Contain, Method: remediation.Measures,
		State: remediation.Failed, KeyARN: arn, Account: account, Region: region, Created: called, CalledAt: called,
		Ended: &called, Attempts: 1, Ambiguous: true, Outcome: "KMS did not show it.",
		Calls: []remediation.Call{{Operation: remediation.DisableKey, KeyARN: arn, KeyState: "Enabled"}},
	}
	w.check(w.engine.note(called, func(n *notebook) error {
		return errors.Join(n.tx.PutAction(&failed), n.ended(&failed))
	}))
	w.awaitFound("containment-failed", finding.Open)
	w.sweep(Inventory)
	if f := w.found(detection.ContainedDeadlineID); f != nil {
		t.Fatalf("a key that is enabled has a deadline: %+v", f)
	}
	_, err := w.kms(w.engineer).DisableKey(w.Context(), &kms.DisableKeyInput{KeyId: &arn})
	w.check(err)
	w.sweep(Drift)
	f := w.awaitFound(detection.ContainedDeadlineID, finding.Open)
	if !slices.Equal(f.ActionIDs, []string{failed.ID}) {
		t.Errorf("got %+v", f)
	}
	w.awaitFound("containment-failed", finding.Resolved)
	w.view(func(tx *state.Tx) error {
		d, err := tx.Deadline(arn)
		if err == nil && (d == nil || !d.Since.Equal(called)) {
			t.Errorf("kept %+v", d)
		}
		return err
	})
	a := w.actions()[0]
	if a.State != remediation.Failed || !a.Undoable() || !strings.Contains(a.Outcome, "the key is disabled") {
		t.Errorf("the action is %+v", a)
	}
	if logged := w.logged("operation", "late"); !slices.Contains(logged, "rotd call.verified DisableKey true") {
		t.Errorf("logged %q", logged)
	}

	_, _, err = w.acknowledge(f.ID, "ada", "nothing is under it")
	w.check(err)
	w.sweep(Inventory)
	if f := w.found(detection.ContainedDeadlineID); f.Status != finding.Resolved {
		t.Errorf("reminded of again though somebody answers for it: %+v", f)
	}
}

func TestADeadlineEndsWhenAReadingShowsTheKeyEnabled(t *testing.T) {
	w := newWorld(t, silent)
	arn, _ := w.stolen()
	w.contain(ContainRequest{Disable: true})
	w.awaitFound(detection.ContainedDeadlineID, finding.Open)
	w.awaitAction(remediation.Succeeded)
	enabled := func(ago time.Duration) {
		w.update(func(tx *state.Tx) error {
			key, err := tx.Key(arn)
			if err != nil {
				return err
			}
			d, err := tx.Deadline(arn)
			if err != nil || d == nil {
				return err
			}
			d.Since = time.Now().UTC().Add(-ago)
			key.State, key.ReadAt = "Enabled", time.Now().UTC()
			return errors.Join(tx.PutKey(key), tx.PutDeadline(d))
		})
		w.check(w.engine.remindOfDeadlines(time.Now().UTC()))
	}
	enabled(time.Minute) // KMS does not agree with itself yet
	if f := w.found(detection.ContainedDeadlineID); f.Status != finding.Open {
		t.Errorf("a reading right after it was disabled ended it: %+v", f)
	}
	enabled(time.Hour)
	if f := w.found(detection.ContainedDeadlineID); f.Status != finding.Resolved {
		t.Errorf("got %+v", f)
	}
}

func TestAContainmentBelongsToItsIncident(t *testing.T) {
	w := newWorld(t)
	w.stolen("app")
	i, err := w.engine.OpenIncident(IncidentRequest{
		Keys: []string{"alias/pay-cards"}, Reason: "stolen", Requester: "uid:1000 (ada)",
	})
	w.check(err)
	w.contain(ContainRequest{Disable: true, Incident: i.ID})
	a := w.awaitAction(remediation.Succeeded)
	answered := finding.Acknowledgement{By: "ada", Reason: "nothing is under it", Incident: "inc_nope"}
	deadline := w.awaitFound(detection.ContainedDeadlineID, finding.Open).ID
	if _, _, err := w.engine.Acknowledge(deadline, answered, ""); !errors.Is(err, ErrUnknownIncident) {
		t.Errorf("answered for an unknown incident: %v", err)
	}
	answered.Incident = i.ID
	_, _, err = w.engine.Acknowledge(deadline, answered, "")
	w.check(err)
	w.view(func(tx *state.Tx) error {
		kept, err := tx.Incident(i.ID)
		if err == nil && (!slices.Equal(kept.Actions, []string{a.ID}) || a.IncidentID != i.ID) {
			t.Errorf("the action's incident is %q, the incident's actions are %+v", a.IncidentID, kept.Actions)
		}
		entries, _, errAudit := tx.AuditEntries("", 1, func(e *audit.Entry) bool { return e.Event == audit.Acknowledged })
		if len(entries) != 1 || entries[0].Incident != i.ID {
			t.Errorf("the answer is told as %+v", entries)
		}
		return errors.Join(err, errAudit)
	})
}
