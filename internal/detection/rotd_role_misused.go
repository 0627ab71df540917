package detection

import (
	"rotd/internal/events"
	"rotd/internal/finding"
)

func rotdRoleMisused() Rule {
	return Rule{
		ID: "rotd-role-misused", Title: "Somebody else acts as rotd",
		Severity: finding.Critical, Mitre: []string{"T1078.004"}, Wants: wants(), Remembers: true,
		PerPrincipal: true, Judge: judgeRotdRoleMisused,
		Doc: Doc{
			Meaning: "A call was made with a role that rotd works by, and not by this daemon. That role may rotate, and " +
				"perhaps replace or disable, every key: whoever has its credentials has them all.",
			Condition: "A KMS call by a role of rotd's (its own, those of `accounts` and `organization`, those for " +
				"emergencies) that is not proven to be this daemon's, by an access key and, for what changes something, a " +
				"request that it wrote down. Calls that use or change keys, refused ones too. Readings that succeed are LOW, " +
				"one finding for each account and Region. Neither session name, address nor agent excuses a call: whoever " +
				"steals the role chooses them. Not: calls that an AWS service makes on rotd's behalf; calls from before this " +
				"state was begun. A replay does not know rotd's roles.",
			Tuning: "Give rotd's role to nobody else, and each rotd a role of its own: two that share one tell of each other.",
			FalsePositives: "A second rotd with the same role, or a person who works with it. The state was restored from a " +
				"copy: what rotd did in between is not in it.",
			Response: "Stop every session of the role now (revoke its sessions in IAM), then see what was done with it, and " +
				"how its credentials got out.",
		},
	}
}

func judgeRotdRoleMisused(c *Context, ev *events.Event) []Found {
	if c.Own || c.Itself == nil || !c.Itself.works(ev.UserIdentity.PrincipalARN()) || byService(ev) ||
		ev.EventTime.Before(c.Itself.Since) {
		return nil
	}
	t := c.target(ev)
	f := Found{
		About: t,
		Description: called(ev, &t) + callerDetails(ev) + ", and this daemon did not: neither the access key nor the " +
			"request is one that it wrote down. rotd's role may change keys; somebody else has its credentials.",
		Remedy: []string{
			"If no other rotd and no colleague works with this role, stop all its sessions: in IAM, the role's " +
				"\"Revoke sessions\".",
			"See what was done with these credentials:",
			lookupAccessKey(ev, t.region),
			"Find out how they got out: the host, its instance profile, who may assume the role:",
			awsCLI("iam get-role", "", "role-name", roleName(ev)),
			"rotd status",
		},
	}
	if isReading(ev.EventName) {
		if ev.Failed() {
			return nil
		}
		f.Title, f.Milder, f.Subject = "Somebody else reads with rotd's role", finding.Low, place(ev)
		f.Discriminator = "reading"
	}
	return one(f)
}

// callerDetails is from where and in which session a call was made, as far as the record says.
func callerDetails(ev *events.Event) (text string) {
	if ev.SourceIPAddress != "" {
		text = " from " + shown(ev.SourceIPAddress)
	}
	if session := ev.UserIdentity.SessionName(); session != "" {
		text += ", in session " + shown(session)
	}
	return text
}

func roleName(ev *events.Event) string {
	_, name := principalName(ev.UserIdentity.PrincipalARN())
	return name
}
