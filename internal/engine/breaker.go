package engine

import (
	"fmt"

	"rotd/internal/audit"
	"rotd/internal/detection"
	"rotd/internal/remediation"
)

// countEnd keeps what an action's end means for the circuit breaker, and tells when that opens or closes it.
func (n *notebook) countEnd(a *remediation.Action) error {
	before, err := n.tx.Breaker()
	if err != nil {
		return err
	}
	after := n.settings.Guardrails.After(before, a, n.now)
	switch {
	case before.Open() && !after.Open():
		return n.closeBreaker("", "action "+a.ID+" succeeded")
	case after.Open() && a.State == remediation.Failed:
		if !before.Open() {
			err := n.audit(audit.Entry{
				Event: audit.BreakerOpened, Action: a.ID, Key: a.KeyARN, Detail: texts("outcome", a.Outcome),
			})
			if err != nil {
				return err
			}
		}
		if err := n.found(detection.BreakerOpen(n.e.db.Shard(), &after, n.now)); err != nil {
			return err
		}
	}
	return n.tx.SetBreaker(after)
}

// closeBreaker forgets the failures; what waited because of them goes on. by is empty when no person closes it.
func (n *notebook) closeBreaker(by, why string) error {
	before, err := n.tx.Breaker()
	if err != nil {
		return err
	}
	if before.Open() {
		if err := n.audit(audit.Entry{Actor: by, Event: audit.BreakerClosed, Detail: texts("because", why)}); err != nil {
			return err
		}
	}
	if err := n.tx.SetBreaker(remediation.Breaker{}); err != nil {
		return err
	}
	open := detection.BreakerOpen(n.e.db.Shard(), &remediation.Breaker{}, n.now)
	if err := n.resolveByFingerprint(open.Fingerprint, why, false); err != nil {
		return fmt.Errorf("close the circuit breaker: %w", err)
	}
	return n.release(remediation.GuardBreaker)
}
