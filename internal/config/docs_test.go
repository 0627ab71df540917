package config

import (
	"os"
	"regexp"
	"testing"

	"rotd/internal/detection"
)

func TestTheDocumentedSuppressionIsOne(t *testing.T) {
	text, err := os.ReadFile("../../docs/suppressions.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(text)
	c, err := Parse("rotd.yaml", append([]byte(minimal), block[1]...))
	if err != nil || len(c.Suppressions) != 1 {
		t.Errorf("got %+v: %v", c, err)
	}
}

// The example of docs/policies.md comes out as it says.
func TestTheDocumentedExampleComesOut(t *testing.T) {
	text, err := os.ReadFile("../../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) != 4 {
		t.Fatalf("%d blocks of YAML, want a policy's respond, an exception, a rotd.yaml and its cases", len(blocks))
	}
	ids := Known{Rules: detection.RuleIDs(), Checks: detection.CheckIDs(), Remedies: detection.Remedies()}
	const aPolicy = minimal + "policies:\n  - name: payments\n    rotation: {max_age: 365d}\n"
	if _, err := Parse("respond", append([]byte(aPolicy), blocks[0][1]...), ids); err != nil {
		t.Error(err)
	}
	blocks = blocks[1:]
	if _, err := Parse("exception", append([]byte(minimal), blocks[0][1]...), ids); err != nil {
		t.Error(err)
	}
	c, err := Parse("rotd.yaml", blocks[1][1], ids)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := c.ParseCases("rotd-test.yaml", blocks[2][1], ids)
	if err != nil {
		t.Fatal(err)
	}
	for i := range cases {
		if trial := c.Try(&cases[i]); !trial.Passed {
			t.Errorf("%s: %+v", trial.Case, trial)
		}
	}
}
