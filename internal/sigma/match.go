package sigma

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"rotd/internal/policy"
	"rotd/internal/userrules"
	"rotd/internal/yamltree"
)

// match is one line of a selection: field|modifiers: values.
type match struct {
	field  field
	entry  *yamltree.Entry
	values []value

	before, after bool   // contains, startswith, endswith: anything may be there
	all           bool   // every value, not any
	negated       bool   // neq
	cased         bool   // letters' case counts
	kind          string // "", or the modifier that is another comparison: re, cidr, exists, fieldref, lt, lte, gt, gte
	flags         string // of re
}

var comparisons = map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}

// match reads one line of a selection; nil when it cannot be said, which is reported.
func (r *reader) match(e *yamltree.Entry) expr {
	name, modifiers, _ := strings.Cut(e.Name, "|")
	m := match{entry: e}
	failed := false
	fail := func(format string, args ...any) {
		r.fail(e.Key, "%s: %s", e.Name, fmt.Sprintf(format, args...))
		failed = true
	}
	if name == "" {
		fail(noKeywords)
		return nil
	}
	if err := m.modify(modifiers); err != nil {
		fail("%v", err)
	}
	var err error
	if m.field, err = r.fields.find(name); err != nil {
		fail("%v", err)
	}
	if m.values, err = valuesOf(e.Value); err != nil {
		fail("%v", err)
	}
	if failed {
		return nil
	}
	found, err := m.expr(r)
	if err != nil {
		fail("%v", err)
		return nil
	}
	if m.negated {
		return not{found}
	}
	return found
}

// modify reads the modifiers.
func (m *match) modify(modifiers string) error {
	if modifiers == "" {
		return nil
	}
	for one := range strings.SplitSeq(modifiers, "|") {
		switch one {
		case "contains":
			m.before, m.after = true, true
		case "startswith":
			m.after = true
		case "endswith":
			m.before = true
		case "all":
			m.all = true
		case "cased":
			m.cased = true
		case "neq":
			m.negated = true
		case "i", "m", "s":
			if m.kind != "re" {
				return fmt.Errorf("the modifier %s belongs to re", one)
			}
			m.flags += one
		case "re", "cidr", "exists", "fieldref", "lt", "lte", "gt", "gte":
			if m.kind != "" {
				return fmt.Errorf("%s and %s do not go together", m.kind, one)
			}
			m.kind = one
		default:
			return fmt.Errorf("the modifier %.40q cannot be turned into CEL", one)
		}
	}
	if m.kind != "" && (m.before || m.after || m.cased) {
		return fmt.Errorf("%s does not go together with contains, startswith, endswith or cased", m.kind)
	}
	return nil
}

func valuesOf(n ast.Node) ([]value, error) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		v, ok := scalar(n)
		if !ok {
			return nil, fmt.Errorf("want a value or a list of values, not %s", yamltree.Kind(n))
		}
		return []value{v}, nil
	}
	if len(list.Values) == 0 {
		return nil, fmt.Errorf("an empty list: nothing is one of none")
	}
	var all []value
	for _, item := range list.Values {
		v, ok := scalar(item)
		if !ok {
			return nil, fmt.Errorf("want a list of values, not of %s", yamltree.Kind(item))
		}
		all = append(all, v)
	}
	return all, nil
}

// expr is the line as a condition.
func (m *match) expr(r *reader) (expr, error) {
	if m.field.kind == userrules.Moment && m.kind != "exists" {
		return nil, fmt.Errorf("a time cannot be compared as Sigma does")
	}
	var parts []expr
	var patterns []pattern
	for _, v := range m.values {
		if m.kind == "" && strings.Contains(v.text, ".") && r.fields.has(v.text) {
			r.rule.remark("%s is compared with the text %q, not with the field of that name (fieldref)", m.field.name(), v.text)
		}
		if p, ok := m.pattern(v); ok && m.kind == "" {
			patterns = append(patterns, p)
			continue
		}
		part, err := m.special(r, v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	parts = append(m.texts(r, patterns), parts...)
	if m.all {
		return all(parts...), nil
	}
	return either(parts...), nil
}

// pattern is a value that texts are compared with; not null, nor nothing or anything.
func (m *match) pattern(v value) (pattern, bool) {
	p := patternOf(v.text).between(m.before, m.after)
	return p, !v.null && len(p) > 0 && !p.anything()
}

// special is what is compared in other ways than with a pattern.
func (m *match) special(r *reader, v value) (expr, error) {
	f := m.field
	switch m.kind {
	case "":
		if p, _ := m.pattern(v); !v.null && p.anything() {
			return f.present(), nil
		}
		if !v.null && f.many() {
			return leaf{cel: `"" in ` + f.texts()}, nil
		}
		return not{f.present()}, nil
	case "exists":
		switch strings.ToLower(v.text) {
		case "true", "yes":
			return f.present(), nil
		case "false", "no":
			return not{f.present()}, nil
		}
		return nil, fmt.Errorf("want true or false, not %q", v.text)
	case "re":
		text := v.text
		if m.flags != "" {
			text = "(?" + m.flags + ")" + text
		}
		return m.regex(text)
	case "cidr":
		return m.within(v)
	case "fieldref":
		return m.reference(r, v)
	}
	return m.compared(v)
}

func (m *match) regex(text string) (expr, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("rotd's regular expressions are RE2's: %w", err)
	}
	l := m.field.any(func(v string) string { return v + ".matches(" + quote(text) + ")" })
	l.call = true
	if re.MatchString("") && !m.field.many() {
		return all(m.field.present(), l), nil // a text that is missing is empty
	}
	return l, nil
}

func (m *match) within(v value) (expr, error) {
	network, err := netip.ParsePrefix(v.text)
	if err != nil {
		return nil, fmt.Errorf("%.80q is no network", v.text)
	}
	if err := policy.CheckMapped(network); err != nil {
		return nil, err
	}
	l := m.field.any(func(address string) string { return "cidr(" + address + ", " + quote(v.text) + ")" })
	l.call = true
	return l, nil
}

// number is what both Sigma and CEL read as one.
const number = `^-?[0-9]+[.]?[0-9]*$`

var isNumber = regexp.MustCompile(number)

func (m *match) compared(v value) (expr, error) {
	n, err := strconv.ParseFloat(v.text, 64)
	if err != nil || !isNumber.MatchString(v.text) {
		return nil, fmt.Errorf("%.80q is no number", v.text)
	}
	operand := strconv.FormatFloat(n, 'f', -1, 64)
	if !strings.Contains(operand, ".") {
		operand += ".0"
	}
	l := m.field.any(func(text string) string {
		return fmt.Sprintf("%s.matches(%s) && double(%s) %s %s", text, quote(number), text, comparisons[m.kind], operand)
	})
	if !m.field.many() {
		l.cel = "(" + l.cel + ")"
		l.call = true
	}
	return l, nil
}

// reference compares with another field of the same event.
func (m *match) reference(r *reader, v value) (expr, error) {
	other, err := r.fields.find(v.text)
	if err != nil {
		return nil, err
	}
	if other.kind == userrules.Moment {
		return nil, fmt.Errorf("a time cannot be compared as Sigma does")
	}
	r.rule.remark("%s is compared with %s letter by letter: their case counts", m.field.name(), other.name())
	mine, theirs := m.field, other
	switch {
	case theirs.many():
		return all(mine.present(), mine.any(func(text string) string { return text + " in " + theirs.texts() })), nil
	case mine.many():
		return all(theirs.present(), leaf{cel: theirs.texts() + " in " + mine.texts()}), nil
	}
	return all(mine.present(), leaf{cel: mine.texts() + " == " + theirs.texts()}), nil
}

// texts are comparisons with patterns.
func (m *match) texts(r *reader, patterns []pattern) []expr {
	var parts []expr
	switch {
	case len(patterns) == 0:
	case m.field.kind == userrules.Truth:
		for _, p := range patterns {
			parts = append(parts, m.truth(p))
		}
	case m.cased:
		for _, p := range patterns {
			parts = append(parts, m.asWritten(p))
		}
	case m.all:
		for _, p := range patterns {
			parts = append(parts, leaf{cel: "like(" + m.field.texts() + ", " + quote(p.like()) + ")", call: true})
		}
	default:
		parts = m.anyOf(r, patterns)
	}
	return parts
}

// anyOf is that the field is like any of the patterns. The names of AWS's events and their sources have one spelling,
// and rules ask for events by it.
func (m *match) anyOf(r *reader, patterns []pattern) []expr {
	var plain, likes []string
	for _, p := range patterns {
		text, ok := p.plain()
		if ok && m.named() {
			plain = append(plain, m.spelt(r, text))
			continue
		}
		likes = append(likes, p.like())
	}
	var parts []expr
	if len(plain) > 0 {
		l := leaf{cel: m.field.texts() + " == " + quote(plain[0])}
		if len(plain) > 1 {
			l.cel = m.field.texts() + " in " + quotes(plain)
		}
		if m.field.path == eventName {
			l.names = plain
		} else {
			l.sources = plain
		}
		parts = append(parts, l)
	}
	if len(likes) > 0 {
		l := leaf{cel: "like(" + m.field.texts() + ", " + quotes(likes) + ")", call: true}
		if len(likes) == 1 {
			l.cel = "like(" + m.field.texts() + ", " + quote(likes[0]) + ")"
		}
		parts = append(parts, l)
	}
	return parts
}

const (
	eventName   = "eventName"
	eventSource = "eventSource"
)

func (m *match) named() bool { return m.field.path == eventName || m.field.path == eventSource }

// spelt is a name as AWS spells it, as far as that can be known.
func (m *match) spelt(r *reader, name string) string {
	if m.field.path == eventSource {
		return strings.ToLower(name)
	}
	if name[0] >= 'a' && name[0] <= 'z' {
		r.rule.remark("eventName %s is looked for as it is written, and AWS's names begin with capitals", name)
	}
	return name
}

// asWritten compares with regard to case.
func (m *match) asWritten(p pattern) expr {
	if text, ok := p.plain(); ok {
		return m.field.any(func(v string) string { return v + " == " + quote(text) })
	}
	l := m.field.any(func(v string) string { return v + ".matches(" + quote(p.regex()) + ")" })
	l.call = true
	return l
}

// truth compares with true or false; anything else it never is.
func (m *match) truth(p pattern) expr {
	text, _ := p.plain()
	switch strings.ToLower(text) {
	case "true":
		return leaf{cel: "event." + m.field.path, call: true}
	case "false":
		return not{leaf{cel: "event." + m.field.path, call: true}}
	}
	return leaf{cel: "like(" + m.field.texts() + ", " + quote(p.like()) + ")", call: true}
}

func (f field) name() string {
	if f.inside == "" {
		return f.path
	}
	return f.path + "." + f.inside
}

// quote writes a text as CEL has it.
func quote(text string) string { return strconv.Quote(text) }

// quotes writes a list of texts, each once.
func quotes(texts []string) string {
	var all []string
	for _, t := range texts {
		if q := quote(t); !slices.Contains(all, q) {
			all = append(all, q)
		}
	}
	return "[" + strings.Join(all, ", ") + "]"
}
