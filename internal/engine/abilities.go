package engine

import (
	"time"

	"rotd/internal/inventory"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// Abilities says what can be done to a key, by what is known of it: KMS is not asked.
func (e *Engine) Abilities(tx *state.Tx, key *inventory.Key, now time.Time) (all remediation.Abilities, err error) {
	n := e.newNotebook(tx, now, e.Settings(), nil)
	p, err := n.policyOf(key)
	if err != nil {
		return all, err
	}
	facts, err := n.facts(&remediation.Action{KeyARN: key.ARN, Account: key.Account, Region: key.Region})
	if err != nil {
		return all, err
	}
	facts.Key = key
	g, err := n.guardrails()
	if err != nil {
		return all, err
	}
	return g.Abilities(facts, p), nil
}
