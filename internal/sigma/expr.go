package sigma

import "strings"

// expr is a condition: and, or, not, or a leaf.
type expr interface{ inline(within int) string }

// How tightly operators bind.
const (
	looseOr = iota
	tightAnd
	tightNot
)

type and []expr

type or []expr

type not struct{ of expr }

// leaf is a condition in CEL. sources or names are what it implies the eventSource or eventName to be one of.
type leaf struct {
	cel            string
	call           bool // binds as tightly as can be
	sources, names []string
}

// all joins conditions, without layers that say nothing.
func all(parts ...expr) expr {
	var flat and
	for _, p := range parts {
		if inner, ok := p.(and); ok {
			flat = append(flat, inner...)
			continue
		}
		flat = append(flat, p)
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

// either is any of conditions.
func either(parts ...expr) expr {
	var flat or
	for _, p := range parts {
		if inner, ok := p.(or); ok {
			flat = append(flat, inner...)
			continue
		}
		flat = append(flat, p)
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func (e and) inline(within int) string { return joined(e, " && ", tightAnd, within) }

func (e or) inline(within int) string { return joined(e, " || ", looseOr, within) }

func (e not) inline(int) string { return "!" + e.of.inline(tightNot) }

func (e leaf) inline(within int) string {
	if within == tightNot && !e.call {
		return "(" + e.cel + ")"
	}
	return e.cel
}

func joined(parts []expr, operator string, tight, within int) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = p.inline(tight)
	}
	text := strings.Join(texts, operator)
	if within > tight {
		return "(" + text + ")"
	}
	return text
}

// maxWidth is where conditions are broken into lines.
const maxWidth = 100

// laid is a condition in lines, indented by a number of columns but for the first.
func laid(e expr, within, indent int) string {
	one := e.inline(within)
	if indent+len(one) <= maxWidth {
		return one
	}
	switch e := e.(type) {
	case and:
		return broken(e, " &&", tightAnd, within, indent)
	case or:
		return broken(e, " ||", looseOr, within, indent)
	case not:
		return "!" + laid(e.of, tightNot, indent)
	}
	return one
}

func broken(parts []expr, operator string, tight, within, indent int) string {
	inside := indent
	if within > tight {
		inside += 2
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = laid(p, tight, inside)
	}
	next := "\n" + strings.Repeat(" ", inside)
	text := strings.Join(texts, operator+next)
	if within > tight {
		return "(" + next + text + "\n" + strings.Repeat(" ", indent) + ")"
	}
	return text
}
