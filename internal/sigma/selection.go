package sigma

import (
	"path"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"rotd/internal/yamltree"
)

// selections are a rule's, by name, in the order of the file. One that cannot be read is nil, and reported.
type selections struct {
	names []string
	exprs map[string]expr
}

// matching are the names that a pattern such as filter_* means; `them` means those that do not begin with _.
func (s *selections) matching(pattern string) []string {
	var found []string
	for _, name := range s.names {
		if pattern == "them" && name[0] != '_' {
			found = append(found, name)
		} else if ok, err := path.Match(pattern, name); ok && err == nil {
			found = append(found, name)
		}
	}
	return found
}

// detection reads the selections and the condition.
func (r *reader) detection(e *yamltree.Entry) {
	entries, ok := r.mapping(e.Value, "detection")
	if !ok {
		return
	}
	all := selections{exprs: map[string]expr{}}
	var condition *yamltree.Entry
	for i := range entries {
		switch e := &entries[i]; e.Name {
		case "condition":
			condition = e
		case "timeframe":
			r.fail(e.Key, noTimeframe)
		case "":
			r.fail(e.Key, "a selection without a name")
		default:
			all.names = append(all.names, e.Name)
			all.exprs[e.Name] = r.selection(e.Key, e.Value)
		}
	}
	if condition == nil {
		r.fail(e.Key, "condition is missing")
		return
	}
	r.rule.when = r.conditions(&all, condition)
}

const noKeywords = "keywords, which may be anywhere in a record, are not looked for: name the field"

// selection is a mapping, of which all has to be so, or a list of them, of which any.
func (r *reader) selection(at *token.Token, n ast.Node) expr {
	if list, ok := n.(*ast.SequenceNode); ok && len(list.Values) > 0 {
		var parts []expr
		for _, item := range list.Values {
			if _, ok := yamltree.Mapping(item); !ok {
				r.fail(at, noKeywords)
				return nil
			}
			parts = append(parts, r.selection(at, item))
		}
		if anyNil(parts) {
			return nil
		}
		return either(parts...)
	}
	if _, ok := scalar(n); ok && n != nil {
		r.fail(at, noKeywords)
		return nil
	}
	entries, ok := r.mapping(n, "a selection")
	if !ok {
		return nil
	}
	if len(entries) == 0 {
		r.fail(at, "an empty selection")
		return nil
	}
	var parts []expr
	for i := range entries {
		parts = append(parts, r.match(&entries[i]))
	}
	if anyNil(parts) {
		return nil
	}
	return all(parts...)
}

// anyNil reports whether a part could not be read.
func anyNil(parts []expr) bool {
	return slices.ContainsFunc(parts, func(p expr) bool { return p == nil })
}
