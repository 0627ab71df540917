package templates

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// stack is a template with its parameters given: what CloudFormation would make of it.
type stack struct {
	template   template
	parameters map[string]any
	resources  map[string]any // those whose condition holds, every function in them resolved
	outputs    map[string]any // values by name
	used       map[string]bool
}

// Where the stacks of these tests are: in a partition other than the usual one, so that none is taken for granted.
const (
	account   = "111122223333"
	region    = "us-gov-west-1"
	partition = "aws-us-gov"
)

// nothing is what AWS::NoValue stands for.
type nothing struct{}

// deploy resolves a template.
func deploy(t *testing.T, tmpl template, given map[string]string) *stack {
	t.Helper()
	s := &stack{
		template: tmpl, resources: make(map[string]any), outputs: make(map[string]any), used: make(map[string]bool),
		parameters: map[string]any{
			"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": partition,
			"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "rotd", "AWS::NoValue": nothing{},
		},
	}
	for name, p := range object(tmpl["Parameters"]) {
		value, ok := object(p)["Default"]
		if g, is := given[name]; is {
			value, ok = g, true
		}
		if !ok {
			t.Fatalf("parameter %s has no value", name)
		}
		checkParameter(t, name, object(p), value.(string))
		s.parameters[name] = value
	}
	for name, r := range object(tmpl["Resources"]) {
		if s.exists(t, r) {
			s.resources[name] = r
		}
	}
	present := maps.Clone(s.resources)
	for name, r := range present {
		value, err := s.resolve(r)
		if err != nil {
			t.Fatalf("resource %s: %v", name, err)
		}
		s.resources[name] = value
	}
	for name, o := range object(tmpl["Outputs"]) {
		if !s.exists(t, o) {
			continue
		}
		value, err := s.resolve(o)
		if err != nil {
			t.Fatalf("output %s: %v", name, err)
		}
		s.outputs[name] = object(value)["Value"]
	}
	return s
}

func checkParameter(t *testing.T, name string, p map[string]any, value string) {
	t.Helper()
	allowed, limited := p["AllowedValues"].([]any)
	if limited && !slices.Contains(allowed, any(value)) {
		t.Fatalf("parameter %s: %q is none of %v", name, value, allowed)
	}
	pattern, limited := p["AllowedPattern"].(string)
	if limited && !regexp.MustCompile("^(?:"+pattern+")$").MatchString(value) {
		t.Fatalf("parameter %s: %q does not match %s", name, value, pattern)
	}
}

// exists tells whether the condition of a resource or output holds.
func (s *stack) exists(t *testing.T, v any) bool {
	t.Helper()
	name, conditional := object(v)["Condition"].(string)
	if !conditional {
		return true
	}
	holds, err := s.condition(name)
	if err != nil {
		t.Fatal(err)
	}
	return holds
}

func (s *stack) condition(name string) (bool, error) {
	expression, ok := object(s.template["Conditions"])[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	s.used[name] = true
	value, err := s.resolve(expression)
	holds, _ := value.(bool)
	return holds, err
}

// resolve is a value with its functions carried out.
func (s *stack) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		var list []any
		for _, item := range v {
			value, err := s.resolve(item)
			if err != nil {
				return nil, err
			}
			if value != (nothing{}) {
				list = append(list, value)
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := called(v); ok {
			return s.call(name, argument)
		}
		resolved := make(map[string]any)
		for name, item := range v {
			value, err := s.resolve(item)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if value != any(nothing{}) {
				resolved[name] = value
			}
		}
		return resolved, nil
	}
	return v, nil
}

// called tells whether an object is a call. A resource's Condition is none: it stands beside other names.
func called(v map[string]any) (name string, argument any, ok bool) {
	if len(v) != 1 {
		return "", nil, false
	}
	for name, argument = range v {
	}
	text, _ := argument.(string)
	return name, argument, strings.HasPrefix(name, "Fn::") || name == "Ref" || name == "Condition" && text != ""
}

func (s *stack) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return s.ref(argument.(string))
	case "Condition":
		return s.condition(argument.(string))
	case "Fn::GetAtt":
		at := argument.([]any)
		return s.attribute(at[0].(string), at[1].(string))
	case "Fn::If":
		return s.either(argument.([]any))
	case "Fn::Sub":
		return s.sub(argument.(string))
	}
	resolved, err := s.resolve(argument)
	if err != nil {
		return nil, err
	}
	if name == "Fn::ImportValue" {
		return "imported:" + resolved.(string), nil
	}
	list := resolved.([]any)
	switch name {
	case "Fn::Equals":
		return list[0] == list[1], nil
	case "Fn::Not":
		return list[0] != any(true), nil
	case "Fn::And":
		return !slices.Contains(list, any(false)), nil
	case "Fn::Or":
		return slices.Contains(list, any(true)), nil
	}
	return nil, fmt.Errorf("CloudFormation's function %s is not known to this test", name)
}

// either resolves the branch that counts; the other may name what is not there.
func (s *stack) either(arguments []any) (any, error) {
	holds, err := s.condition(arguments[0].(string))
	if err != nil {
		return nil, err
	}
	if holds {
		return s.resolve(arguments[1])
	}
	return s.resolve(arguments[2])
}

func (s *stack) sub(text string) (any, error) {
	var failed error
	return regexp.MustCompile(`\$\{([^}]+)\}`).ReplaceAllStringFunc(text, func(match string) string {
		name := strings.Trim(match, "${}")
		resource, attribute, dotted := strings.Cut(name, ".")
		value, err := s.ref(name)
		if dotted {
			value, err = s.attribute(resource, attribute)
		}
		if err != nil {
			failed = err
			return match
		}
		return fmt.Sprint(value)
	}), failed
}

// ref is what a name stands for: a parameter, or what CloudFormation gives for a resource of its type.
func (s *stack) ref(name string) (any, error) {
	if value, ok := s.parameters[name]; ok {
		s.used[name] = true
		return value, nil
	}
	r, ok := s.resources[name]
	if !ok {
		return nil, fmt.Errorf("%s is neither a parameter nor a resource that exists", name)
	}
	switch object(r)["Type"] {
	case "AWS::SNS::Topic":
		return s.attribute(name, "Arn")
	case "AWS::SQS::Queue":
		return "https://sqs." + region + ".amazonaws.com/" + account + "/" + name, nil
	}
	return name, nil
}

// services are those whose ARNs the templates ask for; the resource's part follows.
var services = map[string]string{
	"AWS::KMS::Key": "kms:REGION:ACCOUNT:key/", "AWS::SQS::Queue": "sqs:REGION:ACCOUNT:",
	"AWS::SNS::Topic": "sns:REGION:ACCOUNT:", "AWS::IAM::Role": "iam::ACCOUNT:role/",
	"AWS::Events::Rule": "events:REGION:ACCOUNT:rule/", "AWS::Events::EventBus": "events:REGION:ACCOUNT:event-bus/",
	"AWS::EFS::FileSystem":  "elasticfilesystem:REGION:ACCOUNT:file-system/",
	"AWS::EFS::AccessPoint": "elasticfilesystem:REGION:ACCOUNT:access-point/",
}

// names are the attributes that are a resource's name.
var names = map[string]string{"AWS::SQS::Queue": "QueueName", "AWS::ECS::Service": "Name"}

func (s *stack) attribute(name, attribute string) (any, error) {
	r, ok := s.resources[name]
	if !ok {
		return nil, fmt.Errorf("%s.%s: there is no such resource", name, attribute)
	}
	kind := object(r)["Type"].(string)
	service, ok := services[kind]
	switch {
	case attribute == names[kind]:
		return name, nil
	case attribute != "Arn" || !ok:
		return nil, fmt.Errorf("%s.%s: no known attribute of %s", name, attribute, kind)
	}
	place := strings.NewReplacer("REGION", region, "ACCOUNT", account)
	return "arn:" + partition + ":" + place.Replace(service) + name, nil
}

// object is v as one; empty when it is none.
func object(v any) map[string]any {
	o, _ := v.(map[string]any)
	return o
}

// properties are a resource's.
func (s *stack) properties(t *testing.T, name string) map[string]any {
	t.Helper()
	r, ok := s.resources[name]
	if !ok {
		t.Fatalf("there is no resource %s", name)
	}
	return object(object(r)["Properties"])
}
