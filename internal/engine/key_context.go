package engine

import (
	"time"

	"rotd/internal/detection"
	"rotd/internal/inventory"
	"rotd/internal/state"
)

// KeyContext gathers what checks want to know around a key as it is known, for whoever judges it apart from a reading.
func (e *Engine) KeyContext(tx *state.Tx, key *inventory.Key, now time.Time) (*detection.KeyContext, error) {
	n := e.newNotebook(tx, now, e.Settings(), nil)
	return n.around(key, nil, n.settings.Policies.For(key))
}
