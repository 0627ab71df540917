package detection

import (
	"fmt"
	"strings"

	"rotd/internal/events"
	"rotd/internal/finding"
	"rotd/internal/keypolicy"
)

// maxChanges bounds the changed statements that a description lists.
const maxChanges = 8

func keyPolicyChanged() Rule {
	return Rule{
		ID: "key-policy-changed", Title: "A key policy was changed",
		Severity: finding.Medium, Mitre: []string{"T1098"}, Wants: wants("PutKeyPolicy"),
		Excused: OwnOrLet, PerPrincipal: true, Judge: judgeKeyPolicyChanged,
		Doc: Doc{
			Meaning: "Somebody replaced a key's policy, which says who can use and who can administer the key, " +
				"whatever IAM says. The finding lists the difference to the policy as last read.",
			Condition: "PutKeyPolicy that succeeded, not by an AWS service. Silent when the policy is the one that " +
				"was read before the call. A policy that cannot be read, or is too large for the record, is found " +
				"and said.",
			Tuning: "`principals.allow` of the policy makes a pipeline's changes expected. Whether the new policy is " +
				"dangerous is judged by rules of their own, which nothing excuses.",
			FalsePositives: "Infrastructure as code that sets policies: allow its role.",
			Response:       "Read the difference. Put the former policy back if it is not meant.",
		},
	}
}

func judgeKeyPolicyChanged(c *Context, ev *events.Event) []Found {
	if ev.Failed() || ev.UserIdentity.Type == events.AWSService {
		return nil
	}
	p := c.policyChange(ev)
	difference := p.unread
	if p.policy != nil {
		var changed bool
		if difference, changed = p.difference(ev); !changed {
			return nil
		}
	}
	return one(Found{
		About:       p.about,
		Description: sentences(p.set(ev), difference),
		Remedy:      p.remedy("Read the policy. If the change is not meant, put the former one back:"),
	})
}

// difference says how the new policy differs from the one last read. changed is false only when that one was read
// before the call and is the same.
func (p *policyChange) difference(ev *events.Event) (text string, changed bool) {
	key := p.about.key
	before := knownPolicy(key)
	if before == nil {
		return "The policy before it is not known.", true
	}
	changes := keypolicy.Diff(before, p.policy)
	switch {
	case len(changes) > 0:
	case key.WholeUntil().Before(ev.EventTime):
		return "", false
	default:
		return fmt.Sprintf("It is the policy read since, at %s; the one before is not known.", stamp(key.FullAt)), true
	}
	var lines []string
	for _, change := range changes[:min(len(changes), maxChanges)] {
		lines = append(lines, clip(change.Text, maxShown))
	}
	if more := len(changes) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return fmt.Sprintf("Against the policy read at %s: %s.", stamp(key.FullAt), strings.Join(lines, "; ")), true
}
