package engine

import "time"

// messageResult is what a received message turned out to be.
type messageResult int

const (
	messageProcessed messageResult = iota
	messageDuplicate
	messageIgnored
	messageQuarantined
	messageResults
)

func (r messageResult) String() string {
	return [messageResults]string{"processed", "duplicate", "ignored", "quarantined"}[r]
}

// Reasons of the engine's own for which nobody judges a record.
const (
	ignoredSender  = "untrusted-sender"
	ignoredAccount = "unexpected-account"
)

// counts says how many records were what.
type counts struct{ fresh, duplicates, malformed, ignored int }

func (c *counts) add(other counts) {
	c.fresh += other.fresh
	c.duplicates += other.duplicates
	c.malformed += other.malformed
	c.ignored += other.ignored
}

// result is what a message with these records turned out to be: news before repetition.
func (c counts) result() messageResult {
	switch {
	case c.fresh > 0:
		return messageProcessed
	case c.malformed > 0:
		return messageQuarantined
	case c.duplicates > 0:
		return messageDuplicate
	}
	return messageIgnored
}

// tally counts what one transaction did. It moves the metrics only once the transaction is durable.
type tally struct {
	messages              [messageResults]int
	processed, duplicates int
	ignored               map[string]int // by reason
	unreadable            map[string]int // quarantined, by reason
	lags                  []time.Duration
	newest                time.Time // latest event time handled
	alerts                int
	rereads               int
	factsDue              bool // of a key that was taken out of use
	actions               int
	stops                 [][2]string    // guardrail, and whom it stopped
	findings              [][2]string    // rule and severity of those opened or raised
	ended                 [][2]string    // method and outcome of actions that ended
	dropped               int            // alerts the full outbox refused
	unjudged              int            // changes that could not wait for an event to tell of them
	usageLog              int            // bytes of usage not yet folded
	usageDropped          int            // calls that its full log refused
	staged                map[string]int // what staged rules would have found, by rule
	unable                map[string]int // events that users' rules could not judge, by rule
}

func newTally() *tally {
	return &tally{
		ignored: make(map[string]int), unreadable: make(map[string]int), staged: make(map[string]int),
		unable: make(map[string]int),
	}
}

func (t *tally) message(u *unit, result messageResult) {
	if u.msg != nil {
		t.messages[result]++
	}
}

// handled notes the time between an event and its being handled.
func (t *tally) handled(eventTime, now time.Time) {
	if eventTime.After(t.newest) {
		t.newest = eventTime
	}
	t.lags = append(t.lags, max(now.Sub(eventTime), 0))
}
