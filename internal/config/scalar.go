package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"

	"rotd/internal/span"
	"rotd/internal/suggest"
	"rotd/internal/yamltree"
)

const day = span.Day

// scalar is a single value.
type scalar struct {
	want string // what is wanted, for people: "a duration such as 90d"
	// text takes the value out of a node of the right kind.
	text func(n ast.Node) (string, bool)
	// set checks the value and stores it.
	set func(value string) error
	// about is its JSON Schema but for the description.
	about map[string]any
}

func (s scalar) read(r *reader, path string, n ast.Node) {
	if !r.plain(path, n) {
		return
	}
	value, ok := s.text(n)
	if !ok {
		r.fail(yamltree.First(n), path, "want %s, not %s%s", s.want, yamltree.Kind(n), s.quoteHint(n))
		return
	}
	if err := s.set(value); err != nil {
		r.fail(yamltree.First(n), path, "%v", err)
	}
}

func (s scalar) schema() map[string]any {
	return maps.Clone(s.about)
}

// quoteHint helps with text that YAML takes for a number or a truth value, such as account ids.
func (s scalar) quoteHint(n ast.Node) string {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if written := n.GetToken().Value; s.about["type"] == "string" && s.set(written) == nil {
			return fmt.Sprintf(": write %q, in quotes", written)
		}
	}
	return ""
}

func stringText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

func numberText(n ast.Node) (string, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func boolText(n ast.Node) (string, bool) {
	_, ok := n.(*ast.BoolNode)
	return n.GetToken().Value, ok
}

// durationText also takes 0, which needs no unit.
func durationText(n ast.Node) (string, bool) {
	if n.Type() == ast.IntegerType && n.GetToken().Value == "0" {
		return "0", true
	}
	return stringText(n)
}

// text is a string that a check accepts; want says what it is.
func text(to *string, want string, check func(string) error) shape {
	return scalar{want: want, text: stringText, about: map[string]any{"type": "string"}, set: func(value string) error {
		if err := check(value); err != nil {
			return err
		}
		*to = value
		return nil
	}}
}

// texts is a list of strings, each of which the check accepts, no two of them equal.
func texts(to *[]string, want string, check func(string) error) shape {
	return atLeast(0, to, want, check)
}

// atLeast is texts, of which there must be some.
func atLeast(least int, to *[]string, want string, check func(string) error) shape {
	return list[string]{
		least: least,
		fresh: func() string { return "" },
		shape: func(s *string) shape { return text(s, want, check) },
		keep:  func(s string) { *to = append(*to, s) },
		id:    func(s string) string { return s },
	}
}

// duration is between two bounds, both included.
func duration(to *time.Duration, least, most time.Duration) shape {
	return scalar{
		want: "a duration such as 90d or 1h30m", text: durationText,
		about: map[string]any{"type": "string", "pattern": `^(\d+d)?(\d+(\.\d+)?(h|m|s|ms))*$`},
		set: func(value string) error {
			d, err := span.Parse(value)
			if err != nil {
				return err
			}
			if d < least || d > most {
				return fmt.Errorf("%s is out of range: write %s to %s", value,
					span.Format(least), span.Format(most))
			}
			*to = d
			return nil
		},
	}
}

// integer is between two bounds, both included.
func integer(to *int, least, most int) shape {
	return integerFor(func(n int) { *to = n }, least, most)
}

// integerFor is an integer that keep is told of when the file says it.
func integerFor(keep func(int), least, most int) shape {
	want := fmt.Sprintf("a whole number from %d to %d", least, most)
	return scalar{
		want: want, text: numberText,
		about: map[string]any{"type": "integer", "minimum": least, "maximum": most},
		set: func(value string) error {
			n, err := strconv.Atoi(value)
			if err != nil || n < least || n > most {
				return fmt.Errorf("%s is not %s", shorten(value), want)
			}
			keep(n)
			return nil
		},
	}
}

// share is above 0, at most 1.
func share(to *float64) shape {
	const want = "a number above 0, at most 1, such as 0.25"
	return scalar{
		want: want, text: numberText,
		about: map[string]any{"type": "number", "exclusiveMinimum": 0, "maximum": 1},
		set: func(value string) error {
			f, err := strconv.ParseFloat(value, 64)
			if err != nil || !(f > 0 && f <= 1) {
				return fmt.Errorf("%s is not %s", shorten(value), want)
			}
			*to = f
			return nil
		},
	}
}

// boolean is true or false.
func boolean(to *bool) shape {
	return scalar{
		want: "true or false", text: boolText, about: map[string]any{"type": "boolean"},
		set: func(value string) error {
			b, err := strconv.ParseBool(value)
			if err != nil {
				return fmt.Errorf("%s is not true or false", value)
			}
			*to = b
			return nil
		},
	}
}

// word is one of a few words; later are words the design names and this version does not have.
func word[T ~string](to *T, words, later []T) shape {
	want := enumerate(words)
	return scalar{
		want: want, text: stringText, about: map[string]any{"type": "string", "enum": words},
		set: func(value string) error {
			switch {
			case slices.Contains(words, T(value)):
				*to = T(value)
				return nil
			case slices.Contains(later, T(value)):
				return fmt.Errorf("%s is not yet available in this version: write %s", value, want)
			}
			return fmt.Errorf("%q is not %s%s", shorten(value), want, suggest.DidYouMean(value, words))
		},
	}
}
