package suggest

import "testing"

func TestDidYouMean(t *testing.T) {
	words := []string{"key-disabled", "dead-key-used", "trail-blinded", "max_age"}
	tests := []struct{ name, written, want string }{
		{"a letter is missing", "key-disabld", ": did you mean key-disabled?"},
		{"two letters are swapped", "trial-blinded", ": did you mean trail-blinded?"},
		{"another case and separator", "Max-Age", ": did you mean max_age?"},
		{"far from any", "bogus", ""},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		if got := DidYouMean(test.written, words); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func FuzzClosest(f *testing.F) {
	f.Add("key-disabled")
	f.Fuzz(func(t *testing.T, written string) {
		if got := Closest(written, []string{"key-disabled"}); got != "" && got != "key-disabled" {
			t.Errorf("%q: %q is none of the words", written, got)
		}
	})
}
