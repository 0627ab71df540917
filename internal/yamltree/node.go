package yamltree

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Entry is one key of a mapping in the file.
type Entry struct {
	Name  string
	Key   *token.Token
	Value ast.Node // nil when there is none
}

// Mapping returns the entries of a node that is a mapping.
func Mapping(n ast.Node) ([]Entry, bool) {
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		return nil, false
	}
	entries := make([]Entry, len(values))
	for i, v := range values {
		tk := v.Key.GetToken()
		entries[i] = Entry{Name: tk.Value, Key: tk, Value: v.Value}
		if marked, ok := v.Key.(*ast.MappingKeyNode); ok && marked.Value != nil { // `? key`
			entries[i].Name = marked.Value.GetToken().Value
		}
	}
	return entries, true
}

// First is the token a node begins with. (A block mapping's own token is its first colon.)
func First(n ast.Node) *token.Token {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return First(n.Values[0])
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken()
	}
	return n.GetToken()
}

// Kind names a node the way people who write YAML do.
func Kind(n ast.Node) string {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.StringNode:
		return fmt.Sprintf("the text %q", shorten(n.Value))
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.BoolNode:
		return "the truth value " + n.GetToken().Value
	default:
		return shorten(n.GetToken().Value)
	}
}

// shorten keeps a value that does not belong from filling the screen.
func shorten(s string) string {
	const most = 80
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
