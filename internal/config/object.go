package config

import (
	"fmt"
	"slices"

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

	// instead is the key of the same mapping that this one became in version since. It is still read, as that one, with a
	// warning; it has no doc and no value of its own.
	instead, since string
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
	entries = unique(r, path, entries)
	for _, e := range entries {
		if f := o.field(e.Name); f != nil && f.instead != "" {
			o.renamed(got, f, &e, entries)
		}
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

// renamed warns of a key that has another name now, and has its value read as that one's. Both at once are an error:
// nobody can tell which is meant.
func (o object) renamed(got *seen, f *field, e *yamltree.Entry, entries []yamltree.Entry) {
	path := join(got.path, e.Name)
	if slices.ContainsFunc(entries, func(other yamltree.Entry) bool { return other.Name == f.instead }) {
		got.r.fail(e.Key, path, "is %s since version %s, which is given too: remove this one", f.instead, f.since)
	} else {
		got.r.warnAt(e.Key, path, "is %s since version %s: write that, this name will be gone in a later one", f.instead,
			f.since)
	}
	e.Name = f.instead
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
		if f.value != nil { // neither what this version does not have nor what has another name now
			names = append(names, f.key)
		}
	}
	return names
}

func (o object) keys() string { return enumerate(o.names()) }

func (o object) schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range o.fields {
		doc, value := f.doc, f.value
		if f.instead != "" {
			doc, value = fmt.Sprintf("Since version %s %s.", f.since, f.instead), o.field(f.instead).value
		}
		if value == nil {
			continue
		}
		s := value.schema()
		s["description"] = doc
		if f.instead != "" {
			s["deprecated"] = true
		}
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
