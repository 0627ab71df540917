package config

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

// document parses the text to its one mapping; nil when a problem was reported instead.
func (r *reader) document(data []byte) (body ast.Node) {
	if message := unreadable(data); message != "" {
		r.whole(message)
		return nil
	}
	// The parser is not ours, and a file of an operator must not end a daemon that reloads it.
	defer func() {
		if p := recover(); p != nil {
			r.whole(fmt.Sprintf("not YAML that can be read: the parser failed with %v", p))
			body = nil
		}
	}()
	tokens := lexer.Tokenize(string(data))
	if tk := tooDeep(tokens); tk != nil {
		r.fail(tk, "", "nested more than %d deep", maxNesting)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return nil
	}
	return r.single(file)
}

// unreadable says what keeps the bytes from being a configuration at all.
func unreadable(data []byte) string {
	switch {
	case len(data) > MaxSize:
		return fmt.Sprintf("larger than %d bytes", MaxSize)
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

func (r *reader) syntax(err error) {
	var syntax yaml.Error
	if errors.As(err, &syntax) && syntax.GetToken() != nil {
		r.fail(syntax.GetToken(), "", "not YAML: %s", strings.ReplaceAll(syntax.GetMessage(), "\t", `\t`))
		return
	}
	r.whole("not YAML: " + err.Error())
}

// single returns the body of the file's only document. An empty file is an empty mapping: what it must say is missing.
func (r *reader) single(file *ast.File) ast.Node {
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case doc.Body.Type() == ast.DirectiveType:
			r.fail(doc.Body.GetToken(), "", "YAML directives are not supported: remove the line")
			return nil
		case body != nil:
			r.fail(first(doc.Body), "", "a second document: the file is one, remove the --- line")
			return nil
		default:
			body = doc.Body
		}
	}
	if body == nil {
		start := token.New("", "", &token.Position{Line: 1, Column: 1})
		return ast.Mapping(start, true)
	}
	return body
}

// first is the token a node begins with. (A block mapping's own token is its first colon.)
func first(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return first(n.Values[0])
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}
