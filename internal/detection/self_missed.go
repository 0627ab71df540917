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

// manyMissed in one look are no single event that got lost.
const manyMissed = 10

// SweepFoundMissed says that sweeps of an account and Region found changes that no event told of; some of them are
// named.
func SweepFoundMissed(account, region string, total int, some []Missed, at time.Time) finding.Finding {
	subject := finding.Subject{Type: finding.AccountRegion, ID: account + "/" + region}
	f := own("sweep-found-what-events-missed", finding.Low, subject, "", at)
	f.Account, f.Region = account, region
	if total >= manyMissed {
		f.Severity = finding.Medium
	}
	changes := "1 change"
	if total != 1 {
		changes = fmt.Sprintf("%d changes", total)
	}
	f.Title = "A sweep found what no event told of"
	var named []string
	for _, m := range some {
		named = append(named, fmt.Sprintf("%s (%s)", shown(keyName(m.Key, m.ARN)), m.What))
	}
	more := ""
	if n := total - len(some); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	f.Description = clip(sentences(
		fmt.Sprintf("In account %s in %s a sweep found %s of keys that no event had told of half an hour later: %s%s.",
			shown(account), shown(region), changes, strings.Join(named, ", "), more),
		"The checks have judged the keys as they are now. What only events tell, such as who did it and what was "+
			"decrypted, may have been missed there as well."), maxDescription)
	f.Remedy = []string{
		"See whether CloudTrail has the event: aws cloudtrail lookup-events --lookup-attributes " +
			"AttributeKey=EventSource,AttributeValue=kms.amazonaws.com --region " + argument(region),
		"Delivery by EventBridge is best effort: a single one may get lost. Many mean that a rule, a target or a trail " +
			"does not let them through.",
		"rotd status",
	}
	return f
}
