package engine

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// rotate asks for new material as a person does.
func (w *world) rotate(key string, emergency bool) *Planned {
	w.Helper()
	plan, err := w.engine.Rotate(w.Context(), RotateRequest{
		Key: key, Reason: "test", Requester: ada(), Emergency: emergency,
	})
	w.check(err)
	return plan
}

func TestRotdKnowsItsOwnCallsAgain(t *testing.T) {
	w := newWorld(t)
	w.engine.RestsOn(&detection.Itself{Principals: []string{w.rotd.ARN}})
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
	w.sweep(Inventory)
	if plan := w.rotate("alias/pay-cards", false); plan.Decision.Verdict != remediation.Allow {
		t.Fatalf("got decision %+v", plan.Decision)
	}
	w.awaitAction(remediation.Succeeded)
	w.drained()
	for _, rule := range []string{"rotation-unplanned", "rotd-role-misused"} {
		if f := w.found(rule); f != nil {
			t.Errorf("rotd took its own calls for somebody else's: %+v", f)
		}
	}
	for _, who := range []awssim.Principal{w.thief, w.rotd} {
		_, err := w.kms(who).RotateKeyOnDemand(t.Context(), &kms.RotateKeyOnDemandInput{KeyId: &arn})
		w.check(err)
		w.await("the rotation to be complete", func() bool {
			k, _ := w.sim.KMS().Key(arn)
			return k.OnDemandStarted.IsZero()
		})
	}
	w.drained()
	f := w.awaitFound("rotation-unplanned", finding.Open)
	if f.Count != 2 || f.Expected || f.PrincipalARN != roleARN {
		t.Errorf("got %+v, want the thief's rotation and the one with rotd's stolen access key", f)
	}
	if f := w.awaitFound("rotd-role-misused", finding.Open); f.Count != 2 || f.Severity != finding.Critical {
		t.Errorf("got %+v, want the same two", f)
	}
}

func TestACallWithALostAnswerIsRotdsOwnOnlyWhereItFits(t *testing.T) {
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/1ba91416-86e5-489a-ada4-d1c3b453d303"
	called := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	ended := called.Add(time.Minute)
	action := func(change func(*remediation.Action)) remediation.Action {
		a := remediation.Action{
			ID: "act_1", KeyARN: arn, Method: remediation.NewMaterial, State: remediation.Running, Attempts: 1,
			Started: called, CalledAt: called,
		}
		change(&a)
		return a
	}
	tests := []struct {
		name   string
		action func(*remediation.Action)
		event  func(*events.Event)
		want   bool
	}{
		{"the attempt under way", func(*remediation.Action) {}, func(*events.Event) {}, true},
		{"an attempt whose answer never came", func(a *remediation.Action) {
			a.State, a.Ambiguous, a.Ended = remediation.Failed, true, &ended
		}, func(*events.Event) {}, true},
		{"the first of two attempts", func(a *remediation.Action) {
			a.State, a.Attempts, a.CalledAt = remediation.Verifying, 2, called.Add(20*time.Minute)
		}, func(*events.Event) {}, true},
		{
			"an attempt that was answered", func(a *remediation.Action) {
				a.State, a.RequestID = remediation.Verifying, "answered"
			},
			func(*events.Event) {}, false,
		},
		{
			"another operation", func(*remediation.Action) {},
			func(e *events.Event) { e.EventName = "EnableKeyRotation" }, false,
		},
		{"another key", func(*remediation.Action) {}, func(e *events.Event) { e.Key.ARN += "0" }, false},
		{
			"long after the attempt", func(a *remediation.Action) { a.Ambiguous = true },
			func(e *events.Event) { e.EventTime = called.Add(10 * time.Minute) }, false,
		},
		{
			"before the attempt", func(*remediation.Action) {},
			func(e *events.Event) { e.EventTime = called.Add(-10 * time.Minute) }, false,
		},
		{
			"another access key", func(*remediation.Action) {},
			func(e *events.Event) { e.UserIdentity.AccessKeyID = "ASIATHIEF00000000001" }, false,
		},
		{
			"no access key", func(*remediation.Action) {},
			func(e *events.Event) { e.UserIdentity.AccessKeyID = "" }, false,
		},
	}
	w := newWorld(t)
	w.check(w.engine.own.Note(w.rotd.AccessKeyID))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev := events.Event{
				EventName: "RotateKeyOnDemand", EventTime: called, RequestID: "unknown",
				Key: events.KeyRef{ARN: arn}, UserIdentity: events.Identity{AccessKeyID: w.rotd.AccessKeyID},
			}
			tt.event(&ev)
			a := action(tt.action)
			w.update(func(tx *state.Tx) error {
				if err := tx.PutAction(&a); err != nil {
					return err
				}
				if got := w.engine.own.made(tx, &ev); got != tt.want {
					t.Errorf("rotd's own: %t, want %t", got, tt.want)
				}
				a.State = remediation.Cancelled // not for the running worker
				return tx.PutAction(&a)
			})
		})
	}
}

func TestACallWithALostAnswerIsRotdsOwnAlsoWhenItsEventComesAfterTheEnd(t *testing.T) {
	for _, operation := range []string{
		"CreateKey", "EnableKeyRotation", "CreateGrant", "ReplicateKey", "UpdateAlias", "TagResource",
	} {
		t.Run(operation, func(t *testing.T) {
			w := newWorld(t, silent, twoRegions)
			w.engine.RestsOn(&detection.Itself{Principals: []string{w.rotd.ARN}})
			arn, _ := w.multiRegion()
			_, err := w.sim.KMS().AddGrant(arn, awssim.KMSGrant{Grantee: payRole, Operations: []string{"Decrypt"}})
			w.check(err)
			w.sweep(Inventory)
			w.sim.Plan(awssim.Fault{
				Service: "kms", Operation: operation, When: awssim.AfterEffect, DropConnection: true, Nth: 1,
			})
			w.replace()
			w.awaitAction(remediation.Succeeded)
			for _, r := range w.sim.Records() {
				w.send(recorded(t, r).bridged())
			}
			w.drained()
			if f := w.found("rotd-role-misused"); f != nil {
				t.Errorf("rotd took its own call for somebody else's: %s", f.Description)
			}
		})
	}
}

func TestOwnAccessKeysOutliveARestartAndRetention(t *testing.T) {
	w := newWorld(t)
	w.sweep(Inventory)
	const user = "AKIAROTDLONGLIVED001"
	w.check(w.engine.own.Note(user))
	w.update(func(tx *state.Tx) error {
		long := time.Now().Add(-state.KeepOwn - time.Hour)
		if err := tx.NoteAccessKey("ASIALONGGONE00000001", long); err != nil {
			return err
		}
		return tx.NoteAccessKey(user, long)
	})
	w.check(w.engine.Retain(t.Context()))
	w.stop()
	w.start()
	for id, want := range map[string]bool{w.rotd.AccessKeyID: true, user: true, "ASIALONGGONE00000001": false} {
		w.view(func(tx *state.Tx) error {
			ev := events.Event{ReadOnly: true, UserIdentity: events.Identity{AccessKeyID: id}}
			if got := w.engine.own.made(tx, &ev); got != want {
				t.Errorf("%s is rotd's own: %t, want %t", id, got, want)
			}
			return nil
		})
	}
}
