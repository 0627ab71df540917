package remediation

import (
	"time"

	"rotd/internal/inventory"
)

// condition says how things are with regard to the call under way, and why in words.
func (m *machine) condition() (condition, string) {
	row, known := operationOf(m.a.Current().Operation)
	if !known {
		return moved, "rotd does not know the operation " + string(m.a.Current().Operation) + "."
	}
	return row.condition(&m.a, m.a.Current(), &m.o)
}

// inProgress says that KMS is working on a rotation on demand.
func inProgress(a *Action, key *inventory.Key) bool {
	return a.Current().Operation == RotateKeyOnDemand && key.Rotation != nil && key.Rotation.InProgress != nil
}

// unreadable says why a reading of the key does not tell what the call needs to know, "" when it does.
func unreadable(a *Action, key *inventory.Key) string {
	op := a.Current().Operation
	rotation := op == EnableKeyRotation || op == RotateKeyOnDemand || op == ImportKeyMaterial
	switch {
	case key.GoneAt != nil:
		return "KMS says it does not know the key."
	case rotation && key.Rotation == nil:
		return "KMS did not tell the key's rotation status."
	case op == RotateKeyOnDemand || op == ImportKeyMaterial:
		return unproven(key)
	case op == TagResource && key.WasDenied("ListResourceTags"):
		return "KMS refuses to list the key's tags. Let rotd's role call kms:ListResourceTags."
	}
	return ""
}

// readSince keeps the observed key only if it was read since then: an old reading must not pass for the truth.
func (m *machine) readSince(then time.Time) {
	key := m.o.Facts.Key
	if key == nil || unreadable(&m.a, key) != "" {
		return
	}
	read := key.ReadAt
	if m.a.Current().Operation.Needs().Has(inventory.FactHistory) && key.Rotation.HistoryAt.Before(read) {
		read = key.Rotation.HistoryAt
	}
	if read.Before(then) {
		m.o.Facts.Key, m.o.ReadError = nil, "the key was last read at "+stamp(read)+", too long ago to act on"
	}
}

// precondition compares the truth with what the call was planned on. It goes on when the call's work is already done,
// and stops an action whose key has moved on, or is just being changed by somebody else.
func (m *machine) precondition(key *inventory.Key) (Do, bool) {
	if reason := unreadable(&m.a, key); reason != "" {
		if m.a.At > 0 {
			m.o.ReadError = reason
			return m.retryRead(), true
		}
		return Do{}, false // the guardrails say it: not eligible
	}
	switch condition, why := m.condition(); condition {
	case done:
		switch {
		case m.called():
			return m.next(key, ""), true
		case len(m.a.Calls) > 1 && (m.a.At > 0 || m.a.Method != Restore): // what was restored already was not by this
			if do, stopped := m.guard(); stopped { // later calls are not judged in full
				return do, true
			}
			return m.next(key, why), true
		}
		return m.supersede(why), true
	case moved:
		return m.supersede(why), true
	case soon:
		return m.waitFor(why, 30*time.Second), true
	case open:
	}
	return Do{}, false
}

func (m *machine) supersede(why string) Do {
	m.a.Guardrail = GuardSuperseded
	if m.called() {
		return m.fail(join("Superseded.", why, "Whether this action's own call had a part in it cannot be told.",
			lookYourself(&m.a)))
	}
	if m.a.At > 0 {
		return m.fail(why)
	}
	return m.end(Cancelled, join("Superseded.", why, "Nothing was changed."))
}

func (m *machine) waitFor(why string, d time.Duration) Do {
	m.a.Waiting = why
	m.a.NotBefore = m.now.Add(d)
	return m.until(m.a.NotBefore)
}
