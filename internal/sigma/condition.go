package sigma

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"rotd/internal/yamltree"
)

// Counting in a condition, which Sigma has given up for correlations.
const (
	noTimeframe = "timeframe belongs to counting in a condition, which cannot be turned into CEL"
	writeCount  = `write it with count("5m", event.userIdentity.arn) or distinct(…), or as a correlation rule of Sigma's`
)

// maxDeep bounds how deep conditions may be nested.
const maxDeep = 32

// conditions reads a condition, or several, of which any has to be so.
func (r *reader) conditions(s *selections, e *yamltree.Entry) expr {
	texts := []ast.Node{e.Value}
	if list, ok := e.Value.(*ast.SequenceNode); ok && len(list.Values) > 0 {
		texts = list.Values
	}
	var parts []expr
	for _, n := range texts {
		text := r.text(&yamltree.Entry{Name: e.Name, Key: e.Key, Value: n})
		p := &parser{selections: s, tokens: words.FindAllString(text, -1)}
		got, err := p.whole(text)
		if err != nil {
			r.fail(e.Key, "condition: %v", err)
			return nil
		}
		parts = append(parts, got)
	}
	for _, name := range s.names {
		if s.exprs[name] == nil {
			return nil // reported already
		}
	}
	return either(parts...)
}

// words are what conditions consist of.
var words = regexp.MustCompile(`[()]|[^\s()]+`)

// parser reads a condition: or binds loosest, then and, then not.
type parser struct {
	selections *selections
	tokens     []string
	deep       int
}

func (p *parser) whole(text string) (expr, error) {
	if strings.Contains(text, "|") {
		return nil, fmt.Errorf("counting in a condition (%s) cannot be turned into CEL: %s",
			strings.TrimSpace(text[strings.IndexByte(text, '|'):]), writeCount)
	}
	got, err := p.either()
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q does not belong there", p.tokens[0])
	}
	return got, err
}

// next reports whether a word comes next, and takes it.
func (p *parser) next(word string) bool {
	if len(p.tokens) > 0 && strings.EqualFold(p.tokens[0], word) {
		p.tokens = p.tokens[1:]
		return true
	}
	return false
}

func (p *parser) either() (expr, error) { return p.several("or", p.both, either) }

func (p *parser) both() (expr, error) { return p.several("and", p.single, all) }

func (p *parser) several(word string, part func() (expr, error), join func(...expr) expr) (expr, error) {
	var parts []expr
	for {
		one, err := part()
		if err != nil {
			return nil, err
		}
		parts = append(parts, one)
		if !p.next(word) {
			return join(parts...), nil
		}
	}
}

func (p *parser) single() (expr, error) {
	if p.deep++; p.deep > maxDeep {
		return nil, fmt.Errorf("nested more than %d deep", maxDeep)
	}
	defer func() { p.deep-- }()
	switch {
	case len(p.tokens) == 0:
		return nil, fmt.Errorf("ends where a selection has to be")
	case p.next("not"):
		one, err := p.single()
		return not{one}, err
	case p.next("("):
		one, err := p.either()
		if err == nil && !p.next(")") {
			err = fmt.Errorf("a ( has no )")
		}
		return one, err
	case len(p.tokens) > 1 && strings.EqualFold(p.tokens[1], "of"):
		return p.some()
	}
	name := p.tokens[0]
	one, ok := p.selections.exprs[name]
	if !ok {
		return nil, fmt.Errorf("there is no selection %q", name)
	}
	p.tokens = p.tokens[1:]
	return one, nil
}

// some reads `1 of x*` and `all of them`.
func (p *parser) some() (expr, error) {
	many := strings.ToLower(p.tokens[0])
	if !slices.Contains([]string{"1", "any", "all"}, many) {
		return nil, fmt.Errorf("%q of cannot be turned into CEL: write 1 of or all of", many)
	}
	if len(p.tokens) < 3 {
		return nil, fmt.Errorf("ends where selections have to be")
	}
	pattern := p.tokens[2]
	p.tokens = p.tokens[3:]
	if strings.EqualFold(pattern, "them") {
		pattern = "them"
	}
	names := p.selections.matching(pattern)
	if len(names) == 0 {
		return nil, fmt.Errorf("there is no selection named like %q", pattern)
	}
	var parts []expr
	for _, name := range names {
		parts = append(parts, p.selections.exprs[name])
	}
	if many == "all" {
		return all(parts...), nil
	}
	return either(parts...), nil
}
