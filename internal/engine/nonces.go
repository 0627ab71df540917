package engine

import (
	"errors"
	"time"

	"rotd/internal/state"
)

// ErrUsedNonce means that a proof of an AWS identity was used before.
var ErrUsedNonce = errors.New("the proof of the AWS identity was used before: sign again")

// UseNonce uses up a nonce, durably, so that nobody who got hold of a proof can use it again, a restart in between or
// not.
func (e *Engine) UseNonce(nonce string, now time.Time) error {
	return e.db.Update(func(tx *state.Tx) error {
		unused, err := tx.UseNonce(nonce, now)
		if err == nil && !unused {
			return ErrUsedNonce
		}
		return err
	})
}
