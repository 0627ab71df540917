package userrules

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestLike(t *testing.T) {
	for _, tt := range []struct {
		name, text, pattern string
		like                bool
	}{
		{"a text is like itself", "Root", "Root", true},
		{"case does not count", "rOOT", "Root", true},
		{"the whole text counts", "Roots", "Root", false},
		{"* is like anything", "arn:aws:iam::1:role/x", "arn:*:role/*", true},
		{"* is like nothing too", "ab", "a*b*", true},
		{"* gives back what it took", "aXbXc", "a*Xc", true},
		{"stars take turns", "aaab", "*a*ab", true},
		{"? is like one character", "aüc", "a?c", true},
		{"? is not like nothing", "ac", "a?c", false},
		{"an escaped star is a star", "a*c", `a\*c`, true},
		{"an escaped star is nothing else", "abc", `a\*c`, false},
		{"an escaped ?", "a?", `a\?`, true},
		{"an escaped backslash", `a\b`, `a\\b`, true},
		{"a backslash before a letter is itself", `a\b`, `a\b`, true},
		{"a backslash at the end is itself", `a\`, `a\`, true},
		{"an empty pattern is like an empty text", "", "", true},
		{"an empty pattern is like nothing else", "a", "", false},
		{"stars are like an empty text", "", "**", true},
		{"a long text that is nearly like it", strings.Repeat("a", 1000), "*a*a*a*b", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := isLike(tt.text, tt.pattern, plenty()); got != tt.like {
				t.Errorf("like(%q, %q): want %t, got %t", tt.text, tt.pattern, tt.like, got)
			}
		})
	}
}

// FuzzLike holds it against a regular expression that means the same.
func FuzzLike(f *testing.F) {
	f.Add("arn:aws:iam::1:role/x", "arn:*:role/*")
	f.Add(`a\*?b`, `a\\\*\?b`)
	f.Add("aaab", "*a?ab")
	f.Fuzz(func(t *testing.T, text, pattern string) {
		if !utf8.ValidString(text) || !utf8.ValidString(pattern) || len(text)+len(pattern) > 500 {
			t.Skip()
		}
		var re strings.Builder
		re.WriteString("(?s)^")
		for i := 0; i < len(pattern); i++ {
			switch b := pattern[i]; {
			case b == '*':
				re.WriteString(".*")
			case b == '?':
				re.WriteByte('.')
			case b == '\\' && i+1 < len(pattern) && strings.IndexByte(`*?\`, pattern[i+1]) >= 0:
				i++
				re.WriteString(regexp.QuoteMeta(string(lower(pattern[i]))))
			default:
				n := 1
				for n < len(pattern)-i && !utf8.RuneStart(pattern[i+n]) {
					n++
				}
				re.WriteString(regexp.QuoteMeta(strings.Map(asciiLower, pattern[i:i+n])))
				i += n - 1
			}
		}
		want := regexp.MustCompile(re.String() + "$").MatchString(strings.Map(asciiLower, text))
		if got := isLike(text, pattern, plenty()); got != want {
			t.Errorf("like(%q, %q): want %t, got %t", text, pattern, want, got)
		}
	})
}

func asciiLower(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func plenty() *int {
	left := maxRead
	return &left
}

func TestALongTextThatIsNearlyLikeALongPatternIsBrokenOff(t *testing.T) {
	left := maxRead
	if isLike(strings.Repeat("a", 1<<18), "*"+strings.Repeat("a", 1000)+"b", &left) || left >= 0 {
		t.Errorf("%d steps are left", left)
	}
}
