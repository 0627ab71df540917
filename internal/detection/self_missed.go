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
	f.Description = clip(sentences(m.found(), m.unjudged(),
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
	return fmt.Sprintf("In account %s in %s a sweep found %s of keys that no event had told of half an hour later: %s%s.",
		shown(m.Account), shown(m.Region), changes(len(m.Changes)), strings.Join(named, ", "), more)
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
