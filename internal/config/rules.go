package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/pattern"
	"rotd/internal/userrules"
)

// UserRule is a user's rule and its tests.
type UserRule struct {
	Rule  detection.Rule
	File  string
	Line  int
	Tests []userrules.Test
}

// ruleFile is one file of users' rules as it is read.
type ruleFile struct {
	lines    []string // of its text
	language *userrules.Language
	rules    *ruleSet
}

// rawRule is a rule before its expressions are compiled.
type rawRule struct {
	draft       userrules.Draft
	status      string
	subject     string
	id          *token.Token
	expressions map[string]ast.Node // by part: when, message, fingerprint[0]
	compiled    detection.Rule
	tests       []rawTest
}

func (f *ruleFile) layout(file string) shape {
	return object{fields: []field{{
		key: "rules", doc: "Rules of your own.", need: "rules: [{id: …, title: …, events: …, when: …}]",
		value: list[rawRule]{
			fresh: func() rawRule {
				return rawRule{
					draft: userrules.Draft{Severity: finding.Medium}, expressions: map[string]ast.Node{},
				}
			},
			shape: func(r *rawRule) shape { return f.rule(file, r) },
			keep:  func(r rawRule) { f.rules.keep(file, &r) },
			least: 1,
		},
	}}}
}

func (f *ruleFile) rule(file string, r *rawRule) shape {
	d := &r.draft
	return object{
		check: func(o *seen) { f.check(file, r, o) },
		fields: []field{
			{
				key: "id", doc: "Names the rule in findings and in rotd.yaml.", need: "id: decrypt-from-nowhere",
				value: text(&d.ID, "an id", matching(ruleName, "an id: write lower-case letters, digits and -, 2 to 64")),
			},
			{
				key: "title", doc: "What is found, in a line.", value: text(&d.Title, "a line of text", checkSaid),
				need: "title: A data key was decrypted from outside",
			},
			{key: "severity", doc: "How grave it is; MEDIUM if it is not said.", value: severity(
				func(s finding.Severity) { d.Severity = s })},
			{
				key: "status", doc: "staged (default): it is counted and found by nobody; active: it finds.",
				value: word(&r.status, []string{"staged", "active"}, nil),
			},
			{key: "author", doc: "Who answers for it.", value: text(&d.Author, "a line of text", checkSaid)},
			{key: "events", doc: "What it is asked about.", value: wantedEvents(&d.Events), need: eventsExample},
			{
				key: "when", doc: "CEL: true when it matches.", need: `when: event.errorCode == "AccessDenied"`,
				value: expression{part: "when", to: &d.When, rule: r},
			},
			{
				key: "message", doc: "What happened, with {{ CEL }} in it.", need: `message: "{{principal}} used {{key.arn}}."`,
				value: expression{part: "message", to: &d.Message, rule: r},
			},
			{
				key: "fingerprint", doc: "CEL: texts that tell findings about one key apart.",
				value: list[string]{
					fresh: func() string { return "" },
					shape: func(s *string) shape {
						return expression{part: fmt.Sprintf("fingerprint[%d]", len(d.Fingerprint)), to: s, rule: r}
					},
					keep: func(s string) { d.Fingerprint = append(d.Fingerprint, s) },
				},
			},
			{
				key: "subject", doc: "What it is about: key (default) or account.",
				value: word(&r.subject, []string{"key", "account"}, nil),
			},
			{
				key: "per_principal", doc: "The same by another principal is another finding.",
				value: boolean(&d.PerPrincipal),
			},
			{key: "mitre", doc: "MITRE ATT&CK ids.", value: texts(&d.Mitre, "an id such as T1530",
				matching(mitreID, "an id of MITRE ATT&CK, such as T1530 or T1552.005"))},
			{key: "response", doc: "What to do, a line each.", value: texts(&d.Response, "a line of text", checkSaid)},
			{
				key: "false_positives", doc: "When it is wrong.",
				value: text(&d.FalsePositives, "a line of text", checkSaid),
			},
			{key: "tests", doc: "Events, and what the rule makes of them.", value: list[rawTest]{
				fresh: func() rawTest { return rawTest{} },
				shape: func(t *rawTest) shape { return t.layout() },
				keep:  func(t rawTest) { r.tests = append(r.tests, t) },
				id:    func(t rawTest) string { return t.name },
			}},
		},
	}
}

const eventsExample = "events: [{source: kms.amazonaws.com, names: [Decrypt]}]"

var (
	mitreID     = pattern.New(`^T\d{4}(\.\d{3})?$`)
	eventSource = pattern.New(`^[a-z0-9.-]{1,100}\.[a-z]{2,10}$`)
	eventName   = pattern.New(`^[A-Za-z0-9_.:-]{1,128}$`)
)

func wantedEvents(to *[]detection.Wanted) shape {
	return list[detection.Wanted]{
		fresh: func() detection.Wanted { return detection.Wanted{} },
		shape: func(w *detection.Wanted) shape {
			return object{fields: []field{
				{
					key: "source", doc: "CloudTrail's eventSource.", need: "source: kms.amazonaws.com",
					value: text(&w.Source, "an event source", matching(eventSource,
						"an event source: write for example kms.amazonaws.com")),
				},
				{key: "names", doc: "CloudTrail's eventNames; none: all of the source.", value: texts(&w.Names,
					"an event name", matching(eventName, "an event name such as Decrypt"))},
			}}
		},
		keep:  func(w detection.Wanted) { *to = append(*to, w) },
		least: 1,
	}
}

// check compiles the rule as far as it can be read, so that all that is wrong with it is told at once.
func (f *ruleFile) check(file string, r *rawRule, o *seen) {
	r.id = o.at["id"]
	if o.has("id") {
		f.rules.name(o, file, r.draft.ID)
	}
	draft := r.draft
	draft.Active, draft.PerPlace = r.status == "active", r.subject == "account"
	if draft.When == "" { // nothing to compile: that is told already
		draft.When = "true"
	}
	rule, problems := f.language.Compile(&draft)
	for _, p := range problems {
		n := r.expressions[p.Part]
		if n == nil {
			continue
		}
		o.r.fail(f.inside(n, p.Line, p.Column), join(o.path, p.Part), "%s", p.Message)
	}
	r.compiled = rule
}

// expression is a text with CEL in it. Its node is kept, to say where in it something is wrong.
type expression struct {
	part string
	to   *string
	rule *rawRule
}

func (e expression) read(r *reader, path string, n ast.Node) {
	text(e.to, "a text in quotes, or a block of text", checkExpression).read(r, path, n)
	e.rule.expressions[e.part] = n
}

func (e expression) schema() map[string]any { return map[string]any{"type": "string"} }

func checkExpression(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("is empty")
	case len(s) > userrules.MaxText:
		return fmt.Errorf("%d bytes are more than the %d of an expression or message", len(s), userrules.MaxText)
	}
	return nil
}

// inside is where a position within a text stands in the file; where the text begins, when YAML folds or escapes it.
func (f *ruleFile) inside(n ast.Node, line, column int) *token.Token {
	start := n.GetToken()
	at := func(line, column int) *token.Token {
		return token.New("", "", &token.Position{Line: line, Column: column})
	}
	switch n := n.(type) {
	case *ast.LiteralNode:
		if !strings.HasPrefix(start.Value, "|") {
			return start
		}
		return at(start.Position.Line+line, f.indent(start.Position.Line, n.Value.Value)+column)
	case *ast.StringNode:
		from := start.Position.Column - 1
		if start.Type != token.StringType {
			from++
		}
		source, text := []rune(f.lines[start.Position.Line-1]), []rune(n.Value)
		before := min(column-1, len(text))
		if line == 1 && from+before <= len(source) && string(source[from:from+before]) == string(text[:before]) {
			return at(start.Position.Line, from+column)
		}
	}
	return start
}

// indent is how far a block that begins after a line is indented: what its first line that is not empty has more than
// its text.
func (f *ruleFile) indent(after int, block string) int {
	for i, line := range strings.Split(block, "\n") {
		if strings.TrimSpace(line) != "" && after+i < len(f.lines) {
			return len(f.lines[after+i]) - len(strings.TrimRight(line, "\r"))
		}
	}
	return 0
}
