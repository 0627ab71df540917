package replay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/config"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/replay"
	"rotd/internal/userrules"
)

// users compiles a rule over Decrypt.
func users(t testing.TB, when, message string, more ...func(*userrules.Draft)) detection.Rule {
	t.Helper()
	language, err := userrules.NewLanguage()
	if err != nil {
		t.Fatal(err)
	}
	d := userrules.Draft{
		ID: "mine", Title: "It is mine", Severity: finding.High, When: when, Message: message,
		Events: []detection.Wanted{{Source: "kms.amazonaws.com", Names: []string{"Decrypt"}}},
	}
	for _, change := range more {
		change(&d)
	}
	rule, problems := language.Compile(&d)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	return rule
}

// told are Decrypts at so long after noon, by users of the given names.
type told struct {
	at   string
	user string
	id   string // empty: one of its own
}

func TestMemoryOfUsersRules(t *testing.T) {
	tests := []struct {
		name    string
		when    string
		events  []told
		matches int
	}{
		{
			"count notices the third within the window", `count("10m") >= 3`,
			[]told{{"0s", "a", ""}, {"5m", "b", ""}, {"9m", "c", ""}},
			1,
		},
		{
			"count forgets what is further back", `count("10m") >= 3`,
			[]told{{"0s", "a", ""}, {"5m", "b", ""}, {"10m", "c", ""}},
			0,
		},
		{
			"count notices whichever comes last", `count("10m") >= 3`,
			[]told{{"9m", "c", ""}, {"5m", "b", ""}, {"0s", "a", ""}},
			1,
		},
		{
			"a repeated record counts once", `count("10m") >= 3`,
			[]told{{"0s", "a", "x"}, {"1m", "a", "y"}, {"0s", "a", "x"}, {"1m", "a", "y"}},
			0,
		},
		{
			"count by principal", `count("10m", principal) >= 2`,
			[]told{{"0s", "a", ""}, {"1m", "b", ""}, {"2m", "a", ""}},
			1,
		},
		{
			"count counts what comes that far", `session == "" && event.userIdentity.userName == "a" && count("10m") >= 2`,
			[]told{{"0s", "a", ""}, {"1m", "b", ""}, {"2m", "b", ""}, {"3m", "a", ""}},
			1,
		},
		{
			"distinct counts values, not events", `distinct(principal, "10m") >= 3`,
			[]told{{"0s", "a", ""}, {"1m", "b", ""}, {"2m", "a", ""}, {"3m", "b", ""}, {"4m", "c", ""}},
			1,
		},
		{
			"distinct by what a third argument says", `distinct(principal, "10m", event.awsRegion) >= 2`,
			[]told{{"0s", "a", ""}, {"1m", "b", ""}},
			1,
		},
		{
			"two windows of one rule do not mix", `count("10m") >= 2 && count("1m") >= 2`,
			[]told{{"0s", "a", ""}, {"5m", "b", ""}},
			0,
		},
		{
			"first_seen once per value", `first_seen(principal, "1h")`,
			[]told{{"0s", "a", ""}, {"1m", "a", ""}, {"2m", "b", ""}, {"3m", "a", ""}},
			2,
		},
		{
			"first_seen again after the window", `first_seen(principal, "1h")`,
			[]told{{"0s", "a", ""}, {"2h", "a", ""}},
			2,
		},
		{
			"what comes again and again stays seen", `first_seen(principal, "1h")`,
			[]told{{"0s", "a", ""}, {"50m", "a", ""}, {"100m", "a", ""}, {"150m", "a", ""}},
			1,
		},
		{
			"an earlier event that comes later is not the first", `first_seen(principal, "1h")`,
			[]told{{"30m", "a", ""}, {"0s", "a", ""}},
			1,
		},
		{
			"asked twice of one event it says the same", `first_seen(principal, "1h") && first_seen(principal, "1h")`,
			[]told{{"0s", "a", ""}},
			1,
		},
		{
			"first_seen by what a third argument says", `first_seen(event.awsRegion, "1h", principal)`,
			[]told{{"0s", "a", ""}, {"1m", "b", ""}, {"2m", "a", ""}},
			2,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			one := userrules.Test{Name: test.name, Now: noon(), Matches: test.matches}
			for _, e := range test.events {
				record := userrules.Record{
					"eventTime": "+" + e.at, "userIdentity": map[string]any{
						"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/" + e.user, "userName": e.user,
					},
				}
				if e.id != "" {
					record["eventID"] = e.id
				}
				one.Records = append(one.Records, record)
			}
			got := try(t, users(t, test.when, "m"), &one)
			if !got.Passed {
				t.Errorf("%s: %q", test.when, got.Problems)
			}
		})
	}
}

func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func try(t testing.TB, rule detection.Rule, test *userrules.Test) userrules.Trial {
	t.Helper()
	got, err := replay.Try(t.Context(), rule, test, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestTwoRulesShareNoMemory(t *testing.T) {
	const when = `count("10m") >= 2`
	twin := func(d *userrules.Draft) { d.ID, d.Active = "twin", true }
	judge := detection.NewJudge(detection.Settings{
		Disabled: detection.RuleIDs(),
		Users: []detection.Rule{
			users(t, when, "m", func(d *userrules.Draft) { d.Active = true }),
			users(t, `event.userAgent != "x" && `+when, "m", twin),
		},
	})
	stream := replay.NewStream(judge, &replay.Known{})
	for i, agent := range []string{"x", "y", "y"} {
		raw := fmt.Appendf(nil, `{"eventVersion":"1.11","eventID":"e%d","eventTime":"2026-11-20T12:00:0%dZ","userAgent":%q,`+
			`"eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":"us-east-1"}`, i, i, agent)
		judged, err := stream.Judge(raw, false)
		if err != nil || len(judged.Panics) > 0 {
			t.Fatal(err, judged.Panics)
		}
		if len(judged.Found) != i {
			t.Errorf("event %d: found %d", i, len(judged.Found))
		}
	}
}

const trailFile = "testdata/trail/export/20261117T1230Z-20261117T1250Z.jsonl"

func TestWhatATestOfARuleSays(t *testing.T) {
	rule := users(t, `event.awsRegion.endsWith("-1")`, "In {{event.awsRegion}}.")
	low := finding.Low
	tests := []struct {
		name string
		test userrules.Test
		want []string
	}{
		{"what is as it should be", userrules.Test{
			Records: []userrules.Record{{}, {"awsRegion": "x"}}, Matches: 1, Message: "In us-east-1.",
		}, nil},
		{"another number of matches", userrules.Test{Records: []userrules.Record{{}}}, []string{"matches: want 0, got 1"}},
		{"another severity and message", userrules.Test{
			Records: []userrules.Record{{}}, Matches: 1, Severity: &low, Message: "In us-east-2.",
		}, []string{"severity: want LOW, got HIGH", `message: want "In us-east-2.", got "In us-east-1."`}},
		{
			"an event that the rule does not name",
			userrules.Test{Records: []userrules.Record{{"eventName": "Encrypt"}}, Matches: 1},
			[]string{"matches: want 1, got 0"},
		},
		{"no record", userrules.Test{Records: []userrules.Record{{"eventTime": "noon"}}}, []string{
			`event 1 is no record: malformed (bad-time) at byte 112: "eventTime" is not a time`,
		}},
		{"a time that is none", userrules.Test{Records: []userrules.Record{{"eventTime": "+noon"}}}, []string{
			`event 1: eventTime: "noon" is not a duration: write for example 90d, 36h or 1h30m`,
		}},
		{
			"a log file beside it",
			userrules.Test{Trail: filepath.Join(root, trailFile)},
			[]string{"matches: want 0, got 4"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.test.Now = noon()
			got := try(t, rule, &test.test)
			if diff := cmp.Diff(test.want, got.Problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheRulesOfTheDocumentationComeOut(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(root, "docs/users-rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, _ := strings.Cut(after, "```")
	rules, err := config.ParseRules("users-rules.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	more, err := config.LoadRules(filepath.Join(root, "docs/examples/rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range append(rules, more...) {
		if len(r.Tests) == 0 {
			t.Errorf("%s has no test", r.Rule.ID)
		}
		for i := range r.Tests {
			if got := try(t, r.Rule, &r.Tests[i]); !got.Passed {
				t.Errorf("%s: %s: %q", r.Rule.ID, got.Test, got.Problems)
			}
		}
	}
}

func TestAStagedRuleIsCountedInAReplay(t *testing.T) {
	judge := detection.NewJudge(detection.Settings{
		Disabled: detection.RuleIDs(), Users: []detection.Rule{users(t, "true", "m")},
	})
	got := run(t, replay.Options{Paths: []string{filepath.Join(root, "testdata/trail")}, Judge: judge})
	if len(got.Findings) != 0 || len(got.Summary.Staged) != 1 || got.Summary.Staged[0].Name != "mine" ||
		got.Summary.Staged[0].Times == 0 {
		t.Errorf("found %d, staged %+v", len(got.Findings), got.Summary.Staged)
	}
}
