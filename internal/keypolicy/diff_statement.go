package keypolicy

import "strings"

// changesTo words the differences between a statement and what it became.
func (s *Statement) changesTo(n *Statement) string {
	var parts []string
	if s.Sid != n.Sid {
		parts = append(parts, "Sid was "+quote(s.Sid))
	}
	if s.Effect != n.Effect {
		parts = append(parts, "effect was "+s.Effect+", is "+n.Effect)
	}
	parts = noteList(parts, "principals", s.NotPrincipal, n.NotPrincipal, s.principalValues(), n.principalValues())
	parts = noteList(parts, "actions", s.NotAction, n.NotAction, s.foldedActions(), n.foldedActions())
	parts = noteList(parts, "resources", s.NotResource, n.NotResource, s.Resources, n.Resources)
	parts = append(parts, conditionChanges(s.Conditions, n.Conditions)...)
	if len(parts) == 0 {
		return "the types of its principals"
	}
	return strings.Join(parts, "; ")
}

func noteList(parts []string, what string, oldNot, newNot bool, from, to []string) []string {
	if oldNot != newNot {
		return append(parts, what+" were "+notWord(oldNot)+listed(from)+", are "+notWord(newNot)+listed(to))
	}
	if text := listChange(from, to); text != "" {
		parts = append(parts, notWord(newNot)+what+" "+text)
	}
	return parts
}

// conditionChanges words what happened to conditions, one part for each operator and key, and at most maxItems of them.
func conditionChanges(from, to []Condition) []string {
	var parts []string
	before := byOperatorAndKey(from)
	after := byOperatorAndKey(to)
	for _, c := range to {
		old, ok := before[c.id()]
		if !ok {
			parts = append(parts, "condition added: "+c.text())
		} else if text := listChange(old.Values, c.Values); text != "" {
			parts = append(parts, "values of "+printable(c.Operator)+" "+printable(c.Key)+" "+text)
		}
	}
	for _, c := range from {
		if _, ok := after[c.id()]; !ok {
			parts = append(parts, "condition removed: "+c.text())
		}
	}
	if len(parts) > maxItems {
		parts = append(parts[:maxItems], "further conditions")
	}
	return parts
}

func (c Condition) id() [2]string { return [2]string{c.Operator, lowerKey(c.Key)} }

func byOperatorAndKey(conditions []Condition) map[[2]string]Condition {
	index := make(map[[2]string]Condition, len(conditions))
	for _, c := range conditions {
		index[c.id()] = c
	}
	return index
}

func listChange(from, to []string) string {
	added, removed := without(to, from), without(from, to)
	var parts []string
	if len(added) > 0 {
		parts = append(parts, "added "+listed(added))
	}
	if len(removed) > 0 {
		parts = append(parts, "removed "+listed(removed))
	}
	return strings.Join(parts, ", ")
}

// without returns the values that others does not have, sorted.
func without(values, others []string) []string {
	has := make(map[string]bool, len(others))
	for _, o := range others {
		has[o] = true
	}
	var left []string
	for _, v := range sorted(values) {
		if !has[v] {
			left = append(left, v)
		}
	}
	return left
}
