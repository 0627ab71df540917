package remediation

import "time"

// verifying looks for the effect, until it shows or the deadline has passed.
func (m *machine) verifying() Do {
	m.readSince(m.a.CalledAt)
	key := m.o.Facts.Key
	if key != nil {
		m.o.ReadError = unreadable(&m.a, key) // silence must not pass for a denial
	}
	if key == nil || m.o.ReadError != "" {
		return m.verifyUnread()
	}
	if proven(&m.a, key) {
		return m.succeed(key)
	}
	if inProgress(&m.a, key) {
		m.a.Ambiguous = false // KMS works on it: the call did arrive
	}
	m.a.Reads++
	if m.a.FirstRead.IsZero() {
		m.a.FirstRead = m.now
	}
	if m.a.Ambiguous && m.settled() {
		return m.secondAttempt()
	}
	if !m.now.Before(m.a.Deadline) {
		return m.fail(unverified(&m.a, key))
	}
	m.a.NotBefore = m.now.Add(m.readInterval())
	return m.until(m.a.NotBefore)
}

func (m *machine) verifyUnread() Do {
	switch {
	case m.o.ReadError != "" && !m.now.Before(m.a.Deadline):
		return m.fail("KMS could not be asked whether it did what rotd asked for. " + lookYourself(&m.a))
	case m.o.ReadError != "":
		return m.retryRead()
	case m.now.Before(m.a.NotBefore):
		return m.until(m.a.NotBefore)
	}
	return Do{What: Read}
}

// settled says that a lost answer may be taken for a call that never arrived. A schedule may be set again at once.
func (m *machine) settled() bool {
	if m.a.Method == EnableAutomatic {
		return m.a.Reads >= minReads
	}
	return m.a.Reads >= minReads && m.now.Sub(m.a.FirstRead) >= m.g.Settle
}

// secondAttempt goes back to planned with the truth in hand, if the action has an attempt left.
func (m *machine) secondAttempt() Do {
	limit := maxRotateCalls
	if m.a.Method == EnableAutomatic {
		limit = maxSetCalls
	}
	if m.a.Attempts-m.a.Rejected >= limit {
		return m.fail(unverified(&m.a, m.o.Facts.Key))
	}
	m.a.State = Planned
	m.a.NotBefore = time.Time{}
	return m.planned()
}

// readInterval grows from 2 s to 30 s.
func (m *machine) readInterval() time.Duration {
	return min(time.Second<<min(m.a.Reads, 5), 30*time.Second)
}
