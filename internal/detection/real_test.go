package detection

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rotd/internal/events"
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

func TestRealAttackIsFoundAndNothingElse(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedTrail(t, "real", "attack-2023-07-10"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	judge := NewJudge(Settings{})
	w := &world{memory: make(map[string]remembered)}
	var got []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		content, err := events.NewDecoder(judge).Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		for i := range content.Events {
			found, panics := judge.Event(w.context(), &content.Events[i])
			for _, p := range panics {
				t.Fatalf("%v\n%s", p, p.Stack)
			}
			for _, f := range found {
				got = append(got, f.EventTime.Format(time.RFC3339)+" "+f.EventName+" "+f.RuleID+" "+told(&f))
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"2023-07-10T12:00:08Z PutEventSelectors trail-blinded CRITICAL A trail no longer records KMS",
		"2023-07-10T12:08:04Z DeleteTrail trail-blinded CRITICAL A trail was deleted",
		"2023-07-10T12:08:04Z DeleteTrail trail-blinded CRITICAL A trail was deleted",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
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
		"alias-retargeted": 1, "key-deleted": 3, "key-deletion-cancelled": 2, "key-deletion-scheduled": 3,
		"key-disabled":       1,
		"key-policy-changed": 1, "material-deleted": 1, "material-expired": 1, "rotation-turned-off": 1,
		"rotation-unplanned": 1,
		"cross-account-use":  1, "write-without-mfa": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}
