package remediation

import (
	"fmt"
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	type end struct {
		state State
		key   string
		after time.Duration // since the one before
		by    string        // "": rotd itself
	}
	failed := func(key string) end { return end{state: Failed, key: key, after: time.Minute} }
	tests := []struct {
		name string
		ends []end
		open bool
	}{
		{"none has failed", nil, false},
		{"two in a row are not enough", []end{failed("a"), failed("b")}, false},
		{"the third opens it", []end{failed("a"), failed("b"), failed("c")}, true},
		{"a success in between begins anew", []end{failed("a"), failed("b"), {state: Succeeded}, failed("c")}, false},
		{"a success closes it", []end{failed("a"), failed("b"), failed("c"), {state: Succeeded}}, false},
		{"what was cancelled counts neither way", []end{failed("a"), failed("b"), {state: Cancelled}, failed("c")}, true},
		{"what expired does not close it", []end{failed("a"), failed("b"), failed("c"), {state: Expired}}, true},
		{
			"an hour apart they are not in a row",
			[]end{failed("a"), failed("b"), {state: Failed, key: "c", after: time.Hour}},
			false,
		},
		{"one key that fails again and again stops no others", []end{failed("a"), failed("a"), failed("a")}, false},
		{"a person who fails three times stops", []end{
			{state: Failed, key: "a", by: "kim"}, {state: Failed, key: "a", by: "kim"}, {state: Failed, key: "a", by: "kim"},
		}, true},
		{"it stays open", []end{
			failed("a"), failed("b"), failed("c"), {state: Failed, key: "d", after: 5 * time.Hour},
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, now, b := Guardrails{BreakerFailures: 3}, testNow(), Breaker{}
			var opened time.Time
			for i, e := range tt.ends {
				now = now.Add(e.after)
				a := Action{ID: fmt.Sprint("act_", i), State: e.state, KeyARN: e.key, Automatic: e.by == ""}
				b = g.After(b, &a, now)
				if b.Open() && opened.IsZero() {
					opened = now
				}
				if len(b.Failures) > 3 {
					t.Errorf("%d failures are kept", len(b.Failures))
				}
			}
			if b.Open() != tt.open || tt.open && !b.OpenedAt.Equal(opened) {
				t.Errorf("got %+v", b)
			}
		})
	}
	if b := (Guardrails{}).After(Breaker{}, &Action{State: Failed}, testNow()); b.Open() {
		t.Error("a breaker that nobody configured is open")
	}
}
