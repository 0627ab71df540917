package engine

import (
	"time"

	"rotd/internal/state"
)

// LastEvent is the eventTime of the newest event handled since the start; zero when none was.
func (e *Engine) LastEvent() time.Time { return e.newest.last() }

// IntakeStopped says why receiving is stopped for a fault that is no message's own; "" when it is not.
func (e *Engine) IntakeStopped() string { return e.intake.closed() }

// OutboxError says why alerts cannot be published at the moment; "" when they can.
func (e *Engine) OutboxError() string {
	if text := e.publishError.Load(); text != nil {
		return *text
	}
	return ""
}

// Armed reports whether automatic actions are allowed on this state at all.
func (e *Engine) Armed() (armed bool, err error) {
	err = e.db.View(func(tx *state.Tx) error {
		for _, p := range e.Places() {
			if armed, err = e.armed(tx, p.Account, p.Region); armed || err != nil {
				return err
			}
		}
		return nil
	})
	return armed, err
}
