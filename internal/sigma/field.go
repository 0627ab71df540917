package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rotd/internal/suggest"
	"rotd/internal/userrules"
)

// field is where a value is in CloudTrail's records.
type field struct {
	path string
	kind userrules.Kind
	// inside is the path within a document; empty: all of it.
	inside string
}

// fields finds fields by Sigma's names, which are CloudTrail's paths.
type fields struct {
	known map[string]userrules.Kind
	names []string
}

func newFields() *fields {
	known := userrules.EventFields()
	return &fields{known: known, names: slices.Sorted(maps.Keys(known))}
}

func (f *fields) find(name string) (field, error) {
	if kind, ok := f.known[name]; ok {
		return field{path: name, kind: kind}, nil
	}
	first, inside, ok := strings.Cut(name, ".")
	if kind := f.known[first]; ok && kind == userrules.Document {
		return field{path: first, kind: kind, inside: inside}, nil
	}
	return field{}, fmt.Errorf("%q is nothing that rotd reads of a record%s", name, suggest.DidYouMean(name, f.names))
}

func (f *fields) has(name string) bool {
	_, err := f.find(name)
	return err == nil
}

// texts is the field as a text, or as a list of texts, in CEL.
func (f field) texts() string {
	switch f.kind {
	case userrules.Document:
		return fmt.Sprintf("texts(event.%s, %s)", f.path, quote(f.inside))
	case userrules.Resources:
		_, member, _ := strings.Cut(f.path, ".")
		return "event.resources.map(r, r." + member + ")"
	case userrules.Truth:
		return "string(event." + f.path + ")"
	default:
		return "event." + f.path
	}
}

// one is the field as one text: the first, if there are more.
func (f field) one() string {
	switch f.kind {
	case userrules.Document:
		return f.texts() + "[0]"
	case userrules.Resources:
		return strings.Replace("event."+f.path, "resources.", "resources[0].", 1)
	default:
		return f.texts()
	}
}

// many reports whether it is a list of texts.
func (f field) many() bool { return f.kind == userrules.Document || f.kind == userrules.Resources }

// any is a condition on the field's text, or on any of its texts.
func (f field) any(condition func(text string) string) leaf {
	if f.many() {
		return leaf{cel: f.texts() + ".exists(v, " + condition("v") + ")", call: true}
	}
	return leaf{cel: condition(f.texts())}
}

// present is that the field is there, and not empty.
func (f field) present() expr {
	switch f.kind {
	case userrules.Document:
		if f.inside == "" {
			return leaf{cel: "has(event." + f.path + ")", call: true}
		}
		return leaf{cel: f.texts() + ".size() > 0"}
	case userrules.Resources:
		return f.any(func(text string) string { return text + ` != ""` })
	default:
		return leaf{cel: "has(event." + f.path + ")", call: true}
	}
}
