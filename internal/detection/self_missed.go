package detection

import (
	"fmt"
	"strings"
	"time"

	"rotd/internal/finding"
)

// Missed is a change that a sweep found and no event told of.
type Missed struct {
	Key  string // what people call it
	ARN  string
	What string // what changed, in words of rotd's own
}

// Missing is what sweeps of an account and Region found and no event told of.
type Missing struct {
	Account, Region string
	Changes         []Missed
	// Unjudged are further changes of which nobody knows: they could not wait for their events, because too many did.
	Unjudged int
	// Quiet says that nothing at all came from there since, in two hours; Heard is when something last did, zero: never.
	Quiet bool
	Heard time.Time
}

const (
	manyMissed = 10 // in one look are no single event that got lost
	namedMost  = 5  // of the changes
)

// SweepFoundMissed says that sweeps of an account and Region found changes that no event told of; some of them are
// named.
func SweepFoundMissed(m *Missing, at time.Time) finding.Finding {
	f := m.finding("sweep-found-what-events-missed", finding.Low, at)
	if len(m.Changes)+m.Unjudged >= manyMissed {
		f.Severity = finding.Medium
	}
	f.Title = "A sweep found what no event told of"
	f.Description = clip(sentences(m.found(), m.unjudged(), m.heard(),
		"The checks have judged the keys as they are now. What only events tell, such as who did it and what was "+
			"decrypted, may have been missed there as well."), maxDescription)
	f.Remedy = []string{
		"See whether CloudTrail has the event: aws cloudtrail lookup-events --lookup-attributes " +
			"AttributeKey=EventSource,AttributeValue=kms.amazonaws.com --region " + argument(m.Region),
		"Delivery by EventBridge is best effort: a single one may get lost. Many mean that a rule, a target or a trail " +
			"does not let them through.",
		"rotd status",
	}
	return f
}

// PlaceSilent says that no event comes from an account and Region: sweeps found changes there, and neither an event
// that tells of them has come nor any other.
func PlaceSilent(m *Missing, at time.Time) finding.Finding {
	f := m.finding("intake-silent", finding.High, at)
	f.Title = "No event comes from an account and Region"
	f.Description = clip(sentences(m.found(), m.unjudged(), m.heard(),
		"CloudTrail has an event of each change: what brings them from there is broken, was switched off or was never set "+
			"up. Until events come nothing is noticed there between two sweeps, and who did what, and what was decrypted, "+
			"is not known at all."), maxDescription)
	region := " --region " + argument(m.Region)
	f.Remedy = []string{
		"Check that a trail logs there, and KMS's events with it: aws cloudtrail describe-trails" + region,
		"aws cloudtrail get-event-selectors --trail-name TRAIL" + region,
		"Check that the rule there is on and has rotd's queue, or the bus before it, as a target: aws events " +
			"list-rules" + region,
		"If no events are to come from there, say so: rotd findings ack ID --reason …",
		"rotd status",
	}
	return f
}

// heard says when something last came from a place where nothing comes; "" where something does.
func (m *Missing) heard() string {
	switch {
	case !m.Quiet:
		return ""
	case m.Heard.IsZero():
		return "No event has ever come from there."
	}
	return "Nothing at all has come from there since " + stamp(m.Heard) + "."
}

func (m *Missing) finding(id string, sev finding.Severity, at time.Time) finding.Finding {
	f := own(id, sev, finding.Subject{Type: finding.AccountRegion, ID: m.Account + "/" + m.Region}, "", at)
	f.Account, f.Region = m.Account, m.Region
	return f
}

// found says what no event told of; "" when that is nothing.
func (m *Missing) found() string {
	if len(m.Changes) == 0 {
		return ""
	}
	named := make([]string, 0, namedMost)
	for _, c := range m.Changes[:min(namedMost, len(m.Changes))] {
		named = append(named, fmt.Sprintf("%s (%s)", shown(keyName(c.Key, c.ARN)), c.What))
	}
	more := ""
	if n := len(m.Changes) - len(named); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	later := "half an hour"
	if m.Quiet {
		later = "two hours"
	}
	return fmt.Sprintf("In account %s in %s a sweep found %s of keys that no event had told of %s later: %s%s.",
		shown(m.Account), shown(m.Region), changes(len(m.Changes)), later, strings.Join(named, ", "), more)
}

// unjudged says how many changes nobody knows of whether events told of them; "" when there are none.
func (m *Missing) unjudged() string {
	if m.Unjudged == 0 {
		return ""
	}
	return fmt.Sprintf("Of %s that sweeps found in account %s in %s it is not known whether events told: more keys had "+
		"changed at once than rotd waits for.", changes(m.Unjudged), shown(m.Account), shown(m.Region))
}

func changes(n int) string {
	if n == 1 {
		return "1 change"
	}
	return fmt.Sprintf("%d changes", n)
}
