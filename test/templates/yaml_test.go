package templates

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// template is a CloudFormation template, its short functions (!Sub) in their long form ({"Fn::Sub": …}).
type template map[string]any

func load(t *testing.T, path string) template {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	value, err := long(doc.Content[0])
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return value.(map[string]any)
}

func long(n *yaml.Node) (any, error) {
	value, err := plain(n)
	if err != nil || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return value, err
	}
	name := "Fn::" + n.Tag[1:]
	switch n.Tag {
	case "!Ref", "!Condition":
		name = n.Tag[1:]
	case "!GetAtt":
		resource, attribute, _ := strings.Cut(n.Value, ".")
		value = []any{resource, attribute}
	}
	return map[string]any{name: value}, nil
}

// plain is a node's value without its tag. Names given twice, of which YAML would take one, are errors.
func plain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		object := make(map[string]any)
		for i := 0; i < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", n.Content[i].Line, name)
			}
			value, err := long(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			object[name] = value
		}
		return object, nil
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			value, err := long(item)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	case yaml.ScalarNode:
		if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
			return n.Value, nil
		}
		var value any
		err := n.Decode(&value)
		return value, err
	}
	return nil, fmt.Errorf("line %d: CloudFormation knows no aliases", n.Line)
}
