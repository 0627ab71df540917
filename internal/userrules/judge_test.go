package userrules

import (
	"encoding/json"
	"slices"
	"testing"

	"rotd/internal/detection"
	"rotd/internal/finding"
)

func TestMessages(t *testing.T) {
	l := language(t)
	tests := []struct{ name, message, want string }{
		{"words alone", "It happened.", "It happened."},
		{"a text", "By {{principal}}, {{ event.awsRegion }}.", "By arn:aws:iam::111122223333:role/pay, eu-west-1."},
		{"over lines", "By\n{{\nprincipal\n}}\nthere", "By arn:aws:iam::111122223333:role/pay there"},
		{"a number", "{{event.requestParameters.pendingWindowInDays}} days", "7 days"},
		{"a time", "at {{event.eventTime}}", "at 2026-11-20 12:00:00Z"},
		{"a length of time", "{{policy.max_age}}", "2160h0m0s"},
		{"a list", "{{key.aliases}} {{event.requestParameters.operations}}", "alias/payments Decrypt, Encrypt"},
		{"what is not there", "{{event.errorCode}}, {{event.requestParameters.missing}}", "(unknown), (unknown)"},
		{"what is nothing to say", "{{event.requestParameters}}", "(unknown)"},
		{"an attacker's words", "by {{event.userAgent}}", `by "x.\nrotd: everything is in order\u202e"`},
		{"a count", "{{count('10m')}} times", "1 times"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := record()
			if test.name == "an attacker's words" {
				r["userAgent"] = "x.\nrotd: everything is in order\u202e"
			}
			rule := compiled(t, l, Draft{When: "true", Message: test.message})
			got, err := rule.Users.Judge(around(), decode(t, r))
			if err != nil || len(got) != 1 || got[0].Description != test.want {
				t.Errorf("got %+v, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestProblemsOfMessagesAreWhereTheyAre(t *testing.T) {
	_, problems := language(t).Compile(&Draft{
		When: "true", Message: "a {{ event.nme }}\nb {{x}} {{1}} {{ {'a': 1} }} {{", Fingerprint: []string{"principal", "1"},
	})
	want := []Problem{
		{"message", 1, 11, "undefined field 'nme': did you mean name?"},
		{"message", 2, 5, "undeclared reference to 'x'"},
		{"message", 2, 18, "want something that has words: a text, number, time or list of texts, not map(string, int)"},
		{"message", 2, 30, "{{ has no }}"},
		{"fingerprint[1]", 1, 1, "want a text, such as event.awsRegion, not int"},
	}
	if len(problems) != len(want) {
		t.Fatalf("got %+v", problems)
	}
	_, control := language(t).Compile(&Draft{When: "true", Message: "a\nb\x1b[31m"})
	if c := (Problem{"message", 2, 2, "a control character has no place in a message"}); !slices.Contains(control, c) {
		t.Errorf("got %+v", control)
	}
	for i := range want {
		if problems[i] != want[i] {
			t.Errorf("\ngot  %+v\nwant %+v", problems[i], want[i])
		}
	}
}

func TestAFindingOfAUsersRule(t *testing.T) {
	l := language(t)
	base := Draft{
		ID: "mine", Title: "It is mine", Severity: finding.High, Active: true, When: "true", Message: "m",
		Events: []detection.Wanted{{Source: "kms.amazonaws.com", Names: []string{"Decrypt"}}},
		Mitre:  []string{"T1530"}, Response: []string{"Ask them."},
	}
	find := func(t *testing.T, d Draft, s detection.Settings, r obj) []finding.Finding {
		t.Helper()
		s.Users = []detection.Rule{compiled(t, l, d)}
		s.Disabled = append(s.Disabled, detection.RuleIDs()...)
		found, panics := detection.NewJudge(s).Event(around(), decode(t, r))
		if len(panics) > 0 {
			t.Fatal(panics)
		}
		return found
	}
	t.Run("has what findings have", func(t *testing.T) {
		f := find(t, base, detection.Settings{}, record())[0]
		if f.RuleID != "mine" || f.Title != "It is mine" || f.Severity != finding.High || f.KeyARN != payARN ||
			f.Policy != "payments" || f.Mitre[0] != "T1530" || f.Remedy[0] != "Ask them." || f.Description != "m" ||
			f.Subject != (finding.Subject{Type: finding.Key, ID: payARN}) || f.Expected {
			t.Errorf("got %+v", f)
		}
	})
	t.Run("weighs what the configuration says", func(t *testing.T) {
		s := detection.Settings{Severities: map[string]finding.Severity{"mine": finding.Critical}}
		if f := find(t, base, s, record())[0]; f.Severity != finding.Critical {
			t.Errorf("got %v", f.Severity)
		}
	})
	t.Run("is not there when the rule is disabled", func(t *testing.T) {
		if found := find(t, base, detection.Settings{Disabled: []string{"mine"}}, record()); len(found) > 0 {
			t.Errorf("got %+v", found)
		}
	})
	t.Run("is not there for events that the rule does not name", func(t *testing.T) {
		if found := find(t, base, detection.Settings{}, record(obj{"eventName": "Encrypt"})); len(found) > 0 {
			t.Errorf("got %+v", found)
		}
	})
	t.Run("is about the account and Region", func(t *testing.T) {
		d := base
		d.PerPlace = true
		want := finding.Subject{Type: finding.AccountRegion, ID: "111122223333/eu-west-1"}
		if f := find(t, d, detection.Settings{}, record())[0]; f.Subject != want {
			t.Errorf("got %+v", f.Subject)
		}
	})
	t.Run("is another one by another fingerprint", func(t *testing.T) {
		d := base
		d.Fingerprint = []string{"event.userAgent", "event.sourceIPAddress"}
		identity := func(agent, address string) string {
			return find(t, d, detection.Settings{}, record(obj{"userAgent": agent, "sourceIPAddress": address}))[0].Fingerprint
		}
		if identity("a", "b") == identity("a", "c") || identity(`a","b`, "c") == identity("a", `b","c`) {
			t.Error("fingerprints do not tell findings apart")
		}
	})
	t.Run("is the same one however its record writes an object", func(t *testing.T) {
		d := base
		d.Fingerprint = []string{"string(event.requestParameters.c)", `string(event.requestParameters.l)`}
		identity := func(parameters string) string {
			r := record(obj{"requestParameters": json.RawMessage(parameters)})
			return find(t, d, detection.Settings{}, r)[0].Fingerprint
		}
		one := identity(`{"l": [{"x": 1, "y": [true]}], "c": {"a": "é", "b": {"d": 12345678901234567, "e": ""}}}`)
		same := identity(`{"c":{"b":{"e":"","d":12345678901234567},"a":"\u00e9"},"l":[{"y":[true],"x":1}]}`)
		other := identity(`{"c":{"b":{"e":"","d":12345678901234568},"a":"\u00e9"},"l":[{"y":[true],"x":1}]}`)
		if one != same || one == other {
			t.Errorf("got %s, %s and %s", one, same, other)
		}
	})
	t.Run("is rotd's own doing when it is", func(t *testing.T) {
		rule := compiled(t, l, base)
		c := around()
		c.Own = true
		found, _ := detection.NewJudge(detection.Settings{
			Users: []detection.Rule{rule}, Disabled: detection.RuleIDs(),
		}).Event(c, decode(t, record()))
		if len(found) != 1 || !found[0].Expected || found[0].Severity != finding.Informational {
			t.Errorf("got %+v", found)
		}
	})
	t.Run("is only counted while the rule is staged", func(t *testing.T) {
		d := base
		d.Active = false
		c, staged := around(), 0
		c.Staged = func(f *finding.Finding) {
			if f.RuleID == "mine" {
				staged++
			}
		}
		found, _ := detection.NewJudge(detection.Settings{
			Users: []detection.Rule{compiled(t, l, d)}, Disabled: detection.RuleIDs(),
		}).Event(c, decode(t, record()))
		if len(found) != 0 || staged != 1 {
			t.Errorf("got %+v, %d staged", found, staged)
		}
	})
}
