package engine

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/audit"
	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// logged is the audit log, oldest first, a line each: who, what, and of the details those that are asked for.
func (w *world) logged(details ...string) (lines []string) {
	w.Helper()
	w.view(func(tx *state.Tx) error {
		entries, _, err := tx.AuditEntries("", 1000, nil)
		slices.Reverse(entries)
		for i := range entries {
			line := fmt.Sprint(entries[i].Actor, " ", entries[i].Event)
			for _, name := range details {
				if value, ok := entries[i].Detail[name]; ok {
					line += " " + value
				}
			}
			lines = append(lines, line)
		}
		return err
	})
	return lines
}

// auditWhole wants a state's audit log in order; so do all tests, at the end of each run.
func (w *world) auditWhole(db *state.DB) {
	breaks, err := auditBreaks(db)
	w.check(err)
	for _, b := range breaks {
		w.Errorf("audit log: %s", b.Text)
	}
}

// auditBreaks is where a state's audit log is not in order.
func auditBreaks(db *state.DB) ([]audit.Break, error) {
	v := audit.NewVerifier()
	err := db.View(func(tx *state.Tx) error {
		lines, _ := tx.AuditLines(0, 1<<20)
		for _, line := range lines {
			v.Add(line)
		}
		return nil
	})
	return v.End().Breaks, err
}

// logs wants exactly these lines in the audit log.
func (w *world) logs(want []string, details ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.logged(details...)); diff != "" {
		w.Errorf("audit log (-want +got):\n%s", diff)
	}
}

func TestTheAuditLogTellsOfEachStepOfAnAction(t *testing.T) {
	tests := []struct {
		name      string
		fault     awssim.Fault
		change    func(*world)
		emergency bool
		state     remediation.State
		want      []string
	}{
		{
			name: "done at once", state: remediation.Succeeded, want: []string{
				"rotd log.began", "uid:1000 (ada) rotate.requested", "uid:1000 (ada) action.planned",
				"rotd call.intended RotateKeyOnDemand 1", "rotd call.answered RotateKeyOnDemand accepted",
				"rotd call.verified RotateKeyOnDemand", "rotd action.succeeded",
			},
		},
		{
			name:  "refused by KMS",
			fault: awssim.Fault{Err: &awssim.APIError{Code: "LimitExceededException", Message: "no more"}},
			state: remediation.Failed, want: []string{
				"rotd log.began", "uid:1000 (ada) rotate.requested", "uid:1000 (ada) action.planned",
				"rotd call.intended RotateKeyOnDemand 1", "rotd call.answered RotateKeyOnDemand refused LimitExceededException",
				"rotd action.failed",
			},
		},
		{
			name:  "answer lost",
			fault: awssim.Fault{When: awssim.AfterEffect, DropConnection: true, Nth: 1},
			state: remediation.Succeeded, want: []string{
				"rotd log.began", "uid:1000 (ada) rotate.requested", "uid:1000 (ada) action.planned",
				"rotd call.intended RotateKeyOnDemand 1", "rotd call.answered RotateKeyOnDemand lost",
				"rotd call.verified RotateKeyOnDemand", "rotd action.succeeded",
			},
		},
		{
			name: "an emergency passes a guardrail", emergency: true,
			change: func(w *world) { w.settings.Guardrails.RotationsPerHour = 0 }, state: remediation.Succeeded,
			want: []string{
				"rotd log.began", "uid:1000 (ada) rotate.requested", "uid:1000 (ada) action.planned",
				"uid:1000 (ada) guardrail.overridden hourly-limit", "rotd call.intended RotateKeyOnDemand 1",
				"rotd call.answered RotateKeyOnDemand accepted", "rotd call.verified RotateKeyOnDemand",
				"rotd action.succeeded",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) {
				if tt.change != nil {
					tt.change(w)
				}
			})
			w.payments()
			tt.fault.Service, tt.fault.Operation = "kms", rotateCall
			if tt.fault.Err != nil || tt.fault.DropConnection {
				w.sim.Plan(tt.fault)
			}
			w.rotate("alias/pay-cards", tt.emergency)
			w.awaitAction(tt.state)
			w.logs(tt.want, "operation", "attempt", "answer", "code", "guardrails")
		})
	}
}

func TestAnAttemptAfterARejectedOneIsLoggedAnew(t *testing.T) {
	running := remediation.Action{State: remediation.Running, Method: remediation.NewMaterial, Attempts: 1}
	planned, again := running, running
	planned.State, planned.Rejected = remediation.Planned, 1
	again.Attempts, again.Rejected = 2, 1
	throttled := remediation.Answer{
		Kind: remediation.Rejected, RequestID: "r-1", Code: "ThrottlingException", Message: "slow down",
	}
	got := append(actionEntries(&running, &planned, &throttled), actionEntries(&planned, &again, nil)...)
	want := []audit.Entry{
		{Event: audit.CallAnswered, Detail: map[string]string{
			"operation": rotateCall, "answer": "rejected", "request_id": "r-1", "code": "ThrottlingException",
			"message": "slow down",
		}},
		{Event: audit.CallIntended, Detail: map[string]string{"operation": rotateCall, "attempt": "2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestEachCallOfAnActionIsLogged(t *testing.T) {
	const old, made = "arn:aws:kms:eu-west-1:111122223333:key/old", "arn:aws:kms:eu-west-1:111122223333:key/new"
	creating := remediation.Action{
		ID: "act_1", KeyARN: old, State: remediation.Running, Verb: remediation.Replace, Method: remediation.NewKey,
		Requester: "uid:1000 (ada)", Calls: []remediation.Call{
			{Operation: remediation.CreateKey},
			{Operation: remediation.TagResource, KeyARN: made, Skipped: "it has them"},
			{Operation: remediation.UpdateAlias, KeyARN: made, Alias: "alias/pay", FromARN: old},
		},
	}
	tagged, moving, done := creating, creating, creating
	tagged.At, tagged.State, tagged.NewKeyARN = 1, remediation.Planned, made
	moving.At, moving.Attempts, moving.NewKeyARN = 2, 1, made
	done.At, done.State, done.NewKeyARN = 2, remediation.Succeeded, made
	var got []string
	for _, step := range []struct {
		before, after *remediation.Action
		answer        *remediation.Answer
	}{
		{nil, &remediation.Action{KeyARN: old, Calls: creating.Calls, State: remediation.Planned}, nil},
		{&creating, &tagged, &remediation.Answer{Kind: remediation.Accepted, Made: made}},
		{&tagged, &moving, nil},
		{&moving, &done, &remediation.Answer{Kind: remediation.Accepted}},
	} {
		for _, e := range actionEntries(step.before, step.after, step.answer) {
			line := fmt.Sprint(e.Event, " ", e.Key[len(e.Key)-3:])
			for _, name := range []string{"calls", "operation", "made", "skipped", "alias", "from", "new_key"} {
				if text, ok := e.Detail[name]; ok {
					line += " " + text
				}
			}
			got = append(got, line)
		}
	}
	want := []string{
		"action.planned old CreateKey TagResource UpdateAlias",
		"call.answered old CreateKey " + made,
		"call.verified old CreateKey",
		"call.verified new TagResource it has them",
		"call.intended new UpdateAlias alias/pay " + old,
		"call.answered new UpdateAlias",
		"call.verified new UpdateAlias",
		"action.succeeded old " + made,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestAnAutomaticActionIsLoggedAsRotds(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}})
	w.sweep(Inventory)
	a := w.awaitAction(remediation.Succeeded)
	w.logs([]string{
		"rotd log.began", "rotd action.planned puts right rotation-disabled as policy payments says",
		"rotd call.intended EnableKeyRotation", "rotd call.answered EnableKeyRotation",
		"rotd call.verified EnableKeyRotation", "rotd action.succeeded",
	}, "reason", "operation")
	w.view(func(tx *state.Tx) error {
		entries, _, err := tx.AuditEntries("", 5, nil)
		for i := range entries {
			e := &entries[i]
			if e.Key != arn || e.Action != a.ID || e.Finding != a.FindingID || e.Finding == "" {
				t.Errorf("entry %d is about key %q, action %q, finding %q", e.Seq, e.Key, e.Action, e.Finding)
			}
		}
		return err
	})
}

// TestNoCallWithoutAnEntryBeforeIt: when KMS is called, the file on the disk says that it will be.
func TestNoCallWithoutAnEntryBeforeIt(t *testing.T) {
	w := newWorld(t)
	w.payments()
	checked := make(chan bool, 1)
	w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: rotateCall, Nth: 1, When: awssim.BeforeEffect,
		Do: func() {
			image, _ := os.ReadFile(w.path)
			checked <- bytes.Contains(image, []byte(`"event":"call.intended"`))
		},
	})
	w.rotate("alias/pay-cards", false)
	if !<-checked {
		t.Error("KMS was called before the audit log said so")
	}
	w.awaitAction(remediation.Succeeded)
}

func TestACallWhoseAnswerACrashLostIsLoggedAsLost(t *testing.T) {
	w := newWorld(t)
	w.payments()
	var c crash
	died := make(chan struct{})
	w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: rotateCall, Nth: 1, When: awssim.AfterEffect, DropConnection: true,
		Do: func() {
			c.image, _ = os.ReadFile(w.path)
			close(died)
		},
	})
	w.rotate("alias/pay-cards", false)
	<-died
	w.restartFrom(&c)
	w.awaitAction(remediation.Succeeded)
	w.logs([]string{
		"rotd log.began", "uid:1000 (ada) rotate.requested", "uid:1000 (ada) action.planned",
		"rotd call.intended RotateKeyOnDemand",
		"rotd call.answered RotateKeyOnDemand lost rotd stopped before the answer was recorded",
		"rotd call.verified RotateKeyOnDemand", "rotd action.succeeded",
	}, "operation", "answer", "message")
}

func TestWhatPeopleAskForIsLogged(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.ArmOnNewState = false })
	w.payments()
	_, err := w.engine.Rotate(t.Context(), RotateRequest{Key: "alias/pay-cards", DryRun: true, Requester: ada()})
	w.check(err)
	w.check(w.engine.Pause("uid:1000 (ada)", "a change freeze", ""))
	w.rotate("alias/pay-cards", false)
	w.check(w.engine.Resume("uid:1001 (bob)", ""))
	w.check(w.engine.NoteRedrive(w.queue, false))
	_, _, err = w.engine.Acknowledge(w.found("queue-without-redrive").ID,
		finding.Acknowledgement{By: "uid:1001 (bob)", Reason: "it is replaced"}, "")
	w.check(err)
	plan, err := w.engine.Rotate(t.Context(), RotateRequest{
		Key: "alias/pay-cards", AutomaticDays: 90, Reason: "as it is", Requester: remediation.Who{Name: "uid:1000 (ada)"},
	})
	w.check(err)
	if plan.Action != nil {
		t.Fatalf("planned %+v", plan.Action)
	}
	w.logs([]string{
		"rotd log.began",
		"uid:1000 (ada) automation.paused a change freeze",
		"uid:1000 (ada) rotate.refused test paused",
		"uid:1001 (bob) automation.resumed uid:1000 (ada) a change freeze true",
		"uid:1001 (bob) finding.acknowledged it is replaced queue-without-redrive",
		"uid:1000 (ada) rotate.requested as it is Automatic rotation is already on, every 90 days.",
	}, "reason", "guardrail", "paused_by", "paused_because", "arms_new_state", "rule", "nothing_to_do")
}

func TestARestoredStateGoesOnInAnEpochOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.payments()
	w.check(w.engine.Pause("uid:1000 (ada)", "a freeze", ""))
	w.restore()
	w.logs([]string{"rotd log.began", "uid:1000 (ada) automation.paused", "rotd log.began", " state.restored"})
}

func TestTheAuditLogsHeadIsToldOnceAnInterval(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.TellHead = 24 * time.Hour })
	w.check(w.engine.Pause("uid:1000 (ada)", "a change freeze", ""))
	var created time.Time
	var head audit.Head
	w.view(func(tx *state.Tx) error { created, head = tx.Created(), tx.AuditHead(); return nil })
	for _, after := range []time.Duration{0, 23 * time.Hour, 25 * time.Hour, 26 * time.Hour, 49 * time.Hour} {
		w.check(w.engine.tellHead(created.Add(after)))
		w.idleOutbox()
	}
	told := w.told(`"kind":"heartbeat"`)
	if len(told) != 2 {
		t.Fatalf("told %d times", len(told))
	}
	want := fmt.Sprintf(`"audit":{"epoch":%q,"seq":%d,"hash":%q}`, head.Epoch, head.Seq, head.Hash)
	if !strings.Contains(told[0].Message, want) || told[0].Attributes["severity"].StringValue != "INFORMATIONAL" {
		t.Errorf("told %s, want %s", told[0].Message, want)
	}
}

func TestAHeartbeatGoesNowhereItIsNotWanted(t *testing.T) {
	w := newWorld(t, silent, func(w *world) {
		w.settings.TellHead = 24 * time.Hour
		w.settings.Topics[0].MinSeverity = finding.Low
	})
	w.check(w.engine.Pause("uid:1000 (ada)", "a change freeze", ""))
	w.check(w.engine.tellHead(time.Now().Add(25 * time.Hour)))
	w.idleOutbox()
	if told := w.told(); len(told) != 0 {
		t.Errorf("told %v", told)
	}
}
