package detection

import (
	"fmt"
	"time"

	"rotd/internal/finding"
)

// RuleUnable is a user's rule that could not judge an event. The rest goes on, without that rule's word.
func RuleUnable(shard, ruleID string, why error, at time.Time) finding.Finding {
	f := own("users-rule-failed", finding.Medium, finding.Subject{Type: finding.Rotd, ID: shard}, ruleID, at)
	f.Title = "A rule of your own cannot judge events: " + ruleID
	f.Description = fmt.Sprintf("%s could not judge an event: %s. What the rule would find in such events nobody "+
		"notices; every other rule went on.", shown(ruleID), quote(why.Error(), maxReason))
	f.Remedy = []string{
		"rotd detections show " + argument(ruleID),
		"Mend the rule: add such an event to its tests, and look with rotd detections test.",
		"What may be missing or of another kind has to be asked first: has(event.requestParameters.x) && …",
	}
	return f
}

// RuleCrowded is a user's rule that wanted to remember more than it may.
func RuleCrowded(shard, ruleID string, most int, at time.Time) finding.Finding {
	f := own("users-rule-failed", finding.Medium, finding.Subject{Type: finding.Rotd, ID: shard}, ruleID+"/memory", at)
	f.Title = "A rule of your own forgets too early: " + ruleID
	f.Description = fmt.Sprintf("%s wanted to remember more than %d things at once. What ends first was forgotten for "+
		"what came: what it counts may be too few, and what it has seen may count as new.", shown(ruleID), most)
	f.Remedy = []string{
		"rotd detections show " + argument(ruleID),
		"Choose shorter windows, and values for `by` that are fewer; ask what is narrow before count(…) and its like.",
		"Look whether somebody fills its memory on purpose: with many names of sessions, or user agents.",
	}
	return f
}

func usersEntries() []Entry {
	return []Entry{{
		ID: "users-rule-failed", Kind: KindSelf, Title: "A rule of your own cannot judge events", Severity: finding.Medium,
		Ends: "After 24 h without repetition.",
		Doc: Doc{
			Meaning: "What that rule would find in such events nobody notices; everything else went on.",
			Condition: "An expression of a user's rule met a value of another kind than it wants, or cost more than is " +
				"allowed; or the rule wanted to remember more than it may, and forgot what ends first. A member that is " +
				"missing is no failure: the rule does not match then. One finding per rule, counted, and one for its memory.",
			Response: "Mend the rule (docs/users-rules.md), and add such an event to its tests.",
		},
	}}
}
