package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func regionUnexpected() Rule {
	return Rule{
		ID: "region-unexpected", Title: "Keys are used in a Region that rotd does not look after",
		Severity: finding.High, Mitre: []string{"T1535"}, Wants: wants(),
		Excused: Own, PerPrincipal: true, Judge: judgeRegionUnexpected,
		Doc: Doc{
			Meaning: "A key was used or changed in a Region that is none of those configured. Nothing there is swept: whoever " +
				"wants to work unseen goes where nobody looks.",
			Condition: "A KMS call that succeeded and uses or changes something, in a Region that no entry of `accounts` or " +
				"`organization` has. Not: readings, which consoles and inventories make everywhere; calls that an AWS service " +
				"makes. One finding for each account, Region and principal. A replay does not know which Regions are " +
				"looked after.",
			Tuning:         "`regions` in rotd.yaml's `accounts` and `organization`.",
			FalsePositives: "A Region that was taken into use and not told to rotd.",
			Response: "If the Region is in use, add it to rotd.yaml. If not, find out what the principal did there, and deny " +
				"the Region with a service control policy.",
		},
	}
}

func judgeRegionUnexpected(c *Context, ev *events.Event) []Found {
	if c.Region == nil || ev.Failed() || isReading(ev.EventName) || ev.AWSRegion == "" || c.Region(ev.AWSRegion) ||
		byService(ev) {
		return nil
	}
	t := c.target(ev)
	return one(Found{
		About: t, Subject: place(ev),
		Description: fmt.Sprintf("%s in %s, a Region that is not among those rotd looks after. Keys there are not "+
			"swept; what goes on there is seen in events alone.", called(ev, &t), shown(ev.AWSRegion)),
		Remedy: []string{
			"If the Region is in use, add it to `regions` of the account in rotd.yaml.",
			"If not, see which keys there are, and what else the principal did:",
			awsCLI("kms list-keys", ev.AWSRegion),
			lookupAccessKey(ev, ev.AWSRegion),
			"Deny Regions that nobody uses with a service control policy on aws:RequestedRegion.",
		},
	})
}

// place is the account and Region where an event happened.
func place(ev *events.Event) finding.Subject {
	account := ev.RecipientAccountID
	if account == "" {
		account = callerAccount(ev)
	}
	return finding.Subject{Type: finding.AccountRegion, ID: account + "/" + ev.AWSRegion}
}
