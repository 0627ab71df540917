package queue

import (
	"sync/atomic"
	"time"
)

// State is what a consumer is doing, as a word.
type State string

// The states. Ready means StateReceiving.
const (
	StateStarting     State = "starting"
	StateReceiving    State = "receiving"
	StatePaused       State = "paused"
	StateQueueMissing State = "queue-missing"
	StateAccessDenied State = "access-denied"
	StateUnreachable  State = "unreachable"
	StateStopped      State = "stopped"
)

// Status is what a consumer knows of itself and its queue.
type Status struct {
	Queue       string
	Ready       bool
	State       State
	Reason      string    // in plain words why it is not ready; empty when it is
	Since       time.Time // since when it has been in State
	LastReceive time.Time // the last receive that SQS answered, with messages or without
	LastMessage time.Time // the last receive that brought messages
	InHand      int       // messages received and not yet Done
	Oldest      time.Time // when the oldest batch in hand was received; zero without one
	Unsettled   int       // messages that are Done and not yet deleted or made visible
	Attributes  Attributes
	Stats       Stats
}

// Stats counts since the start.
type Stats struct {
	Receives          uint64 // ReceiveMessage calls answered
	ReceiveErrors     uint64 // ReceiveMessage calls failed, after the SDK's own retries
	Messages          uint64 // messages received; each receive counts
	Unhandled         uint64 // of those, received during a pause or a stop and made visible again unseen
	Deleted           uint64
	DeleteGivenUp     uint64 // deletes that failed for good: the message comes back
	Released          uint64 // messages made visible again
	ReleaseGivenUp    uint64 // of those, the ones that failed: the message comes back after its visibility timeout
	Extended          uint64 // visibility extensions of single messages
	ExtendErrors      uint64
	Abandoned         uint64 // messages not Done when the drain time of a stop was over
	Panics            uint64 // panics of the handler
	AttributeFailures uint64 // GetQueueAttributes calls failed
}

type counters struct {
	receives, receiveErrors, messages, unhandled atomic.Uint64
	deleted, deleteGivenUp                       atomic.Uint64
	released, releaseGivenUp                     atomic.Uint64
	extended, extendErrors                       atomic.Uint64
	abandoned, panics, attributeFailures         atomic.Uint64
}

func (c *counters) snapshot() Stats {
	return Stats{
		Receives:          c.receives.Load(),
		ReceiveErrors:     c.receiveErrors.Load(),
		Messages:          c.messages.Load(),
		Unhandled:         c.unhandled.Load(),
		Deleted:           c.deleted.Load(),
		DeleteGivenUp:     c.deleteGivenUp.Load(),
		Released:          c.released.Load(),
		ReleaseGivenUp:    c.releaseGivenUp.Load(),
		Extended:          c.extended.Load(),
		ExtendErrors:      c.extendErrors.Load(),
		Abandoned:         c.abandoned.Load(),
		Panics:            c.panics.Load(),
		AttributeFailures: c.attributeFailures.Load(),
	}
}
