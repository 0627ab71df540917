package templates

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// kept are the resources that CloudFormation leaves when a stack is deleted, by template.
func kept(t *testing.T) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for name := range choices {
		for resource, r := range object(load(t, folder+name)["Resources"]) {
			deleted, replaced := object(r)["DeletionPolicy"], object(r)["UpdateReplacePolicy"]
			if deleted != replaced {
				t.Errorf("%s: %s is left when it is deleted, or when it is replaced, but not both", name, resource)
			}
			if deleted == "Retain" {
				all[name] = append(all[name], resource)
			}
		}
		slices.Sort(all[name])
	}
	return all
}

func TestThePageSaysWhatStacksLeave(t *testing.T) {
	text, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string][]string)
	rows := regexp.MustCompile("(?m)^\\| `([a-z]+\\.yaml)` \\| ([^|]+) \\|")
	quoted := regexp.MustCompile("`(\\w+)`")
	for _, row := range rows.FindAllStringSubmatch(string(text), -1) {
		for _, name := range quoted.FindAllStringSubmatch(row[2], -1) {
			told[row[1]] = append(told[row[1]], name[1])
		}
		slices.Sort(told[row[1]])
	}
	if diff := cmp.Diff(kept(t), told); diff != "" {
		t.Errorf("(-left +told):\n%s", diff)
	}
}

func TestTerraformKeepsWhatStacksKeep(t *testing.T) {
	for name, folder := range modules {
		var prevented []string
		for _, block := range loadModule(t, folder).resources {
			for _, inner := range block.Body.Blocks {
				if _, prevents := inner.Body.Attributes["prevent_destroy"]; inner.Type == "lifecycle" && prevents {
					prevented = append(prevented, camel(block.Labels[1]))
				}
			}
		}
		if diff := cmp.Diff(kept(t)[name], prevented); diff != "" {
			t.Errorf("%s (-left +prevented):\n%s", name, diff)
		}
	}
}

// The hub goes last: CloudFormation deletes no stack whose exports another imports.
func TestOnlyWhatRunsRotdNeedsTheHubToBeThere(t *testing.T) {
	for name := range choices {
		text, err := os.ReadFile(folder + name)
		if err != nil {
			t.Fatal(err)
		}
		if imports := strings.Contains(string(text), "ImportValue"); imports != (name == "ecs.yaml") {
			t.Errorf("%s imports from another stack: %t", name, imports)
		}
	}
}
