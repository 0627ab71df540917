package detection

import (
	"fmt"

	"rotd/internal/events"
	"rotd/internal/finding"
)

func rootUsedKey() Rule {
	return Rule{
		ID: "root-used-key", Title: "The account's root user used a key",
		Severity: finding.High, Mitre: []string{"T1078.004"}, Wants: wants(),
		PerPrincipal: true, Judge: judgeRootUsedKey,
		Doc: Doc{
			Meaning: "A call about a key was made as the account's root user. Root has no limits that IAM could " +
				"set, and nothing but a handful of account tasks needs it: its use is a mistake or a theft.",
			Condition: "A KMS call that succeeded, names a key, and was made by an identity of type Root. Nothing " +
				"excuses it: neither rotd's policies nor an allow list can name root.",
			Tuning:         "None. Give people roles.",
			FalsePositives: "A key policy being repaired that locked everybody else out: that takes root.",
			Response: "Ask who holds root's credentials. If nobody did this: change the password, remove root's " +
				"access keys, look at everything root did in the last days.",
		},
	}
}

func judgeRootUsedKey(c *Context, ev *events.Event) []Found {
	if ev.UserIdentity.Type != events.Root || ev.Failed() || ev.Key.IsZero() {
		return nil
	}
	t := c.target(ev)
	mfa := ""
	if ev.UserIdentity.MFAKnown && !ev.UserIdentity.MFAAuthenticated {
		mfa = "The session was without MFA."
	}
	return one(Found{
		About: t,
		Description: sentences(
			fmt.Sprintf("The root user of account %s called %s on %s.", shown(ev.UserIdentity.AccountID),
				shown(ev.EventName), t.name()), mfa,
			"Nothing that an application or an engineer does daily needs root; whoever has it has everything."),
		Remedy: []string{
			"Ask who used root's credentials, and why.",
			"If nobody did: change root's password, remove its access keys, and see what else it did:",
			awsCLI("cloudtrail lookup-events", t.region, "lookup-attributes", ""+
				"AttributeKey=Username,AttributeValue=root"),
		},
	})
}
