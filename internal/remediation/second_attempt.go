package remediation

import "time"

// Limits of what follows a lost answer.
const (
	// maxRotateCalls is how often one action issues RotateKeyOnDemand, calls aside that KMS certainly did not act on.
	maxRotateCalls = 2
	maxSetCalls    = 5 // EnableKeyRotation may be repeated
	minReads       = 3 // reads that must deny an effect, besides Settle, before a lost answer counts as none
)

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
