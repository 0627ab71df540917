package remediation

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/policy"
)

func TestAbilitiesSayWhoMayDoWhat(t *testing.T) {
	key := testKey(onDemand(20))
	f := testFacts(key)
	f.Paused = "moving"
	e := testGuardrails().Abilities(f, &policy.Policy{Name: "watched", Rotation: policy.Rotation{Method: policy.None}})
	verdicts := make(map[string]string)
	for _, a := range e.Verbs {
		verdicts[strings.TrimSpace(string(a.Verb)+" "+string(a.Method))] = fmt.Sprintf("%t %s/%s/%s", a.Possible,
			verdictOf(a.Automatic), verdictOf(a.Person), verdictOf(a.Emergency))
	}
	want := map[string]string{
		"rotate on-demand":        "true refuse budget-reserve/refuse budget-reserve/allow [budget-reserve paused]",
		"rotate enable-automatic": "true wait paused/refuse paused/allow [paused]",
		"replace new-key":         "true wait paused/refuse paused/allow [paused]",
		"contain restore":         "false refuse not-eligible/refuse not-eligible/refuse not-eligible",
		"contain measures":        "true refuse person-only/refuse paused/allow [paused]",
		"reencrypt":               "true refuse person-only/refuse paused/allow [paused]",
		"reencrypt objects":       "true refuse person-only/refuse paused/allow [paused]",
	}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if e.Asks != "Policy watched only watches its keys (method none)." || !e.KnownAt.Equal(key.ReadAt) {
		t.Errorf("got %+v", e)
	}
}

func TestNothingIsAutomaticWithoutAPolicy(t *testing.T) {
	const none = "No policy matches the key, so nothing is asked of it."
	e := testGuardrails().Abilities(testFacts(testKey()), nil)
	if e.Asks != none {
		t.Errorf("asks %q", e.Asks)
	}
	for _, a := range e.Verbs {
		if a.Automatic.Verdict != Refuse || a.Method == NewMaterial && a.Automatic.Reason != none {
			t.Errorf("%s %s by itself: %+v", a.Verb, a.Method, a.Automatic)
		}
	}
}

func verdictOf(d Decision) string {
	text := strings.TrimSpace(string(d.Verdict) + " " + d.Guardrail)
	if len(d.Overridden) > 0 {
		text += " " + fmt.Sprint(d.Overridden)
	}
	return text
}
