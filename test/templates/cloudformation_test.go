package templates

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/eventbridge"
)

const folder = "../../deploy/cloudformation/"

// choices are the values of each template's parameters that are tried, each with each.
var choices = map[string]map[string][]string{
	"rotd.yaml": {
		"Mode": {"observe", "propose", "enforce"}, "ManagementEvents": {"all", "changes"}, "RunsOn": {"ecs", "ec2"},
		"OnCallEmail": {"", "oncall@example.com"}, "NoticesEmail": {"team@example.com"},
		"OrganizationId": {"", "o-abcdefghij"}, "TrailBucket": {"", "trail"},
		"TrailKeyArn": {"", "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/trail"},
	},
	"member.yaml": {
		"HubBusArn":   {"arn:aws-us-gov:events:us-gov-west-1:444455556666:event-bus/rotd"},
		"RotdRoleArn": {"arn:aws-us-gov:iam::444455556666:role/rotd"}, "ExternalId": {"choose-one"},
		"Roles":            {"none", "observe", "act", "observe-and-emergency", "act-and-emergency"},
		"RolesRegion":      {region, "us-gov-east-1"},
		"ManagementEvents": {"all", "changes"},
	},
	"ecs.yaml": {
		"Image": {"registry/rotd"}, "Cluster": {"cluster"}, "VpcId": {"vpc-1"}, "SubnetA": {"subnet-1"},
		"SubnetB": {"subnet-2"},
	},
}

// each deploys a template with every choice of its parameters.
func each(t *testing.T, name string, do func(t *testing.T, s *stack)) {
	t.Helper()
	sets := []map[string]string{{}}
	for parameter, values := range choices[name] {
		var more []map[string]string
		for _, set := range sets {
			for _, value := range values {
				with := map[string]string{parameter: value}
				maps.Copy(with, set)
				more = append(more, with)
			}
		}
		sets = more
	}
	tmpl := load(t, folder+name)
	for _, set := range sets {
		t.Run(fmt.Sprint(set), func(t *testing.T) { do(t, deploy(t, tmpl, set)) })
	}
}

func TestTheTemplatesAreAsCloudFormationSpecifies(t *testing.T) {
	files, err := filepath.Glob(folder + "*.yaml")
	if err != nil || len(files) != len(choices) {
		t.Fatalf("templates %v, %v: all are to be tried", files, err)
	}
	for name := range choices {
		t.Run(name, func(t *testing.T) {
			each(t, name, func(t *testing.T, s *stack) { s.validate(t) })
		})
	}
}

func TestWhatIsNotAsSpecifiedIsSeen(t *testing.T) {
	for name, resource := range map[string]string{
		"a property that there is not": `{"Type": "AWS::SQS::Queue", "Properties": {"Retention": 1}}`,
		"a value of another type":      `{"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": "x"}}`,
		"a type that there is not":     `{"Type": "AWS::SQS::Row"}`,
		"a property that is missing":   `{"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": ["q"]}}`,
	} {
		var r any
		if err := json.Unmarshal([]byte(resource), &r); err != nil {
			t.Fatal(err)
		}
		if resourceConforms(r) == nil {
			t.Errorf("%s is let through", name)
		}
	}
	if conforms("", template{"Resources": map[string]any{}, "Parametres": map[string]any{}}) == nil {
		t.Error("a section that there is not is let through")
	}
}

func TestEveryParameterAndConditionIsUsed(t *testing.T) {
	for name := range choices {
		used := make(map[string]bool)
		each(t, name, func(_ *testing.T, s *stack) {
			for n := range s.used {
				used[n] = true
			}
		})
		tmpl := load(t, folder+name)
		for _, section := range []string{"Parameters", "Conditions"} {
			for n := range object(tmpl[section]) {
				if !used[n] {
					t.Errorf("%s: %s is used nowhere", name, n)
				}
			}
		}
	}
}

func TestNoPartitionIsTakenForGranted(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../../deploy", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir() && entry.Name() != "systemd":
			return err
		case entry.IsDir():
			return fs.SkipDir // examples with an account of their own
		}
		seen++
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "arn:aws:") {
			t.Errorf("%s names the partition aws", path)
		}
		return err
	})
	if err != nil || seen < 20 {
		t.Errorf("%d files looked at: %v", seen, err)
	}
}

func TestTheRulesPatternIsWhatTheRulesWant(t *testing.T) {
	text, err := eventbridge.New(detection.NewJudge(detection.Settings{}).Wanted()).JSON()
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rotd.yaml", "member.yaml"} {
		each(t, name, func(t *testing.T, s *stack) {
			if diff := cmp.Diff(want, s.properties(t, "Events")["EventPattern"]); diff != "" {
				t.Errorf("%s (-command +template):\n%s", name, diff)
			}
		})
	}
}

func TestTheUsesOfKeysComeOnlyWhereTheyAreAskedFor(t *testing.T) {
	for _, name := range []string{"rotd.yaml", "member.yaml"} {
		each(t, name, func(t *testing.T, s *stack) {
			want := "ENABLED"
			if s.parameters["ManagementEvents"] == "all" {
				want = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
			}
			for rule, r := range s.resources {
				if object(r)["Type"] == "AWS::Events::Rule" && rule != "LogFiles" && s.properties(t, rule)["State"] != want {
					t.Errorf("%s: rule %s is %v", name, rule, s.properties(t, rule)["State"])
				}
			}
		})
	}
}

func TestTheConfigurationThatAStackPutsOutIsValid(t *testing.T) {
	each(t, "rotd.yaml", func(t *testing.T, s *stack) {
		text := s.outputs["Configuration"].(string)
		if members, ok := s.outputs["MembersConfiguration"]; ok {
			text += members.(string)
		}
		path := filepath.Join(t.TempDir(), "rotd.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, warning := range c.Warnings {
			// Who may approve is for people to say.
			if s.parameters["Mode"] != "propose" || !strings.Contains(warning.String(), "admin.roles.approve: nobody") {
				t.Errorf("warning: %v", warning)
			}
		}
	})
}
