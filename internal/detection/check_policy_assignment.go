package detection

import (
	"fmt"
	"strings"

	"rotd/internal/finding"
)

// AssignmentChangedID is the check whose findings a person acknowledges to let a laxer policy count.
const AssignmentChangedID = "key-policy-assignment-changed"

func keyPolicyAssignmentChanged() Check {
	return Check{
		ID: AssignmentChangedID, Title: "A tag or alias change moved the key to a laxer policy", Severity: finding.High,
		Judge: judgePolicyAssignment,
		Doc: Doc{
			Meaning: "Policies are chosen by tags and aliases, so whoever may change those may take a key out of its " +
				"policy. rotd goes on by the policy the key had, for checks, rules and actions alike, until a person " +
				"acknowledges the finding.",
			Condition: "A reading shows other tags or aliases, and by them a policy that asks for less in anything: no " +
				"policy at all; a longer max_age, or none; a longer period of automatic rotation, or none; method none; a " +
				"weaker mode; principals or networks allowed that were not, no list allowing all of them; responses " +
				"dropped; a longer unused_after, or none. An alias that brings the key under an exception counts " +
				"likewise, and so does the exception only then. A reload of rotd.yaml moves no key in this sense, and " +
				"a key younger than guardrails.grace is still being named by whoever creates it. A stricter policy is " +
				"no finding: it counts at once, and starts nothing automatic for 24 hours.",
			Tuning: "Where keys are meant to move freely, disable the check: every assignment counts at once then. " +
				"Match by account, Region or organization path what a tag must not decide.",
			FalsePositives: "A key that is handed over on purpose, and a change that is taken back a moment later.",
			Response: "Find out who changed the tags or the alias (CloudTrail: TagResource, UntagResource, UpdateAlias, " +
				"DeleteAlias). Put them back, or accept the move with `rotd findings ack`: it shows the " +
				"move that it accepts, and is refused when the key has moved again meanwhile.",
		},
	}
}

func judgePolicyAssignment(c *KeyContext) Verdict {
	k := c.Key
	switch {
	case k.GoneAt != nil:
		return notJudged("KMS no longer knows the key")
	case k.Manager == awsManaged:
		return notJudged("AWS manages this key")
	case c.Moved == nil:
		return inOrder("the key is under the policy that its tags and aliases give it")
	}
	t, m := c.on(), c.Moved
	had, gets := "no policy", "no policy"
	if c.Policy != nil {
		had = "policy " + shown(c.Policy.Name)
	}
	if m.Policy != "" {
		gets = "policy " + shown(m.Policy)
	}
	title, moved := "moved the key to a laxer policy", fmt.Sprintf("which moved the key from %s to %s", had, gets)
	if had == gets {
		title, moved = "brought the key under an exception", "which left it under "+had
	}
	v := drift("A tag or alias change "+title,
		fmt.Sprintf("Tags or aliases of %s were changed, seen %s (%s), %s. That is laxer: %s. "+
			"Until somebody acknowledges it rotd goes on by what was before.",
			t.name(), stamp(m.Since), listed(m.Changed), moved, clip(strings.Join(m.Laxer, "; "), maxDescription/2)),
		"See who changed them:",
		"rotd keys show "+argument(k.ARN)+" --history",
		"If nobody meant it, put the tags and aliases back as they were.",
		"rotd config explain "+argument(k.ARN))
	v.Finding.Points = m.Laxer[:min(len(m.Laxer), finding.MaxPoints)] // laxer still is news
	v.Finding.Move = m.ID()
	return v
}
