package sigma

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"rotd/internal/finding"
	"rotd/internal/yamltree"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 1 << 20

// Read reads the rules of a file, one a document. A file that is no YAML is one rule with that problem.
func Read(file string, data []byte) []*Rule {
	docs, wrong := yamltree.Parse(data, MaxSize)
	if wrong != nil {
		r := &reader{rule: &Rule{File: file, Line: 1}}
		r.fail(wrong.At, "%s", wrong.Message)
		return []*Rule{r.rule}
	}
	known := newFields()
	var rules []*Rule
	for _, doc := range docs {
		r := &reader{
			rule:   &Rule{File: file, Line: yamltree.First(doc).Position.Line, Severity: finding.Medium},
			fields: known,
		}
		r.read(doc)
		slices.SortStableFunc(r.rule.Problems, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
		})
		rules = append(rules, r.rule)
	}
	return rules
}

// reader reads one rule.
type reader struct {
	rule   *Rule
	fields *fields
}

func (r *reader) fail(at *token.Token, format string, args ...any) {
	p := Problem{Message: fmt.Sprintf(format, args...)}
	if at != nil && at.Position != nil {
		p.Line, p.Column = at.Position.Line, at.Position.Column
	}
	r.rule.Problems = append(r.rule.Problems, p)
}

// read reads the document of a rule. Members that it does not know are Sigma's for others.
func (r *reader) read(doc ast.Node) {
	entries, ok := r.mapping(doc, "a Sigma rule")
	if !ok {
		return
	}
	rule := r.rule
	texts := map[string]*string{
		"title": &rule.Title, "id": &rule.ID, "name": &rule.Name, "status": &rule.Status, "license": &rule.License,
		"description": &rule.Description, "author": &rule.Author, "date": &rule.Date,
	}
	var detection, source, correlated *yamltree.Entry
	for i := range entries {
		e := &entries[i]
		if to := texts[e.Name]; to != nil {
			before := len(rule.Problems)
			*to = r.text(e)
			if to == &rule.Title && line(*to) == "" && len(rule.Problems) == before {
				r.fail(e.Key, "title is empty")
			}
			continue
		}
		switch e.Name {
		case "references":
			rule.References = r.texts(e)
		case "falsepositives":
			rule.FalsePositives = r.texts(e)
		case "tags":
			rule.Mitre = techniques(r.texts(e))
		case "level":
			r.level(e)
		case "logsource":
			source = e
		case "detection":
			detection = e
		case "correlation":
			correlated = e
		case "timeframe":
			r.fail(e.Key, noTimeframe)
		case "action":
			r.fail(e.Key, "collections of rules (action: …) are not read: write each rule out")
		}
	}
	if !slices.ContainsFunc(entries, func(e yamltree.Entry) bool { return e.Name == "title" }) {
		r.fail(yamltree.First(doc), "title is missing")
	}
	r.body(doc, source, detection, correlated)
}

// body reads what the rule is about: a detection or a correlation.
func (r *reader) body(doc ast.Node, source, detection, correlated *yamltree.Entry) {
	switch {
	case correlated != nil && detection != nil:
		r.fail(correlated.Key, "a correlation has no detection of its own")
	case correlated != nil:
		r.correlation(correlated)
	case detection == nil && source == nil:
		r.fail(yamltree.First(doc), "detection is missing: this is no Sigma rule")
	case !r.source(doc, source): // said
	case detection == nil:
		r.fail(yamltree.First(doc), "detection is missing")
	default:
		r.detection(detection)
	}
}

// source reports whether the rule is about CloudTrail's events. Of another nothing more is said.
func (r *reader) source(doc ast.Node, e *yamltree.Entry) bool {
	if e == nil {
		r.fail(yamltree.First(doc), "logsource is missing: want product: aws and service: cloudtrail")
		return false
	}
	entries, ok := r.mapping(e.Value, "logsource")
	if !ok {
		return false
	}
	all := map[string]string{}
	var told []string
	for i := range entries {
		if slices.Contains([]string{"product", "service", "category"}, entries[i].Name) {
			all[entries[i].Name] = r.text(&entries[i])
			told = append(told, entries[i].Name+": "+all[entries[i].Name])
		}
	}
	if all["product"] == "aws" && all["service"] == "cloudtrail" {
		return true
	}
	r.fail(e.Key, "not for CloudTrail: its logsource is %s", strings.Join(told, ", "))
	return false
}

func (r *reader) level(e *yamltree.Entry) {
	text := r.text(e)
	severity, err := finding.ParseSeverity(strings.ToUpper(text))
	if err != nil {
		r.fail(e.Key, "level: want informational, low, medium, high or critical, not %q", text)
		return
	}
	r.rule.Severity = severity
}

var technique = regexp.MustCompile(`(?i)^attack\.(t\d{4}(\.\d{3})?)$`)

// techniques are MITRE ATT&CK's, of a rule's tags.
func techniques(tags []string) []string {
	var all []string
	for _, tag := range tags {
		if m := technique.FindStringSubmatch(tag); m != nil && !slices.Contains(all, strings.ToUpper(m[1])) {
			all = append(all, strings.ToUpper(m[1]))
		}
	}
	return all
}

// mapping returns the entries of a mapping, each name once.
func (r *reader) mapping(n ast.Node, what string) ([]yamltree.Entry, bool) {
	entries, ok := yamltree.Mapping(n)
	if !ok {
		r.fail(firstOf(n), "want %s as a mapping, not %s", what, yamltree.Kind(n))
		return nil, false
	}
	var names []string
	for _, e := range entries {
		if slices.Contains(names, e.Name) {
			r.fail(e.Key, "%s is written twice", e.Name)
			ok = false
		}
		names = append(names, e.Name)
	}
	return entries, ok
}

// firstOf is the token a node begins with; nil when there is no node.
func firstOf(n ast.Node) *token.Token {
	if n == nil {
		return nil
	}
	return yamltree.First(n)
}

// text is a value that has to be one text, in one paragraph.
func (r *reader) text(e *yamltree.Entry) string {
	v, ok := scalar(e.Value)
	if !ok {
		r.fail(e.Key, "%s: want a text, not %s", e.Name, yamltree.Kind(e.Value))
		return ""
	}
	return strings.Join(strings.Fields(v.text), " ")
}

// texts is a value that has to be a list of texts, or one.
func (r *reader) texts(e *yamltree.Entry) []string {
	list, ok := e.Value.(*ast.SequenceNode)
	if !ok {
		if text := r.text(e); text != "" {
			return []string{text}
		}
		return nil
	}
	var all []string
	for _, n := range list.Values {
		if text := r.text(&yamltree.Entry{Name: e.Name, Key: e.Key, Value: n}); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// value is one value of a selection.
type value struct {
	text string
	null bool
}

// scalar is a node that is one value.
func scalar(n ast.Node) (value, bool) {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return value{null: true}, true
	case *ast.StringNode:
		return value{text: n.Value}, true
	case *ast.LiteralNode:
		return value{text: strings.TrimSuffix(n.Value.Value, "\n")}, true
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return value{text: n.GetToken().Value}, true
	}
	return value{}, false
}
