package reencrypt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// Line is a line of a manifest.
type Line struct {
	ID string `json:"id,omitempty"` // the caller's own name for the blob
	Blob
}

// maxName bounds ids and names of keys.
const maxName = 2048

// ParseLine reads a line of a manifest. The error says what is wrong with it without repeating what stands in it.
func ParseLine(raw []byte) (*Line, error) {
	if len(raw) > MaxLine {
		return nil, fmt.Errorf("the line has more than %d bytes", MaxLine)
	}
	var l Line
	if err := json.Unmarshal(raw, &l, json.RejectUnknownMembers(true)); err != nil {
		return nil, wrong(err)
	}
	switch {
	case len(l.Ciphertext) == 0:
		return nil, errors.New(`"ciphertext" is missing or empty`)
	case len(l.Ciphertext) > MaxCiphertext:
		return nil, fmt.Errorf("the ciphertext has %d bytes, KMS takes %d", len(l.Ciphertext), MaxCiphertext)
	case len(l.ID) > maxName:
		return nil, fmt.Errorf(`"id" has more than %d bytes`, maxName)
	case len(l.Source) > maxName:
		return nil, fmt.Errorf(`"source_key" has more than %d bytes`, maxName)
	case hasEmpty(l.Context) || hasEmpty(l.Destination):
		return nil, errors.New("a context has an empty name, which KMS does not take")
	}
	return &l, nil
}

// IsBlank reports whether a line of a manifest says nothing.
func IsBlank(raw []byte) bool { return len(bytes.TrimSpace(raw)) == 0 }

func hasEmpty(context map[string]string) bool {
	_, has := context[""]
	return has
}

// wrong says what the parser did not like in words that do not vary from build to build and repeat no value.
func wrong(err error) error {
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return errors.New("it is not one JSON object")
	}
	member, _, _ := strings.Cut(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/")
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return errors.New("it has a member that is none of id, ciphertext, context, source_key, destination_context")
	case member == "ciphertext":
		return errors.New(`"ciphertext" is not in base64`)
	case member == "context" || member == "destination_context":
		return fmt.Errorf("%q is not an object of strings", member)
	case member == "id" || member == "source_key":
		return fmt.Errorf("%q is not a string", member)
	}
	return errors.New("it is not one JSON object")
}
