package remediation

import (
	"fmt"
	"slices"
	"time"
)

// Breaker stops automatic actions after several have failed in a row: what is wrong then is hardly the keys, and going
// on would do it to all of them. A person closes it, or an action that succeeds. It is kept across restarts.
type Breaker struct {
	Failures []Failure `json:"failures,omitempty"` // in a row, the newest last; of the last hour when the newest came
	OpenedAt time.Time `json:"opened_at,omitzero"` // zero: closed
}

// Failure is a failed action.
type Failure struct {
	At       time.Time `json:"at"`
	ActionID string    `json:"action_id"`
	KeyARN   string    `json:"key_arn"`
	Outcome  string    `json:"outcome"`
}

// failuresWithin is how close failures in a row must be to one another to open the breaker.
const failuresWithin = time.Hour

// Open reports whether automatic actions wait for a person.
func (b *Breaker) Open() bool { return !b.OpenedAt.IsZero() }

// After is the breaker after an action ended that way. A success closes it. What rotd by itself tries again and again
// on one key counts once: one key must not stop all the others.
func (g Guardrails) After(b Breaker, a *Action, now time.Time) Breaker {
	switch {
	case a.State == Succeeded:
		return Breaker{}
	case a.State != Failed || g.BreakerFailures <= 0:
		return b
	}
	b.Failures = slices.DeleteFunc(slices.Clone(b.Failures), func(f Failure) bool {
		return now.Sub(f.At) >= failuresWithin || a.Automatic && f.KeyARN == a.KeyARN
	})
	b.Failures = append(b.Failures, Failure{At: now, ActionID: a.ID, KeyARN: a.KeyARN, Outcome: a.Outcome})
	b.Failures = b.Failures[max(0, len(b.Failures)-g.BreakerFailures):]
	if !b.Open() && len(b.Failures) >= g.BreakerFailures {
		b.OpenedAt = now
	}
	return b
}

// why says why the breaker is open, and what closes it.
func (b *Breaker) why() string {
	last := b.Failures[len(b.Failures)-1]
	return fmt.Sprintf("The circuit breaker has been open since %s: %d actions failed in a row, the last of them %s. See "+
		"what is wrong (rotd actions show %[3]s), then run rotd resume.", stamp(b.OpenedAt), len(b.Failures), last.ActionID)
}
