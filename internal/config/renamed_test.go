package config

import (
	"fmt"
	"testing"
	"time"

	"github.com/goccy/go-yaml/token"
	"github.com/google/go-cmp/cmp"
)

// TestAKeyThatHasAnotherNameNowIsReadAsThatOneWithAWarning: no key of rotd.yaml has one yet, so that the mapping is
// made up.
func TestAKeyThatHasAnotherNameNowIsReadAsThatOneWithAWarning(t *testing.T) {
	for name, tc := range map[string]struct {
		text               string
		want               time.Duration
		warnings, problems []string
	}{
		"the name of now": {text: "silence: 2h", want: 2 * time.Hour},
		"the name of once": {
			text: "heartbeat: 2h", want: 2 * time.Hour, warnings: []string{
				"f:1:1: heartbeat: is silence since version 1.4: write that, this name will be gone in a later one",
			},
		},
		"the name of once with a value that is none": {
			text: "heartbeat: soon", warnings: []string{
				"f:1:1: heartbeat: is silence since version 1.4: write that, this name will be gone in a later one",
			}, problems: []string{
				`f:1:12: silence: "soon" is not a duration: write for example 90d, 36h or 1h30m`,
			},
		},
		"both": {
			text: "heartbeat: 1h\nsilence: 2h", problems: []string{
				"f:1:1: heartbeat: is silence since version 1.4, which is given too: remove this one",
			}, want: 2 * time.Hour,
		},
		"neither, of which the one of now is asked for": {
			text: "{}", problems: []string{"f:1:1: silence: is missing: write for example silence: 1h"},
		},
		"one that is like both": {
			text: "silense: 1h", problems: []string{"f:1:1: silense: unknown key: did you mean silence?"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got time.Duration
			mapping := object{fields: []field{
				{key: "silence", value: duration(&got, time.Minute, day), need: "silence: 1h"},
				{key: "heartbeat", instead: "silence", since: "1.4"},
			}}
			r := &reader{file: "f", places: map[string]*token.Token{}}
			mapping.read(r, "", r.document([]byte(tc.text)))
			told := [][]string{lines(r.warnings), lines(r.problems)}
			if diff := cmp.Diff([][]string{tc.warnings, tc.problems}, told); diff != "" {
				t.Errorf("warnings and problems (-want +got):\n%s", diff)
			}
			if len(tc.problems) == 0 && got != tc.want {
				t.Errorf("read %v, want %v", got, tc.want)
			}
		})
	}
}

func lines(problems []Problem) (lines []string) {
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return lines
}

func TestTheSchemaSaysWhichKeysHaveAnotherName(t *testing.T) {
	var d time.Duration
	schema := object{fields: []field{
		{key: "silence", doc: "So long.", value: duration(&d, 0, day)}, {key: "heartbeat", instead: "silence", since: "1.4"},
	}}.schema()
	got := schema["properties"].(map[string]any)["heartbeat"].(map[string]any)
	if got["deprecated"] != true || fmt.Sprint(got["description"]) != "Since version 1.4 silence." {
		t.Errorf("%v", got)
	}
}
