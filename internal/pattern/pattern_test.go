package pattern_test

import (
	"slices"
	"testing"

	"rotd/internal/pattern"
)

func TestAPatternIsCompiledWhenItIsFirstAsked(t *testing.T) {
	year := pattern.New(`^(\d{4})-`)
	if !year.MatchString("2026-11-29") || year.MatchString("26-11-29") {
		t.Error("it does not match as its expression does")
	}
	if got := year.FindStringSubmatch("2026-11-29"); !slices.Equal(got, []string{"2026-", "2026"}) {
		t.Errorf("found %q", got)
	}
}

func TestWhatIsNoExpressionPanicsAtOnce(t *testing.T) {
	for _, expression := range []string{`(`, `[a-`, `a{1,1001}`} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was taken", expression)
				}
			}()
			pattern.New(expression)
		}()
	}
}
