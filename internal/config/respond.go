package config

import (
	"maps"
	"slices"

	"rotd/internal/finding"
	"rotd/internal/policy"
)

// contain in a policy's respond means what restore does: what else contains a key needs a person.
const contain = "contain"

// response is one entry of respond: what a rule's findings start, or those of every rule from a severity on.
func response(r *policy.Response, known Known) shape {
	return object{
		fields: []field{
			{
				key: "rule", doc: "The rule that is answered.",
				value: text(&r.RuleID, "the id of a rule", checkRule(known.Rules)),
			},
			{
				key: "severity", doc: "Instead of a rule: every rule's findings from this severity on, whose remedy the action is.",
				value: severity(func(s finding.Severity) { r.Severity = s }),
			},
			{
				key: "action", need: "action: restore",
				doc: "restore (contain means the same): rotation on with the policy's period; a deletion cancelled, the key " +
					"enabled if it was before. rotate: new material.",
				value: word(&r.Action, []string{policy.RespondRestore, policy.RespondRotate, contain}, nil),
			},
		},
		check: func(o *seen) { checkResponse(o, r, known) },
	}
}

func checkResponse(o *seen, r *policy.Response, known Known) {
	if r.Action == contain {
		r.Action = policy.RespondRestore
	}
	switch {
	case o.has("rule") && o.has("severity"):
		o.fail("severity", "an entry answers one rule, or every rule from a severity on: remove one of the two")
	case o.absent("rule") && o.absent("severity"):
		o.fail("", "says not what it answers: write for example rule: rotation-turned-off, or severity: CRITICAL")
	case o.has("rule") && o.has("action") && known.Remedies != nil &&
		!slices.Contains(known.Remedies[r.RuleID], r.Action):
		o.fail("action", "%s answers %s; the remedies of %s are: %s", r.Action, enumerate(answeredBy(known, r.Action)),
			r.RuleID, orNothing(known.Remedies[r.RuleID]))
	}
}

// answeredBy are the rules that an action may answer.
func answeredBy(known Known, action string) (rules []string) {
	for _, rule := range slices.Sorted(maps.Keys(known.Remedies)) {
		if slices.Contains(known.Remedies[rule], action) {
			rules = append(rules, rule)
		}
	}
	return rules
}

func orNothing(remedies []string) string {
	if len(remedies) == 0 {
		return "none"
	}
	return enumerate(remedies)
}

// answered is what an entry answers: two that answer the same are one too many.
func answered(r policy.Response) string {
	if r.RuleID != "" {
		return r.RuleID
	}
	if r.Action == "" || r.Severity == 0 {
		return ""
	}
	return r.Action + " on " + r.Severity.String()
}
