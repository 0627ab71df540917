package incident

import (
	"slices"

	"rotd/internal/finding"
)

// Pages reports whether what is new about an incident has to be told at once, and to wake somebody: it became graver
// than what was told, or it is not what was told. Who was woken for one thing is not told quietly of another that is
// CRITICAL, nor of anything that comes when what they were woken for is over: an intruder would only have to begin with
// something that is soon explained.
func (i *Incident) Pages() bool {
	a := i.Automatic
	return a.Severity > a.Told ||
		a.Story != a.ToldStory && a.Tells().AtLeast == finding.Critical ||
		slices.ContainsFunc(a.Members, a.another) || a.outlasts()
}

// another reports whether a finding is new and CRITICAL, and of a kind that was not told as CRITICAL.
func (a *Automatic) another(m Member) bool {
	kind := kindOf(m.RuleID)
	told := func(o Member) bool {
		return !o.New && o.Severity == finding.Critical && kindOf(o.RuleID) == kind
	}
	return m.New && !m.Over && m.Severity == finding.Critical && !slices.ContainsFunc(a.Members, told) &&
		!a.toldStoryHas(kind)
}

// toldStoryHas reports whether it was told with a story that makes findings of a kind CRITICAL.
func (a *Automatic) toldStoryHas(kind string) bool {
	s := storyNamed(a.ToldStory)
	return s.AtLeast == finding.Critical &&
		slices.ContainsFunc(s.Rules(), func(rule string) bool { return kindOf(rule) == kind })
}

// kindOf is the same for the rules, and the checks of what came of it, that tell of one kind of thing.
func kindOf(rule string) string {
	switch {
	case slices.Contains(destruction, rule), slices.Contains(destroyed, rule):
		return "destruction"
	case rule == "key-policy-public":
		return "key-policy-made-public"
	}
	return rule
}

// outlasts reports whether something new is graver than all that was told and is not over yet, where some of it is.
func (a *Automatic) outlasts() bool {
	const none = finding.Informational - 1
	over, lasting, fresh := false, none, none
	for k := range a.Members {
		switch m := &a.Members[k]; {
		case m.Over:
			over = true
		case m.New:
			fresh = max(fresh, m.Severity)
		default:
			lasting = max(lasting, m.Severity)
		}
	}
	return over && fresh > lasting && fresh >= finding.Medium
}
