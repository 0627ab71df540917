package keypolicy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds on what is read. KMS itself allows 32 KiB.
const (
	// MaxBytes is the longest policy text that is parsed.
	MaxBytes = 256 << 10
	maxDepth = 32
	// maxUnknown and maxName bound what is kept of elements the policy language does not have.
	maxUnknown = 64
	maxName    = 128
)

// Parse reads a policy's text, a JSON object. It returns ErrNone for an empty text and *ParseError for anything that is
// not a key policy: broken JSON, a name given twice, an element of the wrong type, a statement without an effect, a
// principal or an action. Elements it does not know are tolerated and listed in Policy.Unknown.
func Parse(text []byte) (*Policy, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, ErrNone
	}
	if len(text) > MaxBytes {
		reason := fmt.Sprintf("is %d bytes long, more than the %d that are read", len(text), MaxBytes)
		return nil, &ParseError{Reason: reason}
	}
	p := &parser{dec: jsontext.NewDecoder(bytes.NewReader(text)), text: text}
	policy, err := p.policy()
	if err != nil {
		return nil, err
	}
	return policy, nil
}

// ParseValue reads a policy from a JSON value as API calls and their records hold it: a string with the policy's text
// inside, or the policy as an object. JSON null and an empty string are ErrNone.
func ParseValue(raw []byte) (*Policy, error) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, ErrNone
	case raw[0] != '"':
		return Parse(raw)
	case len(raw) > 6*MaxBytes+2: // every byte escaped as \u00xx
		return nil, &ParseError{Reason: fmt.Sprintf("is a string of %d bytes, more than are read", len(raw))}
	}
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return nil, &ParseError{Reason: "is not a valid JSON string: " + cause(err)}
	}
	return Parse(text)
}

// parser walks the tokens of one policy. Path names what is being read, for errors.
type parser struct {
	dec     *jsontext.Decoder
	text    []byte
	path    []string
	unknown []string
}

func (p *parser) policy() (*Policy, error) {
	policy := &Policy{}
	hasStatement := false
	err := p.object(func(name string) error {
		var err error
		switch name {
		case "version":
			policy.Version, err = p.str()
		case "id":
			policy.ID, err = p.str()
		case "statement":
			hasStatement = true
			policy.Statements, err = p.statements()
		default:
			err = p.skip()
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case !hasStatement:
		return nil, p.fail("has no Statement")
	}
	policy.Unknown = p.unknown
	if _, err := p.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, p.fail("is followed by something else")
	}
	return policy, nil
}

// object reads an object and calls field, with the value still to be read, for each of its names. Names of elements are
// taken whatever their case, lower-cased: an element that IAM might honour must not go unseen for its spelling.
func (p *parser) object(field func(lower string) error) error {
	if err := p.open(jsontext.KindBeginObject, "an object"); err != nil {
		return err
	}
	var seen []string
	for p.dec.PeekKind() != jsontext.KindEndObject {
		token, err := p.dec.ReadToken()
		if err != nil {
			return p.syntax(err)
		}
		name := token.String()
		p.path = append(p.path, name)
		lower := strings.ToLower(name)
		if isElement(lower) {
			if slices.Contains(seen, lower) {
				return p.fail("is given twice, in different spellings")
			}
			seen = append(seen, lower)
		}
		if err := field(lower); err != nil {
			return err
		}
		p.path = p.path[:len(p.path)-1]
	}
	return p.bracket()
}

// isElement reports whether a lower-cased name is an element of the policy language; only of those a second spelling is
// an error, and only those are kept in mind, so that a hostile object with many names costs no more than its size.
func isElement(lower string) bool {
	switch lower {
	case "version", "id", "statement", "sid", "effect", "principal", "notprincipal", "action", "notaction",
		"resource", "notresource", "condition":
		return true
	default:
		return false
	}
}

// list reads one value or an array of them.
func (p *parser) list(item func() error) error {
	if p.dec.PeekKind() != jsontext.KindBeginArray {
		return item()
	}
	if err := p.open(jsontext.KindBeginArray, "a list"); err != nil {
		return err
	}
	for i := 0; p.dec.PeekKind() != jsontext.KindEndArray; i++ {
		p.path = append(p.path, "["+strconv.Itoa(i)+"]")
		if err := item(); err != nil {
			return err
		}
		p.path = p.path[:len(p.path)-1]
	}
	return p.bracket()
}

// strs reads a string or a list of strings.
func (p *parser) strs() ([]string, error) {
	var values []string
	err := p.list(func() error {
		v, err := p.str()
		values = append(values, v)
		return err
	})
	return values, err
}

func (p *parser) str() (string, error) {
	if kind := p.dec.PeekKind(); kind != jsontext.KindString && isValue(kind) {
		return "", p.fail("must be a string, not " + kindName(kind))
	}
	token, err := p.dec.ReadToken()
	if err != nil {
		return "", p.syntax(err)
	}
	return token.String(), nil
}

// scalar reads a condition's value. Numbers keep their spelling: account ids have leading zeros to lose.
func (p *parser) scalar() (string, error) {
	switch kind := p.dec.PeekKind(); kind {
	case jsontext.KindNull, jsontext.KindBeginObject, jsontext.KindBeginArray:
		return "", p.fail("must be a string, number or boolean, not " + kindName(kind))
	default:
		token, err := p.dec.ReadToken()
		if err != nil {
			return "", p.syntax(err)
		}
		return token.String(), nil
	}
}

// skip passes over a value the policy language does not have and records where it was.
func (p *parser) skip() error {
	if len(p.unknown) < maxUnknown {
		p.unknown = append(p.unknown, truncate(p.where(), maxName))
	}
	for depth := p.dec.StackDepth(); ; {
		if _, err := p.dec.ReadToken(); err != nil {
			return p.syntax(err)
		}
		switch at := p.dec.StackDepth(); {
		case at > maxDepth:
			return p.fail("is nested too deeply")
		case at == depth:
			return nil
		}
	}
}

func (p *parser) open(kind jsontext.Kind, what string) error {
	if k := p.dec.PeekKind(); k != kind && isValue(k) {
		return p.fail("must be " + what + ", not " + kindName(k))
	}
	return p.bracket()
}

// bracket reads one bracket, whose kind the caller has seen.
func (p *parser) bracket() error {
	if _, err := p.dec.ReadToken(); err != nil {
		return p.syntax(err)
	}
	return nil
}
