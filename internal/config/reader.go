package config

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// reader walks the syntax tree along the shapes of layout and collects everything that is wrong.
type reader struct {
	file     string
	problems []Problem
	warnings []Problem
	places   map[string]*token.Token // where the value of each path begins
}

// shape is what may stand at one place of the file: it reads a value into the Config and describes itself.
type shape interface {
	// read takes the value at path; what is wrong with it goes to r.
	read(r *reader, path string, n ast.Node)
	// schema is its JSON Schema.
	schema() map[string]any
}

func (r *reader) fail(at *token.Token, path, format string, args ...any) {
	r.problems = append(r.problems, r.problem(at, path, fmt.Sprintf(format, args...)))
}

// warn takes a path alone: what is not in the file is said of the file as a whole.
func (r *reader) warn(path, format string, args ...any) {
	r.warnAt(r.places[path], path, format, args...)
}

// warnAt tells of something at a place of the file.
func (r *reader) warnAt(at *token.Token, path, format string, args ...any) {
	r.warnings = append(r.warnings, r.problem(at, path, fmt.Sprintf(format, args...)))
}

// whole reports a problem of the file as such.
func (r *reader) whole(message string) {
	r.problems = append(r.problems, Problem{File: r.file, Message: message})
}

func (r *reader) problem(at *token.Token, path, message string) Problem {
	p := Problem{File: r.file, Path: path, Message: message}
	if at != nil && at.Position != nil {
		p.Line, p.Column = at.Position.Line, at.Position.Column
	}
	return p
}

// lines are the lines of what was read, by path.
func (r *reader) lines() map[string]int {
	lines := make(map[string]int, len(r.places))
	for path, tk := range r.places {
		lines[path] = tk.Position.Line
	}
	return lines
}

func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return &Errors{Problems: sortProblems(r.problems)}
}

// plain reports whether a value is free of what a configuration does not need and what makes YAML bombs: anchors,
// aliases, merges and tags; and whether it is there at all.
func (r *reader) plain(path string, n ast.Node) bool {
	switch n := n.(type) {
	case nil:
		return false
	case *ast.NullNode:
		r.fail(n.GetToken(), path, "has no value: give it one or remove the line")
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		r.fail(n.GetToken(), path, "YAML anchors, aliases and merges are not supported: write the value out")
	case *ast.TagNode:
		r.fail(n.GetToken(), path, "YAML tags such as %s are not supported: write the value alone", n.GetToken().Value)
	default:
		return true
	}
	return false
}

// shorten keeps a value that does not belong from filling the screen.
func shorten(s string) string {
	const most = 80
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
