package templates

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
)

// kinds are Terraform's names of what CloudFormation makes. A rule's targets and what SQS and SNS take for a policy are
// resources of their own there.
var kinds = map[string]string{
	"aws_kms_key": "AWS::KMS::Key", "aws_sqs_queue": "AWS::SQS::Queue", "aws_sqs_queue_policy": "AWS::SQS::QueuePolicy",
	"aws_sns_topic": "AWS::SNS::Topic", "aws_sns_topic_subscription": "AWS::SNS::Subscription",
	"aws_sns_topic_policy": "AWS::SNS::TopicPolicy", "aws_cloudwatch_event_rule": "AWS::Events::Rule",
	"aws_cloudwatch_event_bus": "AWS::Events::EventBus", "aws_cloudwatch_event_bus_policy": "AWS::Events::EventBusPolicy",
	"aws_iam_role": "AWS::IAM::Role", "aws_iam_role_policy": "AWS::IAM::RolePolicy",
	"aws_iam_instance_profile": "AWS::IAM::InstanceProfile", "aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm",
}

// modules are the folders of Terraform modules, by the template that makes the same.
var modules = map[string]string{"rotd.yaml": "../../deploy/terraform/", "member.yaml": "../../deploy/terraform/member/"}

// module is a Terraform module, its blocks by what they are.
type module struct {
	defaults  map[string]hcl.Expression // of variables; nil for those that must be given
	locals    map[string]hcl.Expression
	resources []*hclsyntax.Block
}

func loadModule(t *testing.T, folder string) *module {
	t.Helper()
	m := &module{defaults: make(map[string]hcl.Expression), locals: make(map[string]hcl.Expression)}
	files, err := filepath.Glob(folder + "*.tf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no module: %v", err)
	}
	parser := hclparse.NewParser()
	for _, path := range files {
		file, problems := parser.ParseHCLFile(path)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		for _, block := range file.Body.(*hclsyntax.Body).Blocks {
			switch block.Type {
			case "variable":
				m.defaults[block.Labels[0]] = nil
				if d, optional := block.Body.Attributes["default"]; optional {
					m.defaults[block.Labels[0]] = d.Expr
				}
			case "locals":
				for name, a := range block.Body.Attributes {
					m.locals[name] = a.Expr
				}
			case "resource":
				m.resources = append(m.resources, block)
			}
		}
	}
	return m
}

// snake and camel are a name as Terraform and as CloudFormation have it.
func snake(name string) string {
	return strings.ToLower(regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "${1}_$2"))
}

func camel(name string) string {
	return regexp.MustCompile(`(?:^|_)[a-z]`).ReplaceAllStringFunc(name, func(s string) string {
		return strings.ToUpper(strings.TrimPrefix(s, "_"))
	})
}

// apply evaluates the module with a stack's parameters, in the stack's place: what depends on what exists gives the
// attributes that the stack's resources have. It answers with the blocks of what exists, and how to evaluate them.
func (m *module) apply(t *testing.T, s *stack) (map[string]*hclsyntax.Block, *hcl.EvalContext) {
	t.Helper()
	place := cty.ObjectVal(map[string]cty.Value{
		"partition": cty.StringVal(partition), "dns_suffix": cty.StringVal("amazonaws.com"),
		"name": cty.StringVal(region), "account_id": cty.StringVal(account),
	})
	current := cty.ObjectVal(map[string]cty.Value{"current": place})
	c := &hcl.EvalContext{
		Functions: map[string]function.Function{
			"jsonencode": stdlib.JSONEncodeFunc, "concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc,
		},
		Variables: map[string]cty.Value{"data": cty.ObjectVal(map[string]cty.Value{
			"aws_partition": current, "aws_region": current, "aws_caller_identity": current,
		})},
	}
	variables := make(map[string]cty.Value)
	for name, expr := range m.defaults {
		if expr != nil {
			variables[name] = value(t, expr, c)
		}
	}
	for name, given := range s.parameters {
		if text, ok := given.(string); ok {
			if _, known := m.defaults[snake(name)]; !known && !strings.HasPrefix(name, "AWS::") {
				t.Fatalf("Terraform's module has no variable %s", snake(name))
			}
			variables[snake(name)] = cty.StringVal(text)
		}
	}
	c.Variables["var"] = cty.ObjectVal(variables)
	m.settle(t, c)

	exist := make(map[string]*hclsyntax.Block)
	byType := make(map[string]map[string]cty.Value)
	for _, block := range m.resources {
		kind, name := block.Labels[0], block.Labels[1]
		self := attributes(kind, camel(name))
		if count, counted := block.Body.Attributes["count"]; counted {
			if value(t, count.Expr, c).RawEquals(cty.NumberIntVal(0)) {
				self = cty.EmptyTupleVal
			} else {
				self = cty.TupleVal([]cty.Value{self})
			}
		}
		if !self.Type().Equals(cty.EmptyTuple) {
			exist[kind+"."+name] = block
		}
		if byType[kind] == nil {
			byType[kind] = make(map[string]cty.Value)
		}
		byType[kind][name] = self
	}
	for kind, named := range byType {
		c.Variables[kind] = cty.ObjectVal(named)
	}
	return exist, c
}

// attributes are those of a resource that others name.
func attributes(kind, name string) cty.Value {
	place := strings.NewReplacer("REGION", region, "ACCOUNT", account)
	return cty.ObjectVal(map[string]cty.Value{
		"arn":  cty.StringVal("arn:" + partition + ":" + place.Replace(services[kinds[kind]]) + name),
		"name": cty.StringVal(name),
		"url":  cty.StringVal("https://sqs/" + name),
	})
}

// settle evaluates locals in the order in which they need each other.
func (m *module) settle(t *testing.T, c *hcl.EvalContext) {
	t.Helper()
	known, open := make(map[string]cty.Value), maps.Clone(m.locals)
	for len(open) > 0 {
		before := len(open)
		c.Variables["local"] = cty.ObjectVal(known)
		for name, expr := range open {
			if v, problems := expr.Value(c); !problems.HasErrors() {
				known[name] = v
				delete(open, name)
			}
		}
		if len(open) == before {
			t.Fatalf("locals that cannot be evaluated: %v", open)
		}
	}
	c.Variables["local"] = cty.ObjectVal(known)
}

func value(t *testing.T, expr hcl.Expression, c *hcl.EvalContext) cty.Value {
	t.Helper()
	v, problems := expr.Value(c)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return v
}

// document is an attribute's JSON.
func document(t *testing.T, block *hclsyntax.Block, attribute string, c *hcl.EvalContext) (doc any) {
	t.Helper()
	a, ok := block.Body.Attributes[attribute]
	if !ok {
		t.Fatalf("%v has no %s", block.Labels, attribute)
	}
	if err := json.Unmarshal([]byte(value(t, a.Expr, c).AsString()), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// generic is v as JSON has it.
func generic(t *testing.T, v any) (doc any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// bothWays does something with every choice of each template's parameters, and with what the module makes of them.
func bothWays(
	t *testing.T, do func(t *testing.T, s *stack, exist map[string]*hclsyntax.Block, c *hcl.EvalContext),
) {
	t.Helper()
	for name, folder := range modules {
		m := loadModule(t, folder)
		each(t, name, func(t *testing.T, s *stack) {
			exist, c := m.apply(t, s)
			do(t, s, exist, c)
		})
	}
}

// isPart tells whether a resource of Terraform's is a part of one of CloudFormation's: a rule's target, or a policy
// that a role has with it.
func isPart(s *stack, kind, name string) bool {
	whole := map[string]string{
		"aws_cloudwatch_event_target": "AWS::Events::Rule", "aws_iam_role_policy": "AWS::IAM::Role",
	}[kind]
	return whole != "" && object(s.resources[camel(name)])["Type"] == whole
}

func TestTerraformMakesWhatCloudFormationMakes(t *testing.T) {
	bothWays(t, func(t *testing.T, s *stack, exist map[string]*hclsyntax.Block, _ *hcl.EvalContext) {
		want, got := make(map[string]any), make(map[string]any)
		for name, r := range s.resources {
			want[name] = object(r)["Type"]
		}
		for name := range exist {
			if kind, name, _ := strings.Cut(name, "."); !isPart(s, kind, name) {
				got[camel(name)] = kinds[kind]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-CloudFormation +Terraform):\n%s", diff)
		}
	})
}

func TestTerraformsRulesHaveCloudFormationsTargets(t *testing.T) {
	bothWays(t, func(t *testing.T, s *stack, exist map[string]*hclsyntax.Block, c *hcl.EvalContext) {
		for name, block := range exist {
			if block.Labels[0] != "aws_cloudwatch_event_rule" {
				continue
			}
			target, fed := exist["aws_cloudwatch_event_target."+block.Labels[1]]
			if !fed {
				t.Errorf("a rule without a target: %s", name)
				continue
			}
			want := object(s.properties(t, camel(block.Labels[1]))["Targets"].([]any)[0])
			for attribute, property := range map[string]string{"arn": "Arn", "role_arn": "RoleArn"} {
				var got any
				if a, there := target.Body.Attributes[attribute]; there {
					got = value(t, a.Expr, c).AsString()
				}
				if got != want[property] {
					t.Errorf("%s goes to %v (%s), not %v", name, got, attribute, want[property])
				}
			}
		}
	})
}

func TestTerraformsPoliciesAndPatternsAreCloudFormations(t *testing.T) {
	same := map[string][2]string{ // what is JSON in both
		"aws_iam_role":              {"assume_role_policy", "AssumeRolePolicyDocument"},
		"aws_iam_role_policy":       {"policy", "PolicyDocument"},
		"aws_kms_key":               {"policy", "KeyPolicy"},
		"aws_cloudwatch_event_rule": {"event_pattern", "EventPattern"},
	}
	bothWays(t, func(t *testing.T, s *stack, exist map[string]*hclsyntax.Block, c *hcl.EvalContext) {
		for name, block := range exist {
			names, compared := same[block.Labels[0]]
			if !compared {
				continue
			}
			properties := s.properties(t, camel(block.Labels[1]))
			if isPart(s, block.Labels[0], block.Labels[1]) {
				properties = maps.Clone(object(properties["Policies"].([]any)[0]))
				properties["RoleName"] = camel(block.Labels[1])
			}
			if diff := cmp.Diff(generic(t, properties[names[1]]), document(t, block, names[0], c)); diff != "" {
				t.Errorf("%s (-CloudFormation +Terraform):\n%s", name, diff)
			}
			for attribute, property := range map[string]string{"role": "RoleName", "state": "State"} {
				a, there := block.Body.Attributes[attribute]
				if there && value(t, a.Expr, c).AsString() != properties[property] {
					t.Errorf("%s: its %s is not %v", name, attribute, properties[property])
				}
			}
			want, named := properties["RoleName"]
			called := block.Body.Attributes["name"]
			if block.Labels[0] == "aws_iam_role" && named && value(t, called.Expr, c).AsString() != want {
				t.Errorf("%s is not called %v", name, want)
			}
		}
	})
}
