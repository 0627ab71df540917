package engine

import (
	"time"

	"rotd/internal/detection"
	"rotd/internal/inventory"
	"rotd/internal/policy"
	"rotd/internal/state"
)

// KeyContext gathers what checks want to know around a key as it is known, and the exceptions that count for it, for
// whoever judges it apart from a reading.
func (e *Engine) KeyContext(tx *state.Tx, key *inventory.Key, now time.Time) (
	*detection.KeyContext, policy.Exceptions, error,
) {
	n := e.newNotebook(tx, now, e.Settings(), nil)
	assigned, err := tx.Assignment(key.ARN)
	if err != nil {
		return nil, nil, err
	}
	c, err := n.around(key, nil, n.settings.Policies.InForce(assigned, key))
	if err != nil {
		return nil, nil, err
	}
	if assigned != nil {
		c.Moved = assigned.Pending
	}
	return c, n.settings.Exceptions.InForce(assigned), nil
}
