package sigma

import "testing"

func TestValuesOfSigmaAsPatterns(t *testing.T) {
	for _, tt := range []struct{ name, value, like, regex string }{
		{"a plain value is itself", "Root", "Root", "(?s)^Root$"},
		{"* is anything", "arn:*/x", "arn:*/x", "(?s)^arn:.*/x$"},
		{"? is a character", "a?c", "a?c", "(?s)^a.c$"},
		{"an escaped wildcard is itself", `a\*b\?`, `a\*b\?`, `(?s)^a\*b\?$`},
		{"a backslash before a letter is itself", `C:\temp`, `C:\\temp`, `(?s)^C:\\temp$`},
		{"two backslashes are one", `a\\b`, `a\\b`, `(?s)^a\\b$`},
		{"an escaped backslash before a wildcard", `a\\*`, `a\\*`, `(?s)^a\\.*$`},
		{"a backslash at the end is itself", `a\`, `a\\`, `(?s)^a\\$`},
		{"wildcards in a row are one", "a**", "a*", "(?s)^a.*$"},
		{"what regular expressions mean is itself", "a.b(c)", "a.b(c)", `(?s)^a\.b\(c\)$`},
		{"characters of any alphabet", "Zürich", "Zürich", "(?s)^Zürich$"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := patternOf(tt.value)
			if got := p.like(); got != tt.like {
				t.Errorf("like: want %s, got %s", tt.like, got)
			}
			if got := p.regex(); got != tt.regex {
				t.Errorf("regex: want %s, got %s", tt.regex, got)
			}
		})
	}
}

func TestPatternsWithAnythingAround(t *testing.T) {
	for _, tt := range []struct {
		name          string
		value         string
		before, after bool
		like          string
	}{
		{"contains", "x", true, true, "*x*"},
		{"startswith", "x", false, true, "x*"},
		{"endswith", "x", true, false, "*x"},
		{"contains what has it already", "*x*", true, true, "*x*"},
		{"contains what ends in a backslash", `x\`, true, true, `*x\\*`},
		{"startswith nothing", "", false, true, "*"},
		{"contains nothing", "", true, true, "*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := patternOf(tt.value).between(tt.before, tt.after).like(); got != tt.like {
				t.Errorf("want %s, got %s", tt.like, got)
			}
		})
	}
}
