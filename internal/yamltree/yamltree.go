// Package yamltree reads YAML that others wrote to syntax trees, with the position of everything. What makes bombs of
// YAML is refused: depth, sizes, and a parser that panics. Pure.
package yamltree

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxNesting bounds how deep brackets, or dashes within one line, may be nested: the YAML parser calls itself for each.
const maxNesting = 32

// Problem is why bytes cannot be read.
type Problem struct {
	At      *token.Token // nil when it concerns the file as a whole
	Message string
}

// Parse returns the documents of a file of at most so many bytes, without those that are empty. Keys may stand twice in
// a mapping. With a problem there are no documents.
func Parse(data []byte, most int) (docs []ast.Node, wrong *Problem) {
	if message := unreadable(data, most); message != "" {
		return nil, &Problem{Message: message}
	}
	// The parser is not ours, and a file of an operator must not end a daemon that reloads it.
	defer func() {
		if p := recover(); p != nil {
			docs, wrong = nil, &Problem{Message: fmt.Sprintf("not YAML that can be read: the parser failed with %v", p)}
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if tk := tooDeep(tokens); tk != nil {
		return nil, &Problem{At: tk, Message: fmt.Sprintf("nested more than %d deep", maxNesting)}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntax(err)
	}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case doc.Body.Type() == ast.DirectiveType:
			return nil, &Problem{
				At: doc.Body.GetToken(), Message: "YAML directives are not supported: remove the line",
			}
		default:
			docs = append(docs, doc.Body)
		}
	}
	return docs, nil
}

// unreadable says what keeps the bytes from being YAML at all.
func unreadable(data []byte, most int) string {
	switch {
	case len(data) > most:
		return fmt.Sprintf("larger than %d bytes", most)
	case !utf8.Valid(data):
		return "not UTF-8 text"
	case bytes.IndexByte(data, 0) >= 0:
		return "not text: it has NUL bytes"
	}
	return ""
}

// tooDeep returns the token where nesting goes too far.
func tooDeep(tokens token.Tokens) *token.Token {
	brackets, dashes, line := 0, 0, 0
	for _, tk := range tokens {
		if tk.Position.Line != line {
			line, dashes = tk.Position.Line, 0
		}
		switch tk.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			dashes++
		default:
		}
		if brackets > maxNesting || dashes > maxNesting {
			return tk
		}
	}
	return nil
}

func syntax(err error) *Problem {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		return &Problem{
			At: syntax.GetToken(), Message: "not YAML: " + strings.ReplaceAll(syntax.GetMessage(), "\t", `\t`),
		}
	}
	return &Problem{Message: "not YAML: " + err.Error()}
}
