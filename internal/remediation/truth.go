package remediation

import (
	"fmt"
	"time"

	"rotd/internal/inventory"
)

// proven says that KMS shows what the action was for: a new entry among the rotations on demand and other current
// material, or the schedule as planned.
func proven(a *Action, key *inventory.Key) bool {
	r := key.Rotation
	if r == nil {
		return false
	}
	if a.Method == EnableAutomatic {
		return r.Enabled && r.PeriodDays == a.PeriodDays
	}
	return !r.HistoryAt.IsZero() && r.OnDemandUsed() > a.Before.OnDemandUsed &&
		key.CurrentMaterial != "" && key.CurrentMaterial != a.Before.Material
}

// inProgress says that KMS is working on a rotation on demand.
func inProgress(a *Action, key *inventory.Key) bool {
	return a.Method == NewMaterial && key.Rotation != nil && key.Rotation.InProgress != nil
}

// unreadable says why a reading of the key does not tell what the action needs to know, "" when it does.
func unreadable(a *Action, key *inventory.Key) string {
	switch {
	case key.GoneAt != nil:
		return "KMS says it does not know the key."
	case key.Rotation == nil:
		return "KMS did not tell the key's rotation status."
	case a.Method == NewMaterial:
		return unproven(key)
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
	if m.a.Method == NewMaterial && key.Rotation.HistoryAt.Before(read) {
		read = key.Rotation.HistoryAt
	}
	if read.Before(then) {
		m.o.Facts.Key, m.o.ReadError = nil, "the key was last read at "+stamp(read)+", too long ago to act on"
	}
}

// precondition compares the truth with what the action was planned on. It stops an action whose work is already done,
// whose key has moved on, or whose key is just being rotated by somebody else.
func (m *machine) precondition(key *inventory.Key) (Do, bool) {
	now, was := PreconditionOf(key), m.a.Before
	if unreadable(&m.a, key) != "" {
		return Do{}, false // the guardrails say it: not eligible
	}
	if m.a.Method == EnableAutomatic {
		if proven(&m.a, key) {
			return m.supersede(fmt.Sprintf("Automatic rotation is already on, every %d days.", now.PeriodDays)), true
		}
		if now.Enabled != was.Enabled || now.PeriodDays != was.PeriodDays {
			return m.supersede("Somebody changed the rotation schedule after this was planned."), true
		}
		return Do{}, false
	}
	if now.Material != was.Material || now.OnDemandUsed != was.OnDemandUsed {
		return m.supersede("The key got new material after this was planned."), true
	}
	if inProgress(&m.a, key) {
		return m.waitFor("Another rotation of this key is in progress; rotd waits for it.", 30*time.Second), true
	}
	return Do{}, false
}

func (m *machine) supersede(why string) Do {
	m.a.Guardrail = GuardSuperseded
	if m.called() {
		return m.fail(join("Superseded.", why, "Whether this action's own call had a part in it cannot be told.",
			lookYourself(&m.a)))
	}
	return m.end(Cancelled, join("Superseded.", why, "Nothing was changed."))
}

func (m *machine) waitFor(why string, d time.Duration) Do {
	m.a.Waiting = why
	m.a.NotBefore = m.now.Add(d)
	return m.until(m.a.NotBefore)
}
