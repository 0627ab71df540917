package detection

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"rotd/internal/events"
	"rotd/internal/finding"
)

const trailSource = "cloudtrail.amazonaws.com"

// trailKeyKept is how long the key a trail was last given is remembered.
const trailKeyKept = 365 * 24 * time.Hour

func trailBlinded() Rule {
	return Rule{
		ID: "trail-blinded", Title: "A trail no longer records KMS",
		Severity: finding.Critical, Mitre: []string{"T1562.008"},
		Wants: []Wanted{{Source: trailSource, Names: []string{
			"PutEventSelectors", "StopLogging", "DeleteTrail", "UpdateTrail", "CreateTrail",
		}}},
		Judge: judgeTrailBlinded,
		Doc: Doc{
			Meaning: "Somebody changed a CloudTrail trail so that calls to KMS are no longer recorded, or can no " +
				"longer be read. It is what an attacker does first, and rotd itself goes blind with it.",
			Condition: "PutEventSelectors after which the trail's selectors together do not deliver all of KMS's " +
				"management events: source excluded, includeManagementEvents false, advanced selectors that leave " +
				"them out, or only writes (WriteOnly: every Decrypt vanishes) or only reads. StopLogging. " +
				"DeleteTrail. UpdateTrail that gives the trail another KMS key. Refused and failed calls do not " +
				"count. Several selectors: what any of them delivers is delivered. Selectors too large for the " +
				"record count as blinding until read.",
			Tuning: "`detections.severity`, for all trails alike.",
			FalsePositives: "A trail for data events only, beside one that records management events. Retiring one " +
				"of several trails; KMS excluded for its volume, as AWS itself suggests.",
			Response: "Restore the trail's selectors and logging. See what the same principal did before; what it " +
				"did after, other trails, event data stores or the sweeps may show.",
		},
	}
}

func judgeTrailBlinded(c *Context, ev *events.Event) []Found {
	if ev.Failed() {
		return nil
	}
	tr := trailOf(ev)
	switch ev.EventName {
	case "PutEventSelectors":
		if missing := unseen(ev); missing != "" {
			return one(tr.found(ev, "", "changed what is recorded by", missing, tr.selectorRemedy()...))
		}
	case "StopLogging":
		return one(tr.found(ev, "A trail was stopped", "stopped", "Nothing is recorded by it any more.",
			"Start it again:", awsCLI("cloudtrail start-logging", tr.region, "name", tr.argument())))
	case "DeleteTrail":
		return one(tr.found(ev, "A trail was deleted", "deleted",
			"Nothing is recorded by it any more; what it recorded is still in its bucket.",
			"See which trails are left, and create it again:", awsCLI("cloudtrail describe-trails", tr.region)))
	case "UpdateTrail", "CreateTrail":
		return tr.rekeyed(c, ev)
	}
	return nil
}

// trail is what a CloudTrail call is about. The id is its ARN, and empty when the record does not name it.
type trail struct{ id, partition, account, region string }

// argument is what commands call the trail: its ARN, or its name alone where the command would be too long to be shown
// whole.
func (t *trail) argument() string {
	const longARN, longestName = 140, 128 // CloudTrail's names have at most 128 characters
	if len(t.id) <= longARN {
		return cmp.Or(t.id, "TRAIL")
	}
	if name := t.id[strings.LastIndexByte(t.id, '/')+1:]; len(name) <= longestName {
		return cmp.Or(name, "TRAIL")
	}
	return "TRAIL"
}

func trailOf(ev *events.Event) trail {
	t := trail{partition: events.Partition(ev.AWSRegion), account: ev.RecipientAccountID, region: ev.AWSRegion}
	if t.account == "" {
		t.account = ev.UserIdentity.AccountID
	}
	name := ev.RequestString("name")
	if name == "" {
		name = ev.RequestString("trailName")
	}
	if arn := ev.ResponseElements.Get("trailARN").Text(); arn != "" {
		name = arn
	}
	if partition := arnPart(name, arnPartition); partition != "" {
		t.id, t.partition, t.account, t.region = name, partition, arnPart(name, arnAccount), arnPart(name, arnRegion)
		return t
	}
	if name != "" {
		t.id = "arn:" + t.partition + ":cloudtrail:" + t.region + ":" + t.account + ":trail/" + name
	}
	return t
}

func (t *trail) found(ev *events.Event, title, did, so string, remedy ...string) Found {
	name, subject := shown(t.id), finding.Subject{Type: finding.Trail, ID: t.id}
	if t.id == "" {
		name, subject = "a trail that the event does not name", place(ev)
	}
	return Found{
		About:   target{partition: t.partition, account: t.account, region: t.region},
		Subject: subject, Discriminator: ev.EventName, Title: title,
		Description: fmt.Sprintf("%s %s %s. %s rotd hears of keys through CloudTrail: between two sweeps it is "+
			"blind to "+
			"what this trail alone recorded.", who(ev), did, name, so),
		Remedy: append(remedy, "See what the same principal did just before, and whether anything else records KMS "+
			"here:",
			"rotd status"),
	}
}

func (t *trail) selectorRemedy() []string {
	return []string{
		"See the selectors, and put back those that record everything:",
		awsCLI("cloudtrail get-event-selectors", t.region, "trail-name", t.argument()),
		awsCLI("cloudtrail put-event-selectors", t.region, "trail-name", t.argument()) +
			" --event-selectors ReadWriteType=All,IncludeManagementEvents=true",
	}
}

// rekeyed finds a trail that was given another KMS key: whoever holds that key decides who can read the log.
func (t *trail) rekeyed(c *Context, ev *events.Event) []Found {
	key := ev.RequestString("kmsKeyId")
	if arn := ev.ResponseElements.Get("kmsKeyId").Text(); key != "" && arn != "" {
		key = arn
	}
	if key == "" {
		return nil
	}
	before := ""
	if !c.Late && t.id != "" {
		before = c.Memory.Noted("trail-key\x00"+t.id, ev.EventTime)
		c.Memory.Note("trail-key\x00"+t.id, key, ev.EventTime, trailKeyKept)
	}
	if ev.EventName == "CreateTrail" || strings.EqualFold(before, key) {
		return nil
	}
	if before == "" {
		before = "one that rotd does not know"
	} else {
		before = shown(before)
	}
	f := t.found(ev, "A trail was given another KMS key", "gave another KMS key to",
		fmt.Sprintf("Its log files are now encrypted with %s; before it was %s. Who holds that key decides who can "+
			"read the log.", shown(key), before),
		"See whose key it is. If nobody meant this, give the trail its former key again:",
		awsCLI("cloudtrail update-trail", t.region, "name", t.argument(), "kms-key-id", "FORMER-KEY"))
	f.Discriminator += "\x00" + key
	return one(f)
}
