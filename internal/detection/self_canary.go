package detection

import (
	"fmt"
	"slices"
	"time"

	"rotd/internal/finding"
)

// Canary is what is known of an account and Region whose canaries do not come back.
type Canary struct {
	Account, Region string
	First           time.Time     // when the first was sent
	Sent            time.Time     // when the newest that is lost was sent
	Back            time.Time     // when one last came back; zero: never
	Allowed         time.Duration // how long one may be away
}

// Never reports whether none has ever come back.
func (c *Canary) Never() bool { return c.Back.IsZero() }

// CanaryLost says that harmless calls of rotd's own in an account and Region do not come back as events any more, or
// that none ever did, which mostly means that readings are not brought to rotd.
func CanaryLost(c *Canary, at time.Time) finding.Finding {
	about := finding.Subject{Type: finding.AccountRegion, ID: c.Account + "/" + c.Region}
	f := own("canary-lost", finding.High, about, "", at)
	f.Account, f.Region = c.Account, c.Region
	calls := fmt.Sprintf("rotd calls KMS in account %s in %s every now and then to see that CloudTrail's record of it "+
		"comes back (intake.canary).", shown(c.Account), shown(c.Region))
	region := " --region " + argument(c.Region)
	trail := []string{
		"Check that a trail logs there, with readings and without excluding KMS: aws cloudtrail describe-trails" + region,
		"aws cloudtrail get-event-selectors --trail-name TRAIL" + region,
		"Check that the rule there is on, in state ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS: aws events list-rules" +
			region,
	}
	if c.Never() {
		f.Severity = finding.Low
		f.Title = "No canary has ever come back from an account and Region"
		f.Description = sentences(calls,
			fmt.Sprintf("The first was sent at %s, and none has come back since.", stamp(c.First)),
			"Either no event comes from there, or only some do: a canary is a reading, which many rules and trails leave out. "+
				"What uses keys, such as Decrypt, is left out with it.")
		f.Remedy = slices.Concat(trail,
			[]string{"If only changes are to reach rotd, send none: intake.canary: 0", "rotd status"})
		return f
	}
	f.Title = "Canaries do not come back from an account and Region any more"
	f.Description = sentences(calls,
		fmt.Sprintf("The last one came back at %s. None that was sent after it, up to %s, came back within %s.",
			stamp(c.Back), stamp(c.Sent), days(c.Allowed)),
		"What brings events from there is broken or far behind, or somebody switched it off. Until one comes back nothing "+
			"is noticed there between two sweeps.")
	f.Remedy = append([]string{
		"See whether events wait in the queue, and whether rotd takes them: rotd status",
		"See whether somebody changed what brings them: rotd findings list --rule intake-tampered",
	}, trail...)
	return f
}
