package remediation

import "time"

// Limits of what follows a lost answer.
const (
	// maxOnceCalls is how often one action issues RotateKeyOnDemand or CreateKey, calls aside that KMS certainly did not
	// act on.
	maxOnceCalls = 2
	maxSetCalls  = 5 // what may be repeated, as EnableKeyRotation
	minReads     = 3 // reads that must deny an effect, besides Settle, before a lost answer counts as none
)

// settled says that a lost answer may be taken for a call that never arrived. What may be repeated may be so at once.
func (m *machine) settled() bool {
	row, _ := operationOf(m.a.Current().Operation)
	return m.a.Reads >= minReads && (!row.once || m.now.Sub(m.a.FirstRead) >= m.g.Settle)
}

// secondAttempt goes back to planned with the truth in hand, if the action has an attempt left.
func (m *machine) secondAttempt() Do {
	limit := maxSetCalls
	if row, _ := operationOf(m.a.Current().Operation); row.once {
		limit = maxOnceCalls
	}
	if m.a.Attempts-m.a.Rejected >= limit {
		return m.fail(unverified(&m.a, m.o.Facts.Key))
	}
	m.a.State = Planned
	m.a.NotBefore = time.Time{}
	return m.planned()
}
