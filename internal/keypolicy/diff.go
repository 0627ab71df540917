package keypolicy

import (
	"slices"
	"strconv"
	"strings"
)

// maxChanges bounds a difference; one more entry counts the rest.
const maxChanges = 50

// ChangeKind says what happened to a statement.
type ChangeKind string

// Kinds of changes.
const (
	Added   ChangeKind = "added"
	Removed ChangeKind = "removed"
	Changed ChangeKind = "changed"
	// Further stands for the changes beyond the first 50, which are only counted.
	Further ChangeKind = "further"
)

// Change is one statement's difference between two policies.
type Change struct {
	Kind ChangeKind
	Sid  string
	Old  int // index of the statement in the old policy, -1 when it has none
	New  int // index in the new policy, -1 when it has none
	// Text says it in plain words, in one line. What the policy's author chose is cut to length.
	Text string
}

// Diff returns what changed from the old policy to the new, statement by statement: what was removed, what was changed,
// then what was added, each in the policy's order. A nil policy has no statements. Order and spelling that IAM does not
// tell apart, and repetition, are no change.
func Diff(old, updated *Policy) []Change {
	d := diff{old: statementsOf(old), new: statementsOf(updated)}
	d.same()
	unchanged := slices.Clone(d.partner)
	d.pair(func(s *Statement) string { return s.Sid })
	d.pair(func(s *Statement) string { return s.Effect + "\x00" + s.who() })
	d.pair(func(s *Statement) string { return s.Effect + "\x00" + s.doing() })
	return bounded(d.changes(unchanged))
}

func statementsOf(p *Policy) []Statement {
	if p == nil {
		return nil
	}
	return p.Statements
}

// diff pairs statements of two policies.
type diff struct {
	old, new []Statement
	partner  []int // for each old statement the new one it became, or -1
	taken    []bool
}

// same pairs statements that are equal; a repeated one has the same partner as the first.
func (d *diff) same() {
	d.partner = slices.Repeat([]int{-1}, len(d.old))
	d.taken = make([]bool, len(d.new))
	first := make(map[string]int, len(d.new))
	repeats := make(map[int]int)
	for i := range d.new {
		key := string(d.new[i].canonical())
		if at, ok := first[key]; ok {
			repeats[i] = at
		} else {
			first[key] = i
		}
	}
	for i := range d.old {
		if at, ok := first[string(d.old[i].canonical())]; ok {
			d.partner[i], d.taken[at] = at, true
		}
	}
	for i, at := range repeats {
		d.taken[i] = d.taken[at]
	}
}

// pair finds partners among statements that have none yet and share a key; empty keys pair with nothing.
func (d *diff) pair(key func(*Statement) string) {
	free := make(map[string][]int)
	for i := range d.new {
		if k := key(&d.new[i]); k != "" && !d.taken[i] {
			free[k] = append(free[k], i)
		}
	}
	for i := range d.old {
		if d.partner[i] >= 0 {
			continue
		}
		k := key(&d.old[i])
		if candidates := free[k]; len(candidates) > 0 {
			d.partner[i], d.taken[candidates[0]] = candidates[0], true
			free[k] = candidates[1:]
		}
	}
}

func (d *diff) changes(unchanged []int) []Change {
	var removed, changed, added []Change
	for i := range d.old {
		s, n := &d.old[i], d.partner[i]
		switch {
		case n < 0:
			text := "removed " + s.name(i) + ": " + s.summary()
			removed = append(removed, Change{Kind: Removed, Sid: s.Sid, Old: i, New: -1, Text: text})
		case unchanged[i] < 0:
			text := "changed " + d.new[n].name(n) + ": " + s.changesTo(&d.new[n])
			changed = append(changed, Change{Kind: Changed, Sid: d.new[n].Sid, Old: i, New: n, Text: text})
		}
	}
	for i := range d.new {
		if s := &d.new[i]; !d.taken[i] {
			text := "added " + s.name(i) + ": " + s.summary()
			added = append(added, Change{Kind: Added, Sid: s.Sid, Old: -1, New: i, Text: text})
		}
	}
	return slices.Concat(removed, changed, added)
}

func bounded(changes []Change) []Change {
	if len(changes) <= maxChanges {
		return changes
	}
	text := "and " + strconv.Itoa(len(changes)-maxChanges) + " further changes"
	return append(changes[:maxChanges:maxChanges], Change{Kind: Further, Old: -1, New: -1, Text: text})
}

// summary is a statement in one line.
func (s *Statement) summary() string {
	text := s.Effect + " " + notWord(s.NotAction) + listed(s.Actions) + " to " + notWord(s.NotPrincipal) +
		listed(s.principalValues())
	if conditions := s.conditionTexts(); len(conditions) > 0 {
		return text + " if " + strings.Join(conditions[:min(len(conditions), maxItems)], " and ") + ellipsis(conditions)
	}
	return text + " without condition"
}

func ellipsis(items []string) string {
	if len(items) <= maxItems {
		return ""
	}
	return " and " + strconv.Itoa(len(items)-maxItems) + " more conditions"
}

func notWord(not bool) string {
	if not {
		return "all but "
	}
	return ""
}

func (s *Statement) principalValues() []string {
	values := make([]string, len(s.Principals))
	for i, p := range s.Principals {
		values[i] = p.folded()
	}
	return values
}

func (s *Statement) conditionTexts() []string {
	texts := make([]string, len(s.Conditions))
	for i, c := range s.Conditions {
		texts[i] = c.text()
	}
	return texts
}

// who and doing are what statements without a Sid are recognised by.
func (s *Statement) who() string {
	return element("P", s.NotPrincipal) + strings.Join(sorted(s.principalValues()), "\x00")
}

func (s *Statement) doing() string {
	return element("A", s.NotAction) + strings.Join(sorted(s.foldedActions()), "\x00")
}
