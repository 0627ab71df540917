package engine

import (
	"time"

	"rotd/internal/detection"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// KeyContext gathers what checks want to know around a key as it is known, for whoever judges it apart from a reading.
func (e *Engine) KeyContext(tx *state.Tx, key *inventory.Key, now time.Time) (*detection.KeyContext, error) {
	settings := e.Settings()
	c := &detection.KeyContext{
		Key: key, Policy: settings.Policies.For(key), Now: now, LastUse: tx.LastUse(key.ARN),
		Grace: settings.Guardrails.OverdueGrace, Trusted: settings.Trusted,
	}
	if key.PrimaryARN == "" || key.PrimaryARN == key.ARN {
		return c, nil
	}
	primary, err := tx.Key(key.PrimaryARN)
	c.Primary = primary
	return c, err
}
