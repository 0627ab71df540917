package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"

	"rotd/internal/yamltree"
)

// unique returns the entries without those whose key came before, which it reports.
func unique(r *reader, path string, entries []yamltree.Entry) []yamltree.Entry {
	lines := make(map[string]int, len(entries))
	kept := entries[:0]
	for _, e := range entries {
		if line, again := lines[e.Name]; again {
			r.fail(e.Key, join(path, shorten(e.Name)), "written twice, first on line %d: remove one", line)
			continue
		}
		lines[e.Name] = e.Key.Position.Line
		kept = append(kept, e)
	}
	return kept
}

// dict is a mapping whose keys the operator chooses.
type dict struct {
	want string // what it maps, for people
	// key checks a key.
	key func(name string) error
	// value is the shape of the value under a key.
	value func(name string) shape
}

// tagValues are values of tags by tag key.
func tagValues(to *map[string]string) shape {
	return dict{want: "tag keys to values", key: checkTagKey, value: func(key string) shape {
		return scalar{
			want: "a tag's value", text: stringText, about: map[string]any{"type": "string"},
			set: func(value string) error {
				if *to == nil {
					*to = map[string]string{}
				}
				(*to)[key] = value
				return checkLine(value)
			},
		}
	}}
}

func (d dict) read(r *reader, path string, n ast.Node) {
	if !r.plain(path, n) {
		return
	}
	entries, ok := yamltree.Mapping(n)
	if !ok {
		r.fail(yamltree.First(n), path, "want a mapping of %s, not %s", d.want, yamltree.Kind(n))
		return
	}
	for _, e := range unique(r, path, entries) {
		at := join(path, shorten(e.Name))
		if err := d.key(e.Name); err != nil {
			r.fail(e.Key, at, "%v", err)
			continue
		}
		if e.Value == nil {
			r.fail(e.Key, at, "has no value: give it one or remove the line")
			continue
		}
		d.value(e.Name).read(r, at, e.Value)
	}
}

func (d dict) schema() map[string]any {
	return map[string]any{"type": "object", "additionalProperties": d.value("").schema()}
}

// list is a sequence of values of one shape. Keep is called with every item that had no problem.
type list[T any] struct {
	fresh func() T       // a new item with its defaults
	shape func(*T) shape // the shape that fills an item
	keep  func(T)        // takes an item that is in order
	id    func(T) string // nil, or what no two items may share
	least int            // how many items there must be
}

func (l list[T]) read(r *reader, path string, n ast.Node) {
	if !r.plain(path, n) {
		return
	}
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		r.fail(yamltree.First(n), path, "want a list, not %s%s", yamltree.Kind(n), listHint(n))
		return
	}
	if len(seq.Values) < l.least {
		r.fail(seq.GetToken(), path, "want at least %d", l.least)
	}
	lines := map[string]int{}
	for i, value := range seq.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if value == nil {
			r.fail(seq.GetToken(), at, "has no value: give it one or remove the line")
			continue
		}
		item, before := l.fresh(), len(r.problems)
		l.shape(&item).read(r, at, value)
		if l.id != nil {
			if id := l.id(item); id != "" && lines[id] > 0 {
				r.fail(yamltree.First(value), at, "%s is there already, on line %d: remove one", id, lines[id])
			} else {
				lines[id] = yamltree.First(value).Position.Line
			}
		}
		if len(r.problems) == before {
			l.keep(item)
		}
	}
}

// listHint shows how a single value becomes a list.
func listHint(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return fmt.Sprintf(": write [%s]", shorten(s.Value))
	}
	return ""
}

func (l list[T]) schema() map[string]any {
	item := l.fresh()
	s := map[string]any{"type": "array", "items": l.shape(&item).schema()}
	if l.least > 0 {
		s["minItems"] = l.least
	}
	return s
}
