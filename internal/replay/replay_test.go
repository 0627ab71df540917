package replay_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/detection"
	"rotd/internal/policy"
	"rotd/internal/replay"
	"rotd/internal/suppression"
)

// root is the repository's.
const root = "../.."

var update = flag.Bool("update", false, "write the golden files anew")

func run(t *testing.T, o replay.Options) *replay.Result {
	t.Helper()
	if o.Judge == nil {
		o.Judge = detection.NewJudge(detection.Settings{Learning: detection.DefaultLearning})
	}
	got, err := replay.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// anyTime compares summaries but for the time they took, and of what they are.
func anyTime() cmp.Option {
	return cmpopts.IgnoreFields(replay.Summary{}, "Seconds", "First", "Last", "Stored")
}

// lines is what a replay found, a line each.
func lines(r *replay.Result) string {
	var b strings.Builder
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "%s %-13s %-26s ×%d %s\n    %s\n    by %s\n", f.EventTime.Format(time.RFC3339), f.Severity, f.RuleID,
			f.Count, f.EventName, f.Subject.ID, f.PrincipalARN)
	}
	return b.String()
}

func TestSmallTrail(t *testing.T) {
	got := run(t, replay.Options{Paths: []string{filepath.Join(root, "testdata/trail")}})
	want := replay.Summary{
		Files: 5, Records: 56, KMSRecords: 41, OtherRecords: 2, Duplicates: 1, Ignored: 13,
		Findings: len(got.Findings), Bytes: got.Summary.Bytes,
	}
	if diff := cmp.Diff(want, got.Summary, anyTime()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if got.Skipped != 1 || got.Failed != 0 {
		t.Errorf("%d files skipped, problems: %v", got.Skipped, got.Problems)
	}
	golden(t, "testdata/trail.golden", lines(got))
}

func TestWhatASuppressionHidesIsCountedAndNotTold(t *testing.T) {
	whole := run(t, replay.Options{Paths: []string{filepath.Join(root, "testdata/trail")}})
	hide := func(expires time.Time) *replay.Result {
		return run(t, replay.Options{
			Paths: []string{filepath.Join(root, "testdata/trail")},
			Suppressions: suppression.NewSet([]suppression.Suppression{{
				Rules: []string{"root-used-key"}, Accounts: []string{whole.Findings[0].Account}, Expires: expires,
			}}, detection.Suppressible(nil), nil),
		})
	}
	got := hide(whole.Summary.Last.Add(time.Second))
	if n := len(whole.Findings) - len(got.Findings); n != 1 || got.Summary.Suppressed == 0 ||
		got.Summary.Findings != len(got.Findings) {
		t.Errorf("%d findings fewer, %+v", n, got.Summary)
	}
	if got := hide(whole.Summary.First); len(got.Findings) != len(whole.Findings) || got.Summary.Suppressed != 0 {
		t.Errorf("one that expired before hides: %+v", got.Summary)
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestTwiceTheSameFolderIsAllDuplicates(t *testing.T) {
	folder := filepath.Join(root, "testdata/trail")
	once := run(t, replay.Options{Paths: []string{folder}})
	twice := run(t, replay.Options{Paths: []string{folder, folder}})
	want := once.Summary
	want.Files, want.Records, want.Bytes = 2*want.Files, 2*want.Records, 2*want.Bytes
	want.KMSRecords, want.OtherRecords, want.Ignored = 2*want.KMSRecords, 2*want.OtherRecords, 2*want.Ignored
	want.Duplicates = want.KMSRecords/2 + want.OtherRecords/2 + 1
	if diff := cmp.Diff(want, twice.Summary, anyTime()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(once.Findings, twice.Findings); diff != "" {
		t.Errorf("findings (-once +twice):\n%s", diff)
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	record := `{"eventVersion":"1.11","eventID":"1","eventTime":"2026-03-14T12:00:00Z",` +
		`"eventSource":"kms.amazonaws.com","eventName":"ListKeys","awsRegion":"eu-west-1"}`
	write("cut.json", `{"Records":[`+record)
	write("good.jsonl", record+"\n"+strings.Replace(record, `"1"`, `"2"`, 1)+"\n")
	write("lines.jsonl", "{}\n"+strings.Replace(record, `"1"`, `"3"`, 1)+"\n")
	write("notes.txt", "not looked at")

	got := run(t, replay.Options{Paths: []string{dir, filepath.Join(dir, "missing.json")}})
	want := replay.Summary{Files: 3, Records: 5, KMSRecords: 4, Duplicates: 1, Malformed: 1, Bytes: got.Summary.Bytes}
	if diff := cmp.Diff(want, got.Summary, anyTime()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	var problems []string
	for _, p := range got.Problems {
		problems = append(problems, strings.ReplaceAll(p.String(), dir, "DIR"))
	}
	wantProblems := []string{
		"DIR/cut.json: log file is damaged after 1 records (byte 165 unzipped): ends in the middle of a value",
		`DIR/lines.jsonl: record 1: malformed (missing-field) at byte 0: "eventSource" is missing`,
		"DIR/missing.json: cannot be read: no such file or directory",
	}
	if diff := cmp.Diff(wantProblems, problems); diff != "" || got.Failed != 3 {
		t.Errorf("%d problems (-want +got):\n%s", got.Failed, diff)
	}
}

func TestAPlaceThatCannotBeIsNamedOnce(t *testing.T) {
	got := run(t, replay.Options{Paths: []string{"s3://x"}})
	want := []replay.Problem{{Path: "s3://x", What: "not a bucket's name"}}
	if diff := cmp.Diff(want, got.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestNothingThereIsAProblem(t *testing.T) {
	dir := t.TempDir()
	got := run(t, replay.Options{Paths: []string{dir}})
	want := []replay.Problem{{Path: dir, What: "no log files there (.json, .jsonl, .gz)"}}
	if diff := cmp.Diff(want, got.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestPolicyExpectsItsPrincipals(t *testing.T) {
	got := run(t, replay.Options{
		Paths: []string{filepath.Join(root, "testdata/trail")},
		Policies: policy.Set{{
			Name: "all", Mode: policy.Observe, Allow: []string{"arn:aws:iam::111122223333:user/mallory"},
		}},
	})
	for i := range got.Findings {
		if f := &got.Findings[i]; f.RuleID == "rotation-turned-off" {
			if f.Policy != "all" {
				t.Errorf("policy %q", f.Policy)
			}
			return
		}
	}
	t.Error("rotation-turned-off was not found")
}

func TestInterruptionEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := replay.Run(ctx, replay.Options{
		Paths: []string{filepath.Join(root, "testdata/trail")}, Judge: detection.NewJudge(detection.Settings{}),
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestProgressIsToldPerFile(t *testing.T) {
	var files []int
	run(t, replay.Options{
		Paths:    []string{filepath.Join(root, "testdata/trail")},
		Progress: func(_ string, s replay.Summary) { files = append(files, s.Files) },
	})
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5}, files); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

func TestRealAttack(t *testing.T) {
	trail := filepath.Join(root, "../shared/testdata/cloudtrail/real/attack-2023-07-10")
	if _, err := os.Stat(trail); err != nil {
		t.Skip("the recorded attack is not there: ", err)
	}
	// Nothing is known from before the attack: rules have to compare at once.
	got := run(t, replay.Options{Paths: []string{trail}, Judge: detection.NewJudge(detection.Settings{})})
	want := replay.Summary{
		Files: 55, Records: 2900, KMSRecords: 240, OtherRecords: got.Summary.OtherRecords,
		Ignored: 2900 - 240 - got.Summary.OtherRecords, Findings: 5, Bytes: got.Summary.Bytes,
	}
	if diff := cmp.Diff(want, got.Summary, anyTime()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	type found struct{ At, Rule, Event string }
	var all []found
	for i := range got.Findings {
		f := &got.Findings[i]
		all = append(all, found{f.EventTime.Format(time.TimeOnly), f.RuleID, f.EventName})
	}
	wantFound := []found{
		{"11:57:52", "decrypt-spike", "Decrypt"}, // secrets
		{"11:58:20", "decrypt-spike", "Decrypt"}, // parameters
		{"12:00:08", "trail-blinded", "PutEventSelectors"},
		{"12:08:04", "trail-blinded", "DeleteTrail"},
		{"12:08:04", "trail-blinded", "DeleteTrail"},
	}
	if diff := cmp.Diff(wantFound, all); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got.Failed != 0 {
		t.Errorf("problems: %v", got.Problems)
	}
}
