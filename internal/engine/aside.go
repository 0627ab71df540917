package engine

import (
	"fmt"

	"rotd/internal/detection"
	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// foundAt is a finding about rotd itself and how often it was met in one transaction.
type foundAt struct {
	finding finding.Finding
	times   int
}

// self notes a finding about rotd itself, once however often a storm brings it.
func (j *judging) self(f finding.Finding) {
	if met := j.selves[f.Fingerprint]; met != nil {
		met.times++
		return
	}
	j.selves[f.Fingerprint] = &foundAt{finding: f, times: 1}
}

// setAside sets a message aside that cannot be handled, before anything else becomes of it.
func (j *judging) setAside(u *unit) error {
	again, err := j.quarantine(state.Quarantined{
		Reason: u.failure.reason, Detail: u.failure.detail,
		Queue: u.msg.Queue, MessageID: u.msg.ID, SenderID: u.msg.SenderID, Body: u.msg.Body,
	})
	if err != nil {
		return err
	}
	if again {
		j.tally.message(u, messageDuplicate)
	} else {
		j.tally.message(u, messageQuarantined)
	}
	return nil
}

// malformed sets one record of a log file aside; the rest of the file goes on.
func (j *judging) malformed(u *unit, m *events.Malformed) error {
	q := state.Quarantined{Reason: string(m.Reason), Detail: m.Detail, Object: u.object, Body: m.Raw}
	if u.msg != nil {
		q.Queue, q.MessageID, q.SenderID = u.msg.Queue, u.msg.ID, u.msg.SenderID
	}
	again, err := j.quarantine(q)
	if again {
		u.counts.duplicates++
	} else {
		u.counts.malformed++
	}
	return err
}

// quarantine keeps what cannot be handled; again says that it was kept before.
func (j *judging) quarantine(q state.Quarantined) (again bool, err error) {
	q.At = j.now
	again, kept, err := j.tx.Quarantine(q)
	if err != nil {
		return false, err
	}
	if again {
		j.tally.duplicates++
		return true, nil
	}
	j.tally.unreadable[q.Reason]++
	source := q.Queue
	if source == "" {
		source = q.Object
	}
	j.self(detection.Undecodable(source, q.Reason, q.Detail, kept, j.now))
	return false, nil
}

// untrustedSender tells of messages of a sender that the queue does not trust.
func (j *judging) untrustedSender(u *unit) {
	subject := finding.Subject{Type: finding.Queue, ID: u.msg.Queue}
	j.self(finding.Finding{
		RuleID: ignoredSender, Severity: finding.Medium, Subject: subject, Mitre: []string{},
		Title: "Messages of an untrusted sender arrive",
		Description: fmt.Sprintf("A sender that intake.queues.senders does not name put messages into %s; the last "+
			"SenderId was %q. Nobody judges them: what they tell of goes unnoticed, or was made up.",
			u.msg.Queue, clip(u.msg.SenderID)),
		Remedy: []string{
			"Find out who sends, and see what the queue's policy allows: the policy should let in nobody else.",
			"If the sender is right, add it to the queue's senders in rotd.yaml.",
		},
		FirstSeen: j.now, LastSeen: j.now, Fingerprint: finding.Fingerprint(ignoredSender, subject, "", ""),
	})
}

// unexpectedAccount tells of events of an account that configuration does not name.
func (j *judging) unexpectedAccount(account string) {
	subject := finding.Subject{Type: finding.Rotd, ID: j.e.db.Shard()}
	j.self(finding.Finding{
		RuleID: ignoredAccount, Severity: finding.Low, Subject: subject, Mitre: []string{},
		Title: "Events of an unexpected account arrive",
		Description: fmt.Sprintf("Events of an account arrive that rotd.yaml does not name; the last was %q. Nobody "+
			"judges them.", clip(account)),
		Remedy: []string{
			"If rotd is to watch the account, add it to accounts in rotd.yaml; otherwise take its events out of the " +
				"rule or the trail that brings them.",
		},
		FirstSeen: j.now, LastSeen: j.now, Fingerprint: finding.Fingerprint(ignoredAccount, subject, "", ""),
	})
}

// clip bounds what others chose.
func clip(s string) string { return s[:min(len(s), 100)] }
