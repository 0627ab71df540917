package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.uber.org/zap"

	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// noteSilence opens the finding when the intake is silent, and ends it, and those of places, when events have arrived
// again.
func (e *Engine) noteSilence(now time.Time) error {
	settings := e.Settings()
	if settings.Heartbeat == 0 || len(e.queues) == 0 {
		return nil
	}
	last := e.arrived.last()
	arrived := !last.IsZero()
	if !arrived {
		last = e.started
	}
	silent := detection.IntakeSilent(e.db.Shard(), last, settings.Heartbeat, now)
	return e.note(now, func(n *notebook) error {
		switch {
		case now.Sub(last) > settings.Heartbeat:
			return n.found(silent)
		case !arrived:
			return nil
		}
		if err := n.resolveByFingerprint(silent.Fingerprint, "events arrive again", false); err != nil {
			return err
		}
		return n.heardAgain()
	})
}

// Heartbeat looks at rotd itself: whether its state file is still there, whether events still arrive and canaries come
// back, which exceptions and suppressions have expired, whether the audit log's head and findings about rotd have to be
// told again; and at the deadlines of keys that it disabled. What cannot be looked at keeps it from nothing else.
func (e *Engine) Heartbeat(context.Context) error {
	now := time.Now().UTC()
	var failed []error
	for _, look := range []func(time.Time) error{
		e.noteTampered, e.noteSilence, e.noteCanaries, e.noteExpired, e.noteSuppressions, e.settleUntold, e.tellHead,
		e.remindOfDeadlines, e.remind,
	} {
		failed = append(failed, look(now))
	}
	return errors.Join(failed...)
}

// noteTampered opens the finding that somebody put hands on the state file, and ends it when the file is whole and in
// its place again.
func (e *Engine) noteTampered(now time.Time) error {
	what, err := e.db.Tampered()
	if err != nil {
		return err
	}
	f := detection.StateTampered(e.db.Shard(), e.db.Path(), what, now)
	if what != "" { // the finding is kept in the very file
		e.log.Error("somebody put hands on the state file: "+what, zap.String("path", e.db.Path()))
		return e.note(now, func(n *notebook) error { return n.found(f) })
	}
	var open bool
	err = e.db.View(func(tx *state.Tx) error {
		known, err := tx.FindingByFingerprint(f.Fingerprint)
		open = known != nil && known.Status == finding.Open
		return tx.PassOver(err)
	})
	if err != nil || !open {
		return err
	}
	return e.note(now, func(n *notebook) error {
		return n.resolveByFingerprint(f.Fingerprint, "the state file is whole and in its place", false)
	})
}

// NoteRedrive opens or ends the finding that a queue has no redrive policy.
func (e *Engine) NoteRedrive(queueURL string, present bool) error {
	now := time.Now().UTC()
	f := detection.QueueWithoutRedrive(queueURL, now)
	return e.note(now, func(n *notebook) error {
		if !present {
			return n.found(f)
		}
		return n.resolveByFingerprint(f.Fingerprint, "the queue has a redrive policy", false)
	})
}

// NoteDeadLetters opens or ends the finding that a queue's dead-letter queue holds messages.
func (e *Engine) NoteDeadLetters(queueURL, deadLetterARN string, messages int64) error {
	now := time.Now().UTC()
	f := detection.DeadLetters(queueURL, deadLetterARN, messages, now)
	return e.note(now, func(n *notebook) error {
		if messages > 0 {
			return n.found(f)
		}
		return n.resolveByFingerprint(f.Fingerprint, "the dead-letter queue is empty", false)
	})
}

// NoteListing opens or ends the finding that the organization's accounts could not be listed; listed is when they last
// were.
func (e *Engine) NoteListing(listed time.Time, failed error) error {
	now := time.Now().UTC()
	return e.note(now, func(n *notebook) error {
		f := detection.AccountsUnlisted(e.db.Shard(), listed, failed, now)
		if failed != nil {
			return n.found(f)
		}
		return n.resolveByFingerprint(f.Fingerprint, "the organization's accounts were listed", false)
	})
}

// NoteJob opens or ends the finding that a scheduled job fails.
func (e *Engine) NoteJob(job string, failed error) error {
	now := time.Now().UTC()
	return e.note(now, func(n *notebook) error {
		f := detection.JobFailed(e.db.Shard(), job, failed, now)
		if failed != nil {
			return n.found(f)
		}
		return n.resolveByFingerprint(f.Fingerprint, "the job succeeded", false)
	})
}

// NoteRecovered tells that a damaged state was set aside.
func (e *Engine) NoteRecovered(setAside, damage string) error {
	now := time.Now().UTC()
	return e.note(now, func(n *notebook) error {
		if err := n.audit(audit.Entry{
			Event: audit.StateRecovered, Detail: texts("set_aside", setAside, "damage", damage),
		}); err != nil {
			return err
		}
		return n.found(detection.StateRecovered(e.db.Shard(), setAside, damage, now))
	})
}

// ReportPanic counts and logs a panic that was contained elsewhere.
func (e *Engine) ReportPanic(where string, value any, stack []byte) { e.logPanic(where, value, stack) }

// remind tells again, once each repeat interval, of findings about rotd itself that stay open.
func (e *Engine) remind(now time.Time) error {
	return e.note(now, func(n *notebook) error {
		if n.settings.Repeat == 0 {
			return nil
		}
		for _, subject := range n.e.selfSubjects() {
			open, err := n.tx.OpenAbout(subject, maxOpenAbout)
			if err != nil {
				return err
			}
			for i := range open {
				if open[i].EventID != "" || open[i].Acknowledged != nil || open[i].RuleID == detection.SuppressionExpiredID {
					continue // a rule's, or somebody answers for it, or once is enough
				}
				if err := n.remindOf(&open[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// remindOf tells of one finding again when its next repeat interval has begun.
func (n *notebook) remindOf(f *finding.Finding) error {
	nth := int(n.now.Sub(f.FirstSeen) / n.settings.Repeat)
	memory := n.tx.Memory()
	name := fmt.Sprintf("reminded:%s:%d", f.Fingerprint, f.Episode)
	if nth < 1 || memory.Noted(name, n.now) == strconv.Itoa(nth) {
		return nil
	}
	memory.Note(name, strconv.Itoa(nth), n.now, 3*n.settings.Repeat)
	if err := memory.Err(); err != nil {
		return err
	}
	return n.tell(n.reminder(f, nth))
}

// selfSubjects are what findings about rotd itself can be about.
func (e *Engine) selfSubjects() []string {
	subjects := []string{e.db.Shard()}
	for _, place := range e.Places() {
		subjects = append(subjects, place.Account+"/"+place.Region)
	}
	return append(subjects, e.queueURLs...)
}

// note runs fn with a notebook in a transaction of its own and makes known what it did. The settings are those in force
// once the transaction has begun: with older ones a pause that was lifted together with a reload could be passed.
func (e *Engine) note(now time.Time, fn func(n *notebook) error) error {
	t := newTally()
	err := e.db.Update(func(tx *state.Tx) error {
		n := e.newNotebook(tx, now, e.Settings(), t)
		if err := fn(n); err != nil {
			return err
		}
		return n.tellPassedOver()
	})
	if err != nil {
		return err
	}
	e.committed(t)
	return nil
}
