package history

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPoliciesAreComparedLineByLine(t *testing.T) {
	numbered := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "line %d\n", i)
		}
		return b.String() + "end"
	}
	tests := []struct {
		name, before, after string
		want                []string
	}{
		{"another layout", `{"a":1}`, "{ \"a\" : 1 }", nil},
		{
			"a statement in the middle", `{"a":1,"b":[1,2],"c":3,"d":4,"e":5}`, `{"a":1,"b":[1,9],"c":3,"d":4,"e":5}`,
			[]string{"…", `    "b": [`, `      1,`, `-     2`, `+     9`, `    ],`, `    "c": 3,`, "…"},
		},
		{"text that is no JSON", "a\nb", "a\nc", []string{"  a", "- b", "+ c"}},
		{"from nothing", "", "a", []string{"+ a"}},
		{
			"two changes far apart", numbered(0, 20),
			strings.NewReplacer("line 2\n", "two\n", "line 17\n", "x\n").Replace(numbered(0, 20)),
			[]string{
				"  line 0", "  line 1", "- line 2", "+ two", "  line 3", "  line 4", "…", "  line 15", "  line 16",
				"- line 17", "+ x", "  line 18", "  line 19", "…",
			},
		},
		{"a long line", strings.Repeat("é", 300), "", []string{"- " + strings.Repeat("é", 98) + "…"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { same(t, "difference", difference(tt.before, tt.after), tt.want) })
	}
}

func TestADifferenceIsBounded(t *testing.T) {
	big := func(word string) string { return strings.Repeat(word+"\n", 1<<13) }
	if got := len(difference(big("a"), big("b"))); got != maxLines+1 {
		t.Errorf("%d lines", got)
	}
}

func TestADifferenceTurnsTheOneTextIntoTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 8)
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		d := folded{}
		middle(&d, before, after)
		var was, is []string
		for _, line := range d.all {
			if line[0] != '+' {
				was = append(was, line[2:])
			}
			if line[0] != '-' {
				is = append(is, line[2:])
			}
		}
		if fmt.Sprint(was, is) != fmt.Sprint(before, after) {
			t.Errorf("%q turns %v into %v", d.all, was, is)
		}
	})
}
