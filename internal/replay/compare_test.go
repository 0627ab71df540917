package replay_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/replay"
)

func TestTheNoisiestComeFirst(t *testing.T) {
	r := replay.Result{Findings: []finding.Finding{
		{RuleID: "key-disabled", PrincipalARN: "role/a", Count: 1},
		{RuleID: "dead-key-used", PrincipalARN: "role/b", Count: 40},
		{RuleID: "key-disabled", Count: 2},
	}}
	if diff := cmp.Diff([]replay.Count{{"dead-key-used", 1, 40}, {"key-disabled", 2, 3}}, r.Rules()); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]replay.Count{{"role/b", 1, 40}, {"role/a", 1, 1}}, r.Principals()); diff != "" {
		t.Errorf("principals (-want +got):\n%s", diff)
	}
}

func TestWhatAnotherConfigurationMakesOfIt(t *testing.T) {
	all := func(judge *detection.Judge) *replay.Result {
		return run(t, replay.Options{Paths: []string{filepath.Join(root, "testdata/trail")}, Judge: judge})
	}
	base := all(nil)
	other := all(detection.NewJudge(detection.Settings{
		Disabled: []string{"root-used-key"}, Learning: detection.DefaultLearning,
		Severities: map[string]finding.Severity{"key-deleted": finding.Low},
	}))
	changes := func(a, b *replay.Result) map[string]int {
		counted := map[string]int{}
		for _, d := range replay.Compare(a, b) {
			counted[string(d.Change)+" "+d.Finding.RuleID+" "+d.Was]++
		}
		return counted
	}
	if diff := cmp.Diff(map[string]int{"lost root-used-key ": 1}, changes(base, other)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]int{"gained root-used-key ": 1}, changes(other, base)); diff != "" {
		t.Errorf("the other way around (-want +got):\n%s", diff)
	}
	if got := changes(base, base); len(got) != 0 {
		t.Errorf("with itself: %v", got)
	}
}

func TestOnlyATimeIsLookedAt(t *testing.T) {
	whole := run(t, replay.Options{Paths: []string{filepath.Join(root, "testdata/trail")}})
	cut := whole.Findings[len(whole.Findings)/2].FirstSeen
	for _, test := range []struct {
		name         string
		since, until time.Time
	}{
		{"since", cut, time.Time{}},
		{"until", time.Time{}, cut},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, replay.Options{
				Paths: []string{filepath.Join(root, "testdata/trail")}, Since: test.since, Until: test.until,
			})
			for i := range got.Findings {
				at := got.Findings[i].FirstSeen
				if at.Before(test.since) || !test.until.IsZero() && !at.Before(test.until) {
					t.Errorf("found %s at %s", got.Findings[i].RuleID, at)
				}
			}
			s, n := got.Summary, len(got.Findings)
			if n == 0 || n >= len(whole.Findings) || s.Outside == 0 || s.Records != whole.Summary.Records {
				t.Errorf("%d findings of %d, %+v", n, len(whole.Findings), s)
			}
		})
	}
}
