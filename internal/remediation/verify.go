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
	if condition, _ := m.condition(); condition == done {
		return m.next(key, "")
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

// readInterval grows from 2 s to 30 s.
func (m *machine) readInterval() time.Duration {
	return min(time.Second<<min(m.a.Reads, 5), 30*time.Second)
}
