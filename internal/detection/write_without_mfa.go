package detection

import (
	"rotd/internal/events"
	"rotd/internal/finding"
)

func writeWithoutMFA() Rule {
	return Rule{
		ID: "write-without-mfa", Title: "A key was changed by a user signed in without MFA",
		Severity: finding.Medium, Mitre: []string{"T1078.004"}, Wants: wants(),
		Excused: Own, PerPrincipal: true, Judge: judgeWriteWithoutMFA,
		Doc: Doc{
			Meaning: "An IAM user, or root, changed a key or something about keys in a session without a second factor. " +
				"Whoever has that user's password or access key could have done the same.",
			Condition: "A KMS call that changes something, succeeded, and whose record says mfaAuthenticated \"false\", by " +
				"an identity of type IAMUser or Root. Not: cryptographic calls; calls that an AWS service makes on behalf of " +
				"the user; users whose record says nothing of MFA, which is so of long-lived access keys without a session; " +
				"roles, whose MFA is a matter of who may assume them. One finding for each user, account and Region.",
			Tuning: "None but `detections.severity` and `detections.disable`. An allow list does not excuse it.",
			FalsePositives: "A program that exchanges a user's access key for a session (GetSessionToken). Give it a role " +
				"instead.",
			Response: "Ask the user. Require MFA for what changes keys: a condition on aws:MultiFactorAuthPresent in IAM or " +
				"in the key policy.",
		},
	}
}

func judgeWriteWithoutMFA(c *Context, ev *events.Event) []Found {
	id := &ev.UserIdentity
	if id.Type != events.IAMUser && id.Type != events.Root || !id.MFAKnown || id.MFAAuthenticated || ev.Failed() ||
		!isChange(ev) || byService(ev) {
		return nil
	}
	t := c.target(ev)
	return one(Found{
		About: t, Subject: place(ev),
		Description: called(ev, &t) + " in a session without MFA. A stolen password or access key suffices to do the same.",
		Remedy: []string{
			"Ask the user whether this was them, and see what else they did:",
			lookupUser(ev, t.region),
			"Require MFA for what changes keys: a condition on aws:MultiFactorAuthPresent in IAM or the key policy.",
		},
	})
}

// lookupUser finds what a user did in CloudTrail's history of the last 90 days.
func lookupUser(ev *events.Event, region string) string {
	name := ev.UserIdentity.UserName
	if ev.UserIdentity.Type == events.Root {
		name = "root"
	}
	if name == "" {
		_, name = principalName(ev.UserIdentity.PrincipalARN())
	}
	if name == "" {
		name = "USER-NAME"
	}
	return awsCLI("cloudtrail lookup-events", region, "lookup-attributes",
		"AttributeKey=Username,AttributeValue="+name)
}
