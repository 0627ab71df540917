package trail

import (
	"fmt"
	"path"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// backfilled is an archive of three hours and two backfills in a chain of their own, with a log file each.
func backfilled(t *testing.T, by, backfiller *signer, begins ...int) []delivered {
	t.Helper()
	files := archive(t, by, 3)
	var previous *delivered
	for hour := range 2 {
		log := delivered{path: logAt(hour, 7), body: `{"Records":[]}`}
		members := backfiller.members(backfillAt(hour), hour, named(&log))
		if previous != nil && !slices.Contains(begins, hour) {
			follows(members, previous)
		}
		backfill := backfiller.sign(t, backfillAt(hour), members)
		files, previous = append(files, log, backfill), &backfill
	}
	return files
}

func TestBackfillsAreAChainOfTheirOwn(t *testing.T) {
	by, later := newSigner(t, "aaaa"), newSigner(t, "bbbb")
	later.From = firstHour.AddDate(0, 0, 7) // CloudTrail signs backfills when it makes them
	for _, test := range []struct {
		name   string
		begins []int
		remove string
		valid  [4]int // as in TestValidationTellsWhatWasDoneToAnArchive
		want   []string
	}{
		{name: "as they were delivered", valid: [4]int{5, 5, 6, 6}},
		{
			name:   "each begins a chain: they come when there is need, so that there is no gap between them",
			begins: []int{1}, valid: [4]int{5, 5, 6, 6},
		},
		{
			name: "the first one was removed", remove: backfillAt(0), valid: [4]int{4, 5, 5, 6},
			want: []string{
				"digest missing " + path.Base(backfillAt(0)), "log uncovered " + path.Base(logAt(0, 7)),
			},
		},
		{
			name: "the digest of its hour was removed", remove: digestAt(1), valid: [4]int{4, 5, 6, 6},
			want: []string{"digest missing " + path.Base(digestAt(1))},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := slices.DeleteFunc(backfilled(t, by, later, test.begins...), func(f delivered) bool {
				return f.path == test.remove
			})
			got, lines := validate(Days{From: firstHour}, files, by.PublicKey, later.PublicKey)
			if diff := cmp.Diff(test.want, lines); diff != "" {
				t.Errorf("verdicts (-want +got):\n%s\n%+v", diff, got.Verdicts)
			}
			if counts := [4]int{got.ValidDigests, got.Digests, got.ValidLogs, got.Logs}; counts != test.valid {
				t.Errorf("%v are valid, want %v", counts, test.valid)
			}
		})
	}
}

func TestADigestIsNotSignedByALaterKeyUnlessItIsABackfill(t *testing.T) {
	later := newSigner(t, "bbbb")
	later.From = firstHour.AddDate(0, 0, 7)
	_, lines := validate(Days{}, archive(t, later, 1), later.PublicKey)
	if len(lines) != 3 || lines[0] != "digest key-unknown "+path.Base(digestAt(0)) {
		t.Errorf("verdicts %q", lines)
	}
}

func TestBackfillsNeedTheKeysOfTheirRegionsUpToNow(t *testing.T) {
	by := newSigner(t, "aaaa")
	v := NewValidation(Days{})
	for _, f := range backfilled(t, by, by) {
		if isDigest(f.path) {
			v.Digest(f.path, []byte(f.body), "")
		}
	}
	now := firstHour.AddDate(0, 1, 0)
	regions, from, to := v.KeysOf(now)
	if diff := cmp.Diff([]string{"eu-west-1", "us-east-1"}, regions); diff != "" ||
		!from.Equal(firstHour) || !to.Equal(now) {
		t.Errorf("from %s to %s, Regions (-want +got):\n%s", from, to, diff)
	}
}

func TestANewChainIsToldApartFromARemovedDigest(t *testing.T) {
	by := newSigner(t, "aaaa")
	files := slices.DeleteFunc(archive(t, by, 5, 3), func(f delivered) bool { return f.path == digestAt(1) })
	_, lines := validate(Days{}, files, by.PublicKey)
	want := []string{"digest gap " + path.Base(digestAt(3)), "digest missing " + path.Base(digestAt(1))}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestWhatWasNotTriedIsNotMissing(t *testing.T) {
	by := newSigner(t, "aaaa")
	files := slices.DeleteFunc(archive(t, by, 3), func(f delivered) bool {
		return f.path == digestAt(0) || f.path == logAt(2, 1)
	})
	v := NewValidation(Days{From: firstHour})
	for _, f := range files {
		take(v, f.path, f)
	}
	v.Untried()
	var got []string
	for _, verdict := range v.End([]PublicKey{by.PublicKey}).Verdicts {
		got = append(got, fmt.Sprintf("%s %s %s", verdict.Kind, verdict.Verdict, path.Base(verdict.Path)))
	}
	want := []string{
		"digest untried " + path.Base(digestAt(0)), "log unproven " + path.Base(logAt(0, 0)),
		"log unproven " + path.Base(logAt(0, 1)), "log untried " + path.Base(logAt(2, 1)),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestADigestThatCannotBeReadIsNotMissingAndLeavesItsLogFilesUnproven(t *testing.T) {
	by := newSigner(t, "aaaa")
	v := NewValidation(Days{From: firstHour})
	for _, f := range archive(t, by, 3) {
		if f.path == digestAt(0) {
			v.Unread(f.path, "denied")
			continue
		}
		take(v, f.path, f)
	}
	const why = "no digest names it that was read, and not every one was"
	want := []Verdict{
		{OfDigest, digestAt(0), Unreadable, "denied"},
		{OfLog, logAt(0, 0), Unproven, why},
		{OfLog, logAt(0, 1), Unproven, why},
	}
	got := v.End([]PublicKey{by.PublicKey})
	if diff := cmp.Diff(want, got.Verdicts); diff != "" || got.Digests != 3 || got.ValidDigests != 2 {
		t.Errorf("%d of %d digests, verdicts (-want +got):\n%s", got.ValidDigests, got.Digests, diff)
	}
}

func TestInACopyWithoutFoldersTheNamesTellTheDays(t *testing.T) {
	by := newSigner(t, "aaaa")
	files := archive(t, by, 26) // up to noon of the next day
	for _, days := range []Days{
		{From: firstHour.AddDate(0, 0, 1)},
		{To: firstHour},
		{From: firstHour.AddDate(0, 0, -1), To: firstHour.AddDate(0, 0, 1)},
	} {
		flat, folders := NewValidation(days), NewValidation(days)
		for _, f := range files {
			take(flat, path.Base(f.path), f)
			take(folders, f.path, f)
		}
		keys := []PublicKey{by.PublicKey}
		got, want := flat.End(keys), folders.End(keys)
		if len(got.Verdicts) > 0 || got.ValidLogs != want.ValidLogs || want.ValidLogs == 0 {
			t.Errorf("%v: %d valid log files, %d with folders, %+v", days, got.ValidLogs, want.ValidLogs, got.Verdicts)
		}
	}
}

func TestLogFilesThatHoldNoCallsAreNotReadAndNotMissing(t *testing.T) {
	by := newSigner(t, "aaaa")
	const folder = "AWSLogs/1/CloudTrail-Insight/eu-west-1/2026/03/14/"
	insight := delivered{path: folder + "1_CloudTrail-Insight_eu-west-1_20260314T1030Z_y.json.gz"}
	digest := by.sign(t, digestAt(0), by.members(digestAt(0), 0, named(&insight)))
	got, lines := validate(Days{}, []delivered{digest}, by.PublicKey)
	if len(lines) > 0 || got.Logs != 0 || got.ValidDigests != 1 {
		t.Errorf("%+v", got)
	}
}

func TestOfTooManyVerdictsAlwaysTheSameAreKept(t *testing.T) {
	by := newSigner(t, "aaaa")
	var logs []map[string]any
	for n := range maxVerdicts + 100 {
		logs = append(logs, named(&delivered{path: fmt.Sprintf("%s_%d.json", logAt(0, 0), n)}))
	}
	digest := by.sign(t, digestAt(0), by.members(digestAt(0), 0, logs...))
	once, _ := validate(Days{}, []delivered{digest}, by.PublicKey)
	again, _ := validate(Days{}, []delivered{digest}, by.PublicKey)
	if once.Invalid != maxVerdicts+100 || len(once.Verdicts) != maxVerdicts {
		t.Errorf("%d verdicts, %d kept", once.Invalid, len(once.Verdicts))
	}
	if !slices.Equal(once.Verdicts, again.Verdicts) {
		t.Error("others are kept the second time")
	}
}
