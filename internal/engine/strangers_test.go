package engine

import (
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/events/queue"
	"rotd/internal/finding"
	"rotd/internal/policy"
	"rotd/internal/state"
)

func TestALateEventIsJudgedWithoutMemoryAndStartsNothing(t *testing.T) {
	w := newWorld(t, silent, func(w *world) {
		w.settings.Policies[0].Respond = []policy.Response{{RuleID: "rotation-turned-off", Action: "restore"}}
	})
	arn := w.payments()
	for name, at := range map[string]time.Time{
		"20 days old": time.Now().Add(-20 * day), "2 hours ahead": time.Now().Add(2 * time.Hour),
	} {
		for _, event := range []string{"DisableKeyRotation", "RotateKeyOnDemand", "Decrypt"} {
			r := newRecord(event, arn, w.engineer, at).bridged()
			before := w.counter("rotd_records_total", "duplicate")
			w.settle(r)
			w.settle(r)
			if got := w.counter("rotd_records_total", "duplicate") - before; got != 1 {
				t.Errorf("%s %s: its eventID was not remembered", event, name)
			}
		}
	}
	f := w.awaitFound("rotation-turned-off", finding.Open)
	if !f.Late || f.Count != 2 {
		t.Errorf("got %+v", f)
	}
	if f := w.found("rotation-unplanned"); f != nil {
		t.Errorf("a rule with memory judged it: %+v", f)
	}
	w.awaitTold("rotation-turned-off", "time cannot be believed")
	w.view(func(tx *state.Tx) error {
		if use := tx.LastUse(arn); !use.IsZero() {
			t.Errorf("the key's last use is %s", use)
		}
		return nil
	})
	if len(w.actions()) != 0 || len(w.waiting(arn)) != 0 || !w.engine.LastEvent().IsZero() {
		t.Errorf("it started %d actions and %d readings, newest event %s", len(w.actions()), len(w.waiting(arn)),
			w.engine.LastEvent())
	}
}

func TestMessagesOfUntrustedSendersAreToldAndJudgedByNobody(t *testing.T) {
	w := newWorld(t, silent, func(w *world) {
		w.settings.Senders = map[string][]string{w.queue: {"AIDATRUSTED"}}
	})
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	message := func(sender string) queue.Message {
		body := []byte(w.aRecord("DisableKey", arn).bridged())
		return queue.Message{ID: uuid(), Body: body, SenderID: sender, ReceiveCount: 1}
	}
	messages := []queue.Message{message("AIDATRUSTED"), message("AIDAOTHER"), message("AIDAOTHER")}
	for i := range messages {
		messages[i].Queue = w.queue
	}
	for i, d := range w.settleMessages(messages) {
		if !d.Ack {
			t.Errorf("message %d: got %+v", i, d)
		}
	}
	if f := w.found("key-disabled"); f == nil || f.Count != 1 {
		t.Errorf("got %+v", f)
	}
	if f := w.found(ignoredSender); f == nil || f.Count != 2 {
		t.Errorf("got %+v", f)
	}
	if got := w.counter("rotd_messages_total", "ignored"); got != 2 {
		t.Errorf("%d messages ignored", got)
	}
	w.awaitTold(ignoredSender, "AIDAOTHER")
}

func TestEventsOfUnexpectedAccountsAreToldAndJudgedByNobody(t *testing.T) {
	w := newWorld(t, func(w *world) { w.settings.Expected = func(id string) bool { return id == account } })
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.settle(w.aRecord("DisableKey", arn).with("recipientAccountId", stranger).bridged())
	if f := w.found("key-disabled"); f != nil {
		t.Errorf("got %+v", f)
	}
	w.awaitTold(ignoredAccount, stranger)
	m, r := w.counter("rotd_messages_total", "ignored"), w.counter("rotd_records_total", ignoredAccount)
	if m != 1 || r != 1 {
		t.Errorf("ignored are %d messages and %d records", m, r)
	}
}
