package admin

import (
	"github.com/go-json-experiment/json"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// wire is how the plain types are written everywhere: zero numbers and false are left out where their tags say
// omitempty, and what has no order is sorted.
func wire() json.Options {
	return json.JoinOptions(jsonv1.OmitEmptyWithLegacySemantics(true), json.Deterministic(true))
}

// Marshal writes a value as the API does.
func Marshal(value any) ([]byte, error) { return json.Marshal(value, wire()) }
