package detection

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/baseline"
	"rotd/internal/events"
	"rotd/internal/inventory"
)

// sharedTrail is a folder of logs not part of this repository; tests over it run where it exists.
func sharedTrail(t *testing.T, parts ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "testdata", "cloudtrail"}, parts...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no extra logs beside the repository:", path)
	}
	return path
}

// realAttack is the events of a recorded attack, in the order of the files.
func realAttack(t *testing.T, judge *Judge) (all []events.Event) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sharedTrail(t, "real", "attack-2023-07-10"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content, err := events.NewDecoder(judge).Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content.Events...)
	}
	return all
}

// weeksBefore teaches a world that the attacked account's user reads two of the secrets and parameters each day.
func (w *world) weeksBefore(all []events.Event) {
	read := map[string]int{}
	for i := range all {
		ev := all[i]
		if ev.EventName != "Decrypt" || ev.Key.ARN == "" || read[ev.Key.ARN] == 2 {
			continue
		}
		read[ev.Key.ARN]++
		w.keys[ev.Key.ARN] = &inventory.Key{ARN: ev.Key.ARN, Account: ev.RecipientAccountID, Region: ev.AWSRegion}
		for day := range 21 {
			ev.EventTime = all[i].EventTime.AddDate(0, 0, day-21)
			w.observes(&ev)
		}
	}
}

func TestRealAttackIsFoundAndNothingElse(t *testing.T) {
	trail := []string{
		"2023-07-10T12:00:08Z PutEventSelectors trail-blinded CRITICAL A trail no longer records KMS",
		"2023-07-10T12:08:04Z DeleteTrail trail-blinded CRITICAL A trail was deleted",
		"2023-07-10T12:08:04Z DeleteTrail trail-blinded CRITICAL A trail was deleted",
	}
	const spike = " Decrypt decrypt-spike HIGH Somebody decrypts far more different things than usual"
	tests := []struct {
		name  string
		burst bool
		want  []string // a finding of a fingerprint is told the first time
	}{
		{"with the burst that reads secrets and parameters", true, append([]string{
			"2023-07-10T11:57:52Z" + spike,
			"2023-07-10T11:58:20Z" + spike,
		}, trail...)},
		{"without it", false, trail},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			judge := NewJudge(Settings{Learning: DefaultLearning})
			w := &world{
				memory: make(map[string]remembered), keys: make(map[string]*inventory.Key),
				learnt: make(map[string]*baseline.Key), callers: make(map[baseline.ID]*baseline.Principal),
			}
			all := realAttack(t, judge)
			w.weeksBefore(all)
			repeated := map[string]bool{}
			var got []string
			for i := range all {
				ev := &all[i]
				if !test.burst && ev.EventName == "Decrypt" {
					continue
				}
				c := w.context()
				c.Observed = w.observes(ev)
				found, panics := judge.Event(c, ev)
				for _, p := range panics {
					t.Fatalf("%v\n%s", p, p.Stack)
				}
				for _, f := range found {
					if f.RuleID == "decrypt-spike" && repeated[f.Fingerprint] {
						continue
					}
					repeated[f.Fingerprint] = true
					got = append(got, f.EventTime.Format(time.RFC3339)+" "+f.EventName+" "+f.RuleID+" "+told(&f))
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPublishedExamplesAreJudged(t *testing.T) {
	text, err := os.ReadFile(sharedTrail(t, "examples", "kms-operations.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	judge := NewJudge(Settings{})
	w := &world{memory: make(map[string]remembered)}
	got := make(map[string]int)
	for line := range bytes.Lines(text) {
		ev, _, err := events.NewDecoder(nil).DecodeRecord(line)
		if err != nil {
			t.Fatal(err)
		}
		found, panics := judge.Event(w.context(), &ev)
		for _, p := range panics {
			t.Fatalf("%v\n%s", p, p.Stack)
		}
		for i := range found {
			checkFinding(t, &found[i])
			got[found[i].RuleID]++
		}
	}
	want := map[string]int{
		"alias-retargeted": 1, "cross-account-use": 1, "external-origin-key-created": 3, "grant-to-outsider": 1,
		"key-deleted": 3, "key-deletion-cancelled": 2, "key-deletion-scheduled": 3, "key-disabled": 1,
		"key-policy-changed": 1, "key-replicated": 2, "key-store-changed": 4, "material-deleted": 1,
		"material-expired": 1, "material-imported": 1, "rotation-turned-off": 1, "rotation-unplanned": 1,
		"write-without-mfa": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}
