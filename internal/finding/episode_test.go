package finding

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func at(d time.Duration) *time.Time {
	t := noon().Add(d)
	return &t
}

// byEvent is an occurrence that a rule saw.
func byEvent(id string, severity Severity, after time.Duration) Finding {
	return Finding{
		ID: "fnd_new", RuleID: "key-disabled", Severity: severity, Description: "by " + id, EventID: id,
		EventTime: at(after), FirstSeen: *at(after), LastSeen: *at(after), Fingerprint: "v1:f",
	}
}

// byCheck is what a check read.
func byCheck(description string, severity Severity, after time.Duration) Finding {
	return Finding{
		ID: "fnd_new", RuleID: "rotation-disabled", Severity: severity, Description: description, Policy: "p " + description,
		Remedy: []string{description}, FirstSeen: *at(after), LastSeen: *at(after), Fingerprint: "v1:f",
	}
}

// known makes of an occurrence what is known after it.
func known(f Finding, change ...func(*Finding)) *Finding {
	f.ID, f.Status, f.Episode, f.Count = "fnd_old", Open, 1, 1
	for _, c := range change {
		c(&f)
	}
	return &f
}

func byCheckWith(f Finding, points ...string) Finding {
	f.Points = points
	return f
}

func points(points ...string) func(*Finding) { return func(f *Finding) { f.Points = points } }

func resolved(after time.Duration) func(*Finding) {
	return func(f *Finding) { f.Resolve(*at(after), "in order") }
}

func TestObserve(t *testing.T) {
	m := time.Minute
	for name, tc := range map[string]struct {
		prev       *Finding
		now        Finding
		want       *Finding
		transition Transition
	}{
		"the first occurrence opens the first episode": {
			nil, byEvent("e1", High, 0),
			known(byEvent("e1", High, 0), func(f *Finding) { f.ID = "fnd_new" }), Opened,
		},
		"a repetition counts and is not told": {
			known(byEvent("e1", High, 0)), byEvent("e2", High, m),
			known(byEvent("e1", High, 0), func(f *Finding) { f.Count, f.LastSeen = 2, *at(m) }), NoTransition,
		},
		"a milder repetition changes nothing else": {
			known(byEvent("e1", High, 0)), byEvent("e2", Low, m),
			known(byEvent("e1", High, 0), func(f *Finding) { f.Count, f.LastSeen = 2, *at(m) }), NoTransition,
		},
		"an earlier occurrence that comes late moves the beginning": {
			known(byEvent("e1", High, m)), byEvent("e0", High, 0),
			known(byEvent("e1", High, m), func(f *Finding) { f.Count, f.FirstSeen = 2, noon() }), NoTransition,
		},
		"a graver occurrence is told and takes over": {
			known(byEvent("e1", Medium, 0), func(f *Finding) { f.ActionIDs, f.Count = []string{"act_1"}, 4 }),
			byEvent("e2", Critical, m),
			known(byEvent("e2", Critical, m), func(f *Finding) {
				f.ActionIDs, f.Count, f.FirstSeen = []string{"act_1"}, 5, noon()
			}),
			"raised:CRITICAL",
		},
		"done again, what was undone before proves nothing": {
			known(byEvent("e1", High, 0), func(f *Finding) { f.Undone, f.OverSince = true, at(m) }), byEvent("e2", High, 2*m),
			known(byEvent("e1", High, 0), func(f *Finding) { f.Count, f.LastSeen = 2, *at(2 * m) }), NoTransition,
		},
		"a copy that comes late does not take back that it was undone": {
			known(byEvent("e1", High, m), func(f *Finding) { f.Undone, f.OverSince = true, at(m) }), byEvent("e0", High, 0),
			known(byEvent("e1", High, m), func(f *Finding) {
				f.Undone, f.OverSince, f.Count, f.FirstSeen = true, at(m), 2, noon()
			}),
			NoTransition,
		},
		"a check that reads the same again neither counts nor tells": {
			known(byCheck("off", High, 0)), byCheck("off", High, m),
			known(byCheck("off", High, 0), func(f *Finding) { f.LastSeen = *at(m) }), NoTransition,
		},
		"a check's latest reading says it best": {
			known(byCheck("10 days overdue", High, 0)), byCheck("11 days overdue", High, m),
			known(byCheck("11 days overdue", High, 0), func(f *Finding) { f.LastSeen = *at(m) }), NoTransition,
		},
		"a check that reads something graver tells, and does not count": {
			known(byCheck("soon", Low, 0)), byCheck("now", High, m),
			known(byCheck("now", High, m), func(f *Finding) { f.FirstSeen = noon() }), "raised:HIGH",
		},
		"a point that a check had not told of is news and counts": {
			known(byCheck("one account", High, 0), points("444455556666")),
			byCheckWith(byCheck("two accounts", High, m), "444455556666", "999988887777"),
			known(byCheck("two accounts", High, 0), points("444455556666", "999988887777"), func(f *Finding) {
				f.Count, f.LastSeen = 2, *at(m)
			}),
			"more:2",
		},
		"a point that is gone is no news, and back again it is": {
			known(byCheck("two accounts", High, 0), points("444455556666", "999988887777")),
			byCheckWith(byCheck("one account", High, m), "444455556666"),
			known(byCheck("one account", High, 0), points("444455556666"), func(f *Finding) { f.LastSeen = *at(m) }),
			NoTransition,
		},
		"a raised severity tells of new points too": {
			known(byCheck("soon", Low, 0), points("30 days")), byCheckWith(byCheck("now", High, m), "30 days", "1 day"),
			known(byCheck("now", High, m), points("30 days", "1 day"), func(f *Finding) {
				f.Count, f.FirstSeen = 2, noon()
			}),
			"raised:HIGH",
		},
		"after its end the next occurrence opens the next episode": {
			known(byEvent("e1", High, 0), resolved(m), func(f *Finding) { f.Count, f.Episode = 7, 3 }), byEvent("e2", Low, 2*m),
			known(byEvent("e2", Low, 2*m), func(f *Finding) { f.Episode = 4 }), Opened,
		},
		"what a check reads again opens the next episode": {
			known(byCheck("off", High, 0), resolved(m)), byCheck("off", High, 2*m),
			known(byCheck("off", High, 2*m), func(f *Finding) { f.Episode = 2 }), Opened,
		},
		"a late copy of an ended episode is only counted": {
			known(byEvent("e1", High, m), resolved(2*m)), byEvent("e0", High, 0),
			known(byEvent("e1", High, m), resolved(2*m), func(f *Finding) { f.Count = 2 }), NoTransition,
		},
		"a late one that is graver than all the ended episode told of is told": {
			known(byEvent("e1", Medium, m), resolved(2*m)), byEvent("e0", High, 0),
			known(byEvent("e0", High, 0), func(f *Finding) { f.Episode = 2 }), Opened,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before Finding
			if tc.prev != nil {
				before = *tc.prev
			}
			got, transition := Observe(tc.prev, tc.now)
			if diff := cmp.Diff(tc.want, &got); diff != "" {
				t.Errorf("finding (-want +got):\n%s", diff)
			}
			if transition != tc.transition {
				t.Errorf("transition %q, want %q", transition, tc.transition)
			}
			if tc.prev != nil {
				if diff := cmp.Diff(before, *tc.prev); diff != "" {
					t.Errorf("what was known was changed in place (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestResolve(t *testing.T) {
	f := *known(byEvent("e1", High, 0))
	transition := f.Resolve(*at(time.Hour), "rotation is on again")
	want := known(byEvent("e1", High, 0), func(f *Finding) {
		f.Status, f.ResolvedAt, f.ResolvedBy = Resolved, at(time.Hour), "rotation is on again"
	})
	if diff := cmp.Diff(want, &f); diff != "" || transition != Closed {
		t.Errorf("transition %q, finding (-want +got):\n%s", transition, diff)
	}
}

func TestAbout(t *testing.T) {
	for want, f := range map[string]Finding{
		"alias/payments (arn:k)": {Subject: Subject{Key, "arn:k"}, Alias: "alias/payments"},
		"arn:k":                  {Subject: Subject{Key, "arn:k"}},
	} {
		if got := f.About(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
