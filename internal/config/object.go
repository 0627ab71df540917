package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"rotd/internal/suggest"
	"rotd/internal/yamltree"
)

// field is one key of a mapping.
type field struct {
	key   string
	doc   string // one sentence, in the schema
	value shape  // nil: the design names it, this version does not have it
	need  string // not empty: the key is required; an example of it
}

// object is a mapping with known keys.
type object struct {
	fields []field
	// check looks at the fields together, after each was read.
	check func(o *seen)
}

// seen is what a mapping in the file had.
type seen struct {
	r     *reader
	path  string
	start *token.Token
	at    map[string]*token.Token // where each key's value begins
	bad   map[string]bool         // keys whose value had a problem, that one may have meant, or that are not there
}

// has reports whether a key is there and its value was read without a problem.
func (o *seen) has(key string) bool { return o.at[key] != nil && !o.bad[key] }

// absent reports whether nobody tried to say this key.
func (o *seen) absent(key string) bool { return o.at[key] == nil && !o.bad[key] }

// fail reports a problem at a key's value, or at the mapping when the key is not there.
func (o *seen) fail(key, format string, args ...any) {
	o.r.fail(o.where(key), join(o.path, key), format, args...)
}

func (o *seen) where(key string) *token.Token {
	if at := o.at[key]; at != nil {
		return at
	}
	return o.start
}

func (o object) read(r *reader, path string, n ast.Node) {
	if !r.plain(path, n) {
		return
	}
	entries, ok := yamltree.Mapping(n)
	if !ok {
		r.fail(yamltree.First(n), path, "want a mapping with the keys %s, not %s", o.keys(), yamltree.Kind(n))
		return
	}
	got := &seen{r: r, path: path, start: yamltree.First(n), at: map[string]*token.Token{}, bad: map[string]bool{}}
	for _, e := range unique(r, path, entries) {
		o.entry(got, e)
	}
	for _, f := range o.fields {
		if f.need != "" && got.absent(f.key) {
			r.fail(got.start, join(path, f.key), "is missing: write for example %s", f.need)
		}
	}
	if o.check != nil {
		o.check(got)
	}
}

// entry reads one key and its value.
func (o object) entry(got *seen, e yamltree.Entry) {
	r, path := got.r, join(got.path, e.Name)
	f := o.field(e.Name)
	switch {
	case f == nil:
		meant := suggest.Closest(e.Name, o.names())
		got.bad[meant] = true
		r.fail(e.Key, path, "unknown key%s", o.instead(meant))
	case f.value == nil:
		r.fail(e.Key, path, "not yet available in this version: remove it")
	case e.Value == nil:
		got.bad[e.Name] = true
		r.fail(e.Key, path, "has no value: give it one or remove the line")
	default:
		got.at[e.Name] = yamltree.First(e.Value)
		r.places[path] = got.at[e.Name]
		before := len(r.problems)
		f.value.read(r, path, e.Value)
		got.bad[e.Name] = len(r.problems) > before
	}
}

func (o object) instead(meant string) string {
	if meant != "" {
		return fmt.Sprintf(": did you mean %s?", meant)
	}
	return ": the keys here are " + o.keys()
}

func (o object) field(key string) *field {
	for i := range o.fields {
		if o.fields[i].key == key {
			return &o.fields[i]
		}
	}
	return nil
}

// names are the keys that may be written.
func (o object) names() []string {
	var names []string
	for _, f := range o.fields {
		if f.value != nil {
			names = append(names, f.key)
		}
	}
	return names
}

func (o object) keys() string { return enumerate(o.names()) }

func (o object) schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range o.fields {
		if f.value == nil {
			continue
		}
		s := f.value.schema()
		s["description"] = f.doc
		properties[f.key] = s
		if f.need != "" {
			required = append(required, f.key)
		}
	}
	s := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func join(path, key string) string {
	switch "" {
	case path:
		return key
	case key:
		return path
	}
	return path + "." + key
}
