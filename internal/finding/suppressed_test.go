package finding

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func suppressed(count int, last time.Duration) func(*Finding) {
	return func(f *Finding) { f.Suppressed = &Suppressed{By: "scan", Count: count, Last: *at(last)} }
}

func hidden(f *Finding) { f.Hidden = true }

func TestHide(t *testing.T) {
	const m = time.Minute
	for name, tc := range map[string]struct {
		prev   *Finding
		now    Finding
		want   *Finding
		counts bool
	}{
		"the first opens an episode that nobody is told of": {
			nil, byEvent("e1", High, 0), known(byEvent("e1", High, 0), hidden, suppressed(1, 0), func(f *Finding) {
				f.ID = byEvent("e1", High, 0).ID
			}), true,
		},
		"a repetition of it is counted, and raises it": {
			known(byEvent("e1", Low, 0), hidden, suppressed(1, 0)), byEvent("e2", High, m),
			known(byEvent("e2", High, m), hidden, suppressed(2, m), func(f *Finding) {
				f.Count, f.FirstSeen = 2, noon()
			}), true,
		},
		"one of an episode that is told of changes nothing of what is told": {
			known(byEvent("e1", Low, 0)), byEvent("e2", Critical, m),
			known(byEvent("e1", Low, 0), suppressed(1, m)), true,
		},
		"after the end of one that was told of it opens one that is not": {
			known(byEvent("e1", Low, 0), resolved(m)), byEvent("e2", Low, 2*m),
			known(byEvent("e2", Low, 2*m), hidden, suppressed(1, 2*m), func(f *Finding) { f.Episode = 2 }), true,
		},
		"a late copy of an episode that was told of leaves that ended": {
			known(byEvent("e1", High, m), resolved(2*m)), byEvent("e0", High, 0),
			known(byEvent("e1", High, m), resolved(2*m), suppressed(1, 0), func(f *Finding) { f.Count = 2 }), true,
		},
		"a check's reading hides what it told": {
			known(byCheck("off", High, 0)), byCheck("off", High, m),
			known(byCheck("off", High, 0), hidden, suppressed(0, m), func(f *Finding) { f.LastSeen = *at(m) }), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, counts := Hide(tc.prev, tc.now, "scan")
			if diff := cmp.Diff(tc.want, &got); diff != "" || counts != tc.counts {
				t.Errorf("counts: %v, finding (-want +got):\n%s", counts, diff)
			}
		})
	}
}

func TestWhatIsNotSuppressedIsTold(t *testing.T) {
	const m = time.Minute
	for name, tc := range map[string]struct {
		prev       *Finding
		now        Finding
		want       *Finding
		transition Transition
	}{
		"after a hidden episode, as another one, however mild": {
			known(byEvent("e1", Critical, 0), hidden, suppressed(3, 0)), byEvent("e2", Low, m),
			known(byEvent("e2", Low, m), suppressed(3, 0), func(f *Finding) { f.Episode = 2 }), Opened,
		},
		"inside the time of a hidden episode that ended": {
			known(byEvent("e1", High, m), hidden, suppressed(1, m), resolved(2*m)), byEvent("e0", Low, 0),
			known(byEvent("e0", Low, 0), suppressed(1, m), func(f *Finding) { f.Episode = 2 }), Opened,
		},
		"as graver than was told, whatever was suppressed": {
			known(byEvent("e1", Low, 0), suppressed(1, 0)), byEvent("e2", High, m),
			known(byEvent("e2", High, m), suppressed(1, 0), func(f *Finding) { f.Count, f.FirstSeen = 2, noon() }),
			Raised(High),
		},
		"and no more than once": {
			known(byEvent("e1", Low, 0), suppressed(1, 0)), byEvent("e2", Low, m),
			known(byEvent("e1", Low, 0), suppressed(1, 0), func(f *Finding) { f.Count, f.LastSeen = 2, *at(m) }),
			NoTransition,
		},
		"as another reading of a check that was hidden": {
			known(byCheck("off", High, 0), hidden, suppressed(1, 0)), byCheck("off", High, m),
			known(byCheck("off", High, m), suppressed(1, 0), func(f *Finding) { f.Episode = 2 }), Opened,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, transition := Observe(tc.prev, tc.now)
			if diff := cmp.Diff(tc.want, &got); diff != "" || transition != tc.transition {
				t.Errorf("transition %q, finding (-want +got):\n%s", transition, diff)
			}
		})
	}
}
