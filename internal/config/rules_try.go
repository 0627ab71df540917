package config

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"rotd/internal/finding"
	"rotd/internal/userrules"
	"rotd/internal/yamltree"
)

// rawTest is a test of a rule before its times are known.
type rawTest struct {
	name     string
	line     int
	now      time.Time
	keys     []keyFacts
	trusted  []string
	events   []userrules.Record
	trail    string
	matches  int
	severity *finding.Severity
	message  string
}

func (t *rawTest) layout() shape {
	return object{
		check: func(o *seen) {
			t.line = o.start.Position.Line
			if o.absent("events") && o.absent("file") {
				o.fail("events", "is missing: write events, or the file that has them")
			}
		},
		fields: []field{
			{
				key: "name", doc: "What is so.", value: text(&t.name, "a line of text", checkSaid),
				need: "name: a stranger decrypts",
			},
			{key: "now", doc: "When its first event happens.", value: moment(&t.now)},
			{key: "keys", doc: "Keys that rotd knows.", value: list[keyFacts]{
				fresh: newKeyFacts,
				shape: func(k *keyFacts) shape { return k.layout() },
				keep:  func(k keyFacts) { t.keys = append(t.keys, k) },
			}},
			{
				key: "trusted_accounts", doc: "Accounts that are no outsiders.",
				value: texts(&t.trusted, "an account id", checkAccount),
			},
			{key: "events", doc: "CloudTrail records; what they do not say is as usual.", value: list[userrules.Record]{
				fresh: func() userrules.Record { return nil },
				shape: func(r *userrules.Record) shape { return record{r} },
				keep:  func(r userrules.Record) { t.events = append(t.events, r) },
				least: 1,
			}},
			{
				key: "file", doc: "A CloudTrail log file, relative to this one.",
				value: text(&t.trail, "a file", checkSaid),
			},
			{
				key: "matches", doc: "How many of the events it matches.", value: integer(&t.matches, 0, 1_000_000),
				need: "matches: 1",
			},
			{key: "severity", doc: "Of what is found.", value: severity(func(s finding.Severity) { t.severity = &s })},
			{key: "message", doc: "Of the last match.", value: text(&t.message, "a text", checkExpression)},
		},
	}
}

// testNow is when tests happen that say nothing.
func testNow() time.Time { return time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC) }

func (t *rawTest) build(file string) userrules.Test {
	one := userrules.Test{
		Name: t.name, File: file, Line: t.line, Now: t.now, Trusted: t.trusted, Records: t.events, Matches: t.matches,
		Severity: t.severity, Message: t.message,
	}
	if one.Now.IsZero() {
		one.Now = testNow()
	}
	if t.trail != "" {
		one.Trail = beside(file, t.trail)
	}
	for i := range t.keys {
		one.Keys = append(one.Keys, *t.keys[i].build(one.Now))
	}
	return one
}

// record is a mapping of anything: JSON written as YAML.
type record struct{ to *userrules.Record }

func (s record) read(r *reader, path string, n ast.Node) {
	if !r.plain(path, n) {
		return
	}
	if _, ok := yamltree.Mapping(n); !ok {
		r.fail(yamltree.First(n), path, "want a CloudTrail record, not %s", yamltree.Kind(n))
		return
	}
	value, _ := anything(r, path, n).(map[string]any)
	*s.to = value
}

func (record) schema() map[string]any { return map[string]any{"type": "object"} }

// anything is a node as JSON has it.
func anything(r *reader, path string, n ast.Node) any {
	if _, null := n.(*ast.NullNode); n == nil || null {
		return nil
	}
	if !r.plain(path, n) {
		return nil
	}
	if entries, ok := yamltree.Mapping(n); ok {
		all := make(map[string]any, len(entries))
		for _, e := range unique(r, path, entries) {
			all[e.Name] = anything(r, join(path, shorten(e.Name)), e.Value)
		}
		return all
	}
	switch n := n.(type) {
	case *ast.SequenceNode:
		all := make([]any, len(n.Values))
		for i, v := range n.Values {
			all[i] = anything(r, path, v)
		}
		return all
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		return n.Value
	case *ast.FloatNode:
		return n.Value
	}
	r.fail(yamltree.First(n), path, "want what JSON has, not %s", yamltree.Kind(n))
	return nil
}
