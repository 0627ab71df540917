package config

import (
	"bytes"
	_ "embed" // the example
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Example is a commented rotd.yaml to begin with: every key, most at its default. It is a valid configuration.
//
//go:embed example.yaml
var Example string

// Schema is rotd.yaml's JSON Schema, for editors. It is made from the same table as the reader; what it cannot say
// (what holds between keys) Parse checks.
func Schema() ([]byte, error) {
	schema := layout(Default(), Known{}).schema()
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	schema["title"] = "rotd.yaml"
	text, err := json.Marshal(schema, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return nil, fmt.Errorf("write the configuration's schema: %w", err)
	}
	return append(bytes.TrimSpace(text), '\n'), nil
}
