package config

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"rotd/internal/yamltree"
)

// document parses the text to its one mapping; nil when a problem was reported instead. An empty file is an empty
// mapping: what it must say is missing.
func (r *reader) document(data []byte) ast.Node {
	docs, wrong := yamltree.Parse(data, MaxSize)
	switch {
	case wrong != nil && wrong.At == nil:
		r.whole(wrong.Message)
		return nil
	case wrong != nil:
		r.fail(wrong.At, "", "%s", wrong.Message)
		return nil
	case len(docs) == 0:
		start := token.New("", "", &token.Position{Line: 1, Column: 1})
		return ast.Mapping(start, true)
	case len(docs) > 1:
		r.fail(yamltree.First(docs[1]), "", "a second document: the file is one, remove the --- line")
		return nil
	}
	return docs[0]
}
