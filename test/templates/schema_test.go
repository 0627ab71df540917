package templates

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/awslabs/goformation/v7/schema"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// specification is CloudFormation's resource specification, as a JSON schema of templates.
var specification = sync.OnceValues(func() (*jsonschema.Compiler, error) {
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(schema.CloudformationSchema))
	if err != nil {
		return nil, err
	}
	doc := object(parsed)
	delete(doc, "$id") // it is that of JSON schema itself
	delete(object(object(doc["properties"])["Resources"]), "patternProperties")
	delete(object(object(doc["properties"])["Resources"]), "additionalProperties")
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4)
	return c, c.AddResource("file:///cloudformation", doc)
})

// conforms holds a value against one part of the specification. Resources are held each against its own type's part:
// asking which of 1,500 types it could be is slow, and no answer that anybody could read.
func conforms(part string, value any) error {
	c, err := specification()
	if err != nil {
		return err
	}
	spec, err := c.Compile("file:///cloudformation#" + part)
	if err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		return err
	}
	return spec.Validate(doc)
}

func resourceConforms(r any) error {
	return conforms(fmt.Sprintf("/definitions/%s", object(r)["Type"]), r)
}

// validate holds a stack, its functions resolved, against the specification.
func (s *stack) validate(t *testing.T) {
	t.Helper()
	for name, r := range s.resources {
		if err := resourceConforms(r); err != nil {
			t.Errorf("%s is not as CloudFormation specifies: %v", name, err)
		}
	}
	around := maps.Clone(s.template)
	around["Resources"] = map[string]any{}
	if err := conforms("", around); err != nil {
		t.Errorf("not as CloudFormation specifies: %v", err)
	}
}
