package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/userrules"
)

// ruleText is a whole rule; what is given replaces its lines by key.
func ruleText(given ...string) string {
	lines := []string{
		"- id: mine", "  title: It is mine", "  events: [{source: kms.amazonaws.com, names: [Decrypt]}]",
		`  when: event.eventName == "Decrypt"`, "  message: m",
	}
	for _, g := range given {
		key, _, _ := strings.Cut(g, ":")
		at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l[2:], key+":") })
		if at < 0 {
			lines = append(lines, "  "+g)
			continue
		}
		lines[at] = lines[at][:2] + g
	}
	return strings.Join(lines, "\n") + "\n"
}

func wrongs(t *testing.T, err error) []string {
	t.Helper()
	var all *Errors
	if !errors.As(err, &all) {
		t.Fatalf("got %v", err)
	}
	return strings.Split(all.Error(), "\n")
}

func TestEverythingThatIsWrongWithAFileOfRulesIsTold(t *testing.T) {
	data, err := os.ReadFile("testdata/rules/wrong.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = ParseRules("wrong.yaml", data)
	golden(t, "testdata/rules/wrong.golden", strings.Join(wrongs(t, err), "\n")+"\n")
}

func TestEveryKeyOfARuleArrives(t *testing.T) {
	rules, err := ParseRules("r.yaml", []byte("rules:\n"+ruleText(
		"severity: CRITICAL", "status: active", "author: jane", "subject: account", "per_principal: true",
		"fingerprint: [event.userAgent]", "mitre: [T1530, T1552.005]", "response: [Ask them., Then act.]",
		"false_positives: On Mondays.", `tests: [{name: one, now: 2026-03-01, trusted_accounts: ["444455556666"], `+
			`keys: [{tags: {a: b}}], events: [{eventName: Decrypt, requestParameters: {n: 1, f: 1.5, b: true, z: ~, l: [a]}}], `+
			"file: trail.json, matches: 1, severity: LOW, message: m}]")))
	if err != nil {
		t.Fatal(err)
	}
	r := rules[0]
	if r.Line != 2 || r.File != "r.yaml" || r.Rule.ID != "mine" || r.Rule.Severity != finding.Critical ||
		r.Rule.Users.Staged || !r.Rule.PerPrincipal || !slices.Equal(r.Rule.Mitre, []string{"T1530", "T1552.005"}) ||
		r.Rule.Doc.Response != "Ask them.\nThen act." || r.Rule.Doc.FalsePositives != "On Mondays." ||
		r.Rule.Doc.Meaning != "It is mine. A rule of jane." || r.Rule.Wants[0].Names[0] != "Decrypt" {
		t.Errorf("got %+v", r.Rule)
	}
	test := r.Tests[0]
	parameters := test.Records[0]["requestParameters"].(map[string]any)
	if test.Name != "one" || test.Now.Month() != 3 || test.Trusted[0] != "444455556666" || test.Keys[0].Tags["a"] != "b" ||
		test.Trail != "trail.json" || test.Matches != 1 || *test.Severity != finding.Low || test.Message != "m" ||
		parameters["n"] != uint64(1) || parameters["f"] != 1.5 || parameters["b"] != true || parameters["z"] != nil ||
		parameters["l"].([]any)[0] != "a" {
		t.Errorf("got %+v", test)
	}
}

func TestARuleIsStagedAndMediumUnlessItSaysOtherwise(t *testing.T) {
	rules, err := ParseRules("r.yaml", []byte("rules:\n"+ruleText()))
	if err != nil {
		t.Fatal(err)
	}
	if r := rules[0].Rule; !r.Users.Staged || r.Severity != finding.Medium || r.Excused != detection.Own {
		t.Errorf("got %+v", r)
	}
}

func TestErrorsInsideOfExpressionsAreWhereTheyAre(t *testing.T) {
	tests := []struct{ name, when, want string }{
		{"plain", "when: event.nope == 1", "r.yaml:5:14"},
		{"in double quotes", `when: "event.nope == 1"`, "r.yaml:5:15"},
		{"in single quotes", `when: 'event.nope == 1'`, "r.yaml:5:15"},
		{"behind an escape, where the text begins", `when: "'\x41' == '' || event.nope == 1"`, "r.yaml:5:9"},
		{"in a block", "when: |\n    own ||\n      event.nope == 1", "r.yaml:7:12"},
		{"in a block after an empty line", "when: |-\n\n    own ||\n      event.nope == 1", "r.yaml:8:12"},
		{"folded, where the text begins", "when: >-\n    own ||\n    event.nope == 1", "r.yaml:5:9"},
		{"behind other letters", `when: "'äöü' == '' || event.nope == 1"`, "r.yaml:5:30"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseRules("r.yaml", []byte("rules:\n"+ruleText(test.when)))
			got := wrongs(t, err)
			if len(got) != 1 || !strings.HasPrefix(got[0], test.want+": rules[0].when: undefined field 'nope'") {
				t.Errorf("got %q; want it at %s", got, test.want)
			}
		})
	}
}

// folder writes files and returns where rotd.yaml is.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "rotd.yaml")
}

func withRules(detections string) string {
	return "intake: {queues: [{url: https://sqs.eu-west-1.amazonaws.com/111122223333/rotd}]}\n" +
		"detections: " + detections + "\n"
}

func catalogued() Known {
	return Known{Rules: detection.RuleIDs(), Checks: detection.CheckIDs(), Remedies: detection.Remedies()}
}

func TestRulesBesideRotdYAMLAreReadWithIt(t *testing.T) {
	path := folder(t, map[string]string{
		"rotd.yaml": withRules("{rules: ['rules/*.yaml', rules/a.yaml], disable: [mine], severity: {other: LOW}}") +
			"suppressions: [{name: quiet, rules: [other], regions: [eu-west-1], author: a, reason: r, expires: " +
			time.Now().Add(24*time.Hour).Format(time.DateOnly) + "}]\n",
		"rules/a.yaml": "rules:\n" + ruleText(),
		"rules/b.yaml": "rules:\n" + ruleText("id: other"),
	})
	cfg, err := Load(path, catalogued())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Errorf("to whom no ids are known: %v", err)
	}
	s := cfg.Detections.Settings()
	if len(s.Users) != 2 || s.Users[0].ID != "mine" || s.Users[1].ID != "other" || s.Disabled[0] != "mine" ||
		s.Severities["other"] != finding.Low || cfg.Detections.UsersDigest == "" {
		t.Errorf("got %+v", s)
	}
}

func TestWhatIsWrongWithRotdYAMLAndItsRulesIsToldTogether(t *testing.T) {
	path := folder(t, map[string]string{
		"rotd.yaml": withRules("{rules: ['rules/*.yaml', none.yaml], disable: [mine, bad, minne], lerning: 1d}\n" +
			"policies: [{name: all, rotation: {max_age: 90d}, respond: [{rule: mine, action: restore}]}]"),
		"rules/a.yaml": "rules:\n" + ruleText("when: 'evnt == 1'"),
		"rules/b.yaml": "rules:\n" + ruleText() + ruleText("id: key-disabled") + ruleText("id: bad", "title: ''"),
	})
	_, err := Load(path, catalogued())
	dir := filepath.Dir(path) + "/"
	got := strings.ReplaceAll(strings.Join(wrongs(t, err), "\n"), dir, "")
	want := strings.Join([]string{
		`rotd.yaml:2:71: detections.disable[2]: "minne" is not a rule or check of this version: did you mean mine?`,
		`rotd.yaml:2:79: detections.lerning: unknown key: did you mean learning?`,
		`rotd.yaml:3:81: policies[0].respond[0].action: restore answers key-deletion-scheduled, ` +
			`key-deletion-window-short, rotation-period-extended or rotation-turned-off; the remedies of mine are: none`,
		`rotd.yaml:2:21: detections.rules[1]: none.yaml: no file is there`,
		`rules/a.yaml:5:10: rules[0].when: undeclared reference to 'evnt' (did you mean 'event'?)`,
		`rules/b.yaml:2:7: rules[0].id: mine is there already, at rules/a.yaml:2: ids are unique over all files`,
		`rules/b.yaml:7:7: rules[1].id: key-disabled is a rule or check of rotd's own: choose another id`,
		`rules/b.yaml:13:10: rules[2].title: is empty: say it in a line`,
	}, "\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestExpressionsAndMessagesHaveOneBound(t *testing.T) {
	for key, text := range map[string]string{"when": "principal !=", "message": "", "fingerprint": "principal + "} {
		most := text + `"` + strings.Repeat("é", (userrules.MaxText-len(text))/len("é")-1) + `"`
		given := func(text string) string {
			if key == "fingerprint" {
				return key + ": ['" + text + "']"
			}
			return key + ": '" + text + "'"
		}
		if _, err := ParseRules("r.yaml", []byte("rules:\n"+ruleText(given(most)))); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		_, err := ParseRules("r.yaml", []byte("rules:\n"+ruleText(given(most+"  "))))
		const want = "4098 bytes are more than the 4096 of an expression or message"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", key, err, want)
		}
	}
}

func TestTheExampleRulesAreInOrder(t *testing.T) {
	rules, err := LoadRules("../../docs/examples/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 3 {
		t.Errorf("got %d", len(rules))
	}
}

func FuzzRules(f *testing.F) {
	for _, file := range []string{"../../docs/examples/rules.yaml", "testdata/rules/wrong.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("rules: 0\n\n 0"))
	f.Add([]byte("rules:\n" + ruleText("when: \"a\\x20b\"", "message: '{{ '")))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, err := ParseRules("r.yaml", data)
		if err == nil {
			if len(rules) == 0 {
				t.Error("neither rules nor errors")
			}
			return
		}
		var all *Errors
		if !errors.As(err, &all) || len(all.Problems) == 0 {
			t.Fatalf("got %v", err)
		}
		for _, p := range all.Problems {
			if p.File != "r.yaml" || p.Message == "" || p.Line < 0 || p.Column < 0 {
				t.Errorf("a problem that is nowhere: %+v", p)
			}
		}
	})
}
