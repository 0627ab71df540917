package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheEventPatternFollowsTheLoadedRules(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const intake = "intake: {queues: [{url: \"https://sqs.eu-west-1.amazonaws.com/111122223333/rotd\"}]}\n"
	fewer := write("fewer.yaml", intake+"detections: {disable: [intake-tampered, foreign-key-encryption]}\n")
	var rules strings.Builder
	for i := range 40 {
		fmt.Fprintf(&rules, "  - {id: r%d, title: T, when: \"true\", message: m,\n"+
			"     events: [{source: iam.amazonaws.com, names: [AVeryLongNameOfAnEventThatAUserWants%d]}]}\n", i, i)
	}
	write("many-rules.yaml", "rules:\n"+rules.String())
	many := write("many.yaml", intake+"detections: {rules: [many-rules.yaml]}\n")
	for name, flags := range map[string][]string{
		"event-pattern":          nil,
		"event-pattern-fewer":    {"-c", fewer},
		"event-pattern-too-long": {"-c", many},
		"event-pattern-sources":  {"-c", many, "--sources-only"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(nil)
			status := s.run(t, append([]string{"detections", "event-pattern"}, flags...)...)
			if failed := name == "event-pattern-too-long"; failed != (status == 1) || !failed && status != 0 {
				t.Errorf("ended with %d", status)
			}
			golden(t, name, s.out.String()+s.err.String())
		})
	}
}
