package engine

import (
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/remediation"
)

func TestSilenceIsAFindingThatAnEventEnds(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Heartbeat = time.Hour })
	arn := w.payments()
	w.check(w.engine.noteSilence(time.Now()))
	if f := w.found("intake-silent"); f != nil {
		t.Errorf("silent at once: %+v", f)
	}
	w.check(w.engine.noteSilence(time.Now().Add(2 * time.Hour)))
	w.awaitFound("intake-silent", finding.Open)
	w.awaitTold("intake-silent", notifyOpened)
	w.stop()
	w.start()
	w.check(w.engine.noteSilence(time.Now()))
	if f := w.found("intake-silent"); f.Status != finding.Open {
		t.Error("a restart ended the silence")
	}
	w.settle(newRecord("Decrypt", arn, w.engineer, time.Now().Add(-3*time.Hour)).bridged())
	w.check(w.engine.noteSilence(time.Now()))
	w.awaitFound("intake-silent", finding.Resolved)
}

func TestMessagesInTheDeadLetterQueueAreAFindingUntilTheyAreGone(t *testing.T) {
	w := newWorld(t, silent)
	w.stop()
	w.redrive()
	_, err := w.sim.Send(w.dead, "what nobody could read")
	w.check(err)
	w.start()
	w.await("the depth of the dead-letter queue", func() bool { return w.consumer.Status().Attributes.DeadLetters == 1 })
	a := w.consumer.Status().Attributes
	w.check(w.engine.NoteDeadLetters(w.queue, a.Redrive.DeadLetterARN, a.DeadLetters))
	f := w.awaitFound("dead-letter-queue-not-empty", finding.Open)
	if f.Severity != finding.Medium || f.Subject.ID != w.queue {
		t.Errorf("got %+v", f)
	}
	w.awaitTold("dead-letter-queue-not-empty", notifyOpened)
	w.check(w.engine.NoteDeadLetters(w.queue, a.Redrive.DeadLetterARN, 0))
	w.awaitTold("dead-letter-queue-not-empty", notifyResolved)
}

func TestFindingsAboutRotdAreToldAgainOnceARepeatInterval(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Repeat = time.Hour })
	arn := w.payments()
	w.settle(w.aRecord("DisableKey", arn).bridged()) // a rule's finding is not repeated
	w.check(w.engine.NoteRedrive(w.queue, false))
	for _, after := range []time.Duration{0, 61 * time.Minute, 62 * time.Minute, 2 * time.Hour} {
		w.check(w.engine.remind(time.Now().Add(after)))
		w.idleOutbox()
	}
	w.await("two reminders", func() bool { return w.items("queue-without-redrive", "finding-reminder") == 2 })
	if got := w.items("key-disabled", "finding-reminder"); got != 0 {
		t.Errorf("a rule's finding is repeated %d times", got)
	}
	_, _, err := w.acknowledge(w.found("queue-without-redrive").ID, "ada", "the queue is replaced next week")
	w.check(err)
	w.check(w.engine.remind(time.Now().Add(3 * time.Hour)))
	w.idleOutbox()
	if got := w.items("queue-without-redrive", "finding-reminder"); got != 2 {
		t.Errorf("told %d times although somebody answers for it", got)
	}
	w.check(w.engine.NoteRedrive(w.queue, true))
	w.awaitTold("queue-without-redrive", notifyResolved)
}

func TestAProtectedKeyStaysProtectedAfterItsAliasMoved(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Protected = []string{"alias/pay-cards"} })
	arn := w.payments()
	other := w.key(awssim.KeyOptions{RotationPeriod: 90})
	w.moveAlias("alias/pay-cards", other)
	w.sweep(Inventory)
	for _, key := range []string{arn, other} {
		if d := w.rotate(key, true).Decision; d.Guardrail != remediation.GuardProtected {
			t.Errorf("%s: got %+v", key, d)
		}
	}
	unprotected := w.settings
	unprotected.Protected = nil
	w.engine.Reload(&unprotected)
	if d := w.rotate(arn, false).Decision; d.Guardrail == remediation.GuardProtected {
		t.Errorf("taken off the list: got %+v", d)
	}
}

func TestADamagedStateIsToldUntilTheNewOneIsArmed(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.ArmOnNewState = false })
	w.check(w.engine.NoteRecovered("/var/lib/rotd/rotd.db.damaged", "bad page"))
	w.awaitTold("state-recovered", notifyOpened)
	w.payments()
	if armed, err := w.engine.Armed(); armed || err != nil {
		t.Errorf("armed: %t, %v", armed, err)
	}
	w.check(w.engine.Resume("ada", ""))
	if armed, err := w.engine.Armed(); !armed || err != nil {
		t.Errorf("armed: %t, %v", armed, err)
	}
	w.awaitFound("state-recovered", finding.Resolved)
}
