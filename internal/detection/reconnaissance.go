package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func reconnaissance() Rule {
	return Rule{
		ID: "reconnaissance", Title: "Somebody takes stock of the keys",
		Severity: finding.Low, Mitre: []string{"T1580"},
		Wants: wants("ListKeys", "ListAliases", "ListGrants", "ListRetirableGrants", "ListKeyPolicies", "ListKeyRotations",
			"ListResourceTags", "DescribeKey", "DescribeCustomKeyStores", "GetKeyPolicy", "GetKeyRotationStatus",
			"GetKeyLastUsage", "GetPublicKey"),
		Params: readingParams(), Remembers: true, Excused: OwnOrLet, PerPrincipal: true, Judge: judgeReconnaissance,
		Doc: Doc{
			Meaning: "One principal asked many different things about keys in a short time, as inventories do and as people " +
				"do who have just stolen credentials and look what there is.",
			Condition: fmt.Sprintf("%d different readings within %s of event time by one principal: of different "+
				"operations, keys or Regions, refused ones included. The same question again does not count. Not: readings "+
				"that an AWS service makes, and rotd's own.", readingParams()[first].Default, days(readingWindow)),
			Tuning: "`principals.allow` of the policy of the key last asked about.",
			FalsePositives: "Inventories, security scanners, infrastructure as code that looks at every key before it " +
				"changes one.",
			Response: "Find out whether the principal takes stock by trade. If not, see what else it asked and did.",
		},
	}
}

func judgeReconnaissance(c *Context, ev *events.Event) []Found {
	principal := ev.UserIdentity.PrincipalARN()
	if c.Own || byService(ev) || principal == "" || ev.Failed() && !ev.Denied() {
		return nil
	}
	question := ev.EventName + "\x00" + ev.AWSRegion + "\x00" + ev.Key.ARN + ev.Key.Name
	n := c.Memory.Count("reconnaissance\x00"+principal, question, ev.EventTime, readingWindow)
	if n < c.param(first) {
		return nil
	}
	return one(Found{
		About: c.target(ev), Subject: place(ev),
		Description: fmt.Sprintf("%s asked %d different things about keys within %s, lastly %s. Inventories do so, and "+
			"whoever looks what stolen credentials are good for.", who(ev), n, days(readingWindow), shown(ev.EventName)),
		Remedy: []string{
			"Find out whether this principal takes stock of keys by trade, and see what else it did:",
			lookupAccessKey(ev, ev.AWSRegion),
			"If nobody knows why, treat its credentials as stolen.",
		},
	})
}
