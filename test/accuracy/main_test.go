package main

import (
	"strings"
	"testing"
	"time"

	"rotd/internal/finding"
)

// TestEveryAttackIsFound in a small organisation; make accuracy measures large ones.
func TestEveryAttackIsFound(t *testing.T) {
	o := options{seeds: 1, keys: 40, weeks: 4}
	r, err := simulate(t.Context(), 1, o)
	if err != nil {
		t.Fatal(err)
	}
	if missed := r.missed(); len(missed) > 0 {
		t.Errorf("missed %q", missed)
	}
	// Far more than there are would be a rule gone wrong.
	if n := len(r.alerts); n > 10 {
		t.Errorf("%d false alerts", n)
	}
	text := summary([]*result{r}, o, "0123456789abcdef")
	for _, want := range []string{
		"1 worlds of 40 keys each", "(0123456789ab)", "| secrets-burst | 1 of 1 | `decrypt-spike` 1 of 1",
		"| dormant-key-woken | 1 of 1 | `dormant-key-used` 1 of 1",
	} {
		if !strings.Contains(strings.ReplaceAll(text, "\n", " "), want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
}

func TestTheVerdictNamesWhatIsWrong(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	wrong := alert{finding.Finding{RuleID: "decrypt-spike", EventTime: &at}, "batch"}
	err := verdict([]*result{{seed: 7, weeks: 2, alerts: []alert{wrong, wrong}}}, options{seeds: 1, keys: 1000})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"seed 7: secrets-burst was missed", "1.00 false alerts a week for 1,000 keys"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if a, b := seedOf("abc", 1), seedOf("abc", 2); a == b || a != seedOf("abc", 1) {
		t.Errorf("seeds %d and %d", a, b)
	}
}
