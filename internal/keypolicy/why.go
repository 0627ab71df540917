package keypolicy

import (
	"strconv"
	"strings"
)

// why puts an exposure into words: who is let do what by which statement, what narrows it and what does not.
func (r *report) why(f *found, e *Exposure) string {
	var b strings.Builder
	b.WriteString("Statement" + strings.TrimPrefix(r.statement.name(r.index), "statement"))
	if f.list == narrowed {
		b.WriteString(" names every AWS account, but lets only those in that are the owner's or trusted")
	} else {
		b.WriteString(" lets " + who(f) + " " + what(f.actions, e.Actions))
		b.WriteString(r.because(f))
	}
	if len(f.by) > 0 {
		b.WriteString("; narrowed by " + strings.Join(f.by, "; and by "))
	}
	b.WriteString(".")
	if f.list != narrowed {
		b.WriteString(r.notNarrowing())
	}
	for _, note := range e.Unsure {
		b.WriteString(" Not certain: " + note + ".")
	}
	return b.String()
}

func who(f *found) string {
	switch f.scope {
	case Anyone:
		return "every AWS account"
	case Network:
		return "every AWS account, from one network,"
	case Account:
		return "account " + f.account
	case Organization:
		return "every account of organization " + f.account
	default:
		return "somebody whose account the policy does not tell"
	}
}

func what(actions actionSet, names []string) string {
	var do []string
	if actions.has(readingSet) {
		do = append(do, "decrypt with the key")
	} else if actions.has(decryptingSet) {
		do = append(do, "use the key's secret")
	}
	if actions.has(administeringSet) {
		do = append(do, "administer the key")
	}
	if len(do) == 0 {
		return "use the key, though neither decrypt with it nor administer it"
	}
	return strings.Join(do, " and ") + " (" + listed(names) + ")"
}

func (r *report) because(f *found) string {
	switch {
	case r.statement.NotPrincipal:
		return ": NotPrincipal in an Allow lets in all but those it lists"
	case f.scope == Anyone && len(r.statement.Conditions) == 0:
		return ": its principal is " + quote(f.principal) + " and it has no condition"
	case f.scope == Anyone:
		return ": its principal is " + quote(f.principal) + " and no condition surely narrows who may call"
	case f.principal == "*":
		return ": its principal is \"*\" and its conditions let that in"
	default:
		return ": it names " + principalList(f)
	}
}

func principalList(f *found) string {
	text := listed(f.principals)
	if f.more > 0 {
		text += " (and " + strconv.Itoa(f.more) + " besides)"
	}
	return text
}

// notNarrowing says of the statement's other conditions why they do not help.
func (r *report) notNarrowing() string {
	var b strings.Builder
	for i, l := range r.loose {
		if i == maxItems {
			b.WriteString(" Further conditions do not narrow it either.")
			break
		}
		b.WriteString(" The condition " + l.text + " does not narrow: it " + l.reason + ".")
	}
	return b.String()
}
