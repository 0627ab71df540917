package keypolicy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrNone is returned for a policy that is not there: an empty text, or JSON null. CreateKey without a policy is one.
var ErrNone = errors.New("no key policy given")

// ParseError says what is wrong with a policy's text, and where.
type ParseError struct {
	Path   string // such as "Statement[2].Principal.AWS"; empty for the whole
	Line   int    // from 1; 0 when not known
	Column int    // from 1, in bytes
	Reason string
}

func (e *ParseError) Error() string {
	where := e.Path
	if where == "" {
		where = "the policy"
	}
	if e.Line == 0 {
		return fmt.Sprintf("key policy: %s %s", where, e.Reason)
	}
	return fmt.Sprintf("key policy: line %d, column %d: %s %s", e.Line, e.Column, where, e.Reason)
}

// position turns a byte offset into line and column, both from 1.
func position(text []byte, offset int64) (line, column int) {
	before := text[:min(max(offset, 0), int64(len(text)))]
	return bytes.Count(before, []byte{'\n'}) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

// fail is an error at the place the parser has reached.
func (p *parser) fail(reason string) error {
	line, column := position(p.text, p.dec.InputOffset())
	return &ParseError{Path: p.where(), Line: line, Column: column, Reason: reason}
}

// syntax is the error for what the JSON decoder could not read.
func (p *parser) syntax(err error) error {
	offset := p.dec.InputOffset()
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = syntactic.ByteOffset
	}
	line, column := position(p.text, offset)
	return &ParseError{Path: p.where(), Line: line, Column: column, Reason: "is not valid JSON: " + cause(err)}
}

// cause words a JSON error without the decoder's own prefix and position.
func cause(err error) string {
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok && syntactic.Err != nil {
		err = syntactic.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too early"
	}
	return truncate(strings.TrimPrefix(err.Error(), "jsontext: "), maxName)
}

func (p *parser) where() string {
	var b strings.Builder
	for _, step := range p.path {
		if b.Len() > 0 && !strings.HasPrefix(step, "[") {
			b.WriteByte('.')
		}
		b.WriteString(printable(step))
	}
	return b.String()
}

// isValue reports whether a JSON value of this kind begins here. What does not is for the decoder to refuse.
func isValue(kind jsontext.Kind) bool {
	return kind != jsontext.KindInvalid && kind != jsontext.KindEndObject && kind != jsontext.KindEndArray
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindNull:
		return "null"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "a boolean"
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindBeginArray:
		return "a list"
	default:
		return "an object"
	}
}
