package trail

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rotd/internal/events"
)

// tree writes files with no content and returns the folder they are in.
func tree(t *testing.T, names ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// found is the files under paths, relative to root, and how many errors there were.
func found(t *testing.T, root string, paths ...string) (files []File, errs int) {
	t.Helper()
	for file, err := range new(Archive).Files(t.Context(), paths...) {
		if err != nil {
			errs++
			continue
		}
		name, err := filepath.Rel(root, file.Path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Path: filepath.ToSlash(name), Skipped: file.Skipped})
	}
	return files, errs
}

func byPath() cmp.Option { return cmpopts.IgnoreUnexported(File{}) }

func TestFilesAreFoundInTheOrderOfTheirNames(t *testing.T) {
	root := tree(t, "2026/11/20/b.json.gz", "2026/11/20/a.json.gz", "2026/11/19/z.jsonl", "2026/10/x.json", "notes.txt",
		"AWSLogs/1/CloudTrail-Digest/d.json.gz", "AWSLogs/1/CloudTrail-Insight/i.json.gz",
		"AWSLogs/1/CloudTrail-NetworkActivity/n.json.gz", "AWSLogs/1/CloudTrail-Aggregated/g.json.gz",
		"AWSLogs/1/CloudTrail/t.jsonl.gz")
	want := []File{
		{Path: "2026/10/x.json"},
		{Path: "2026/11/19/z.jsonl"},
		{Path: "2026/11/20/a.json.gz"},
		{Path: "2026/11/20/b.json.gz"},
		{Path: "AWSLogs/1/CloudTrail/t.jsonl.gz"},
		{Path: "AWSLogs/1/CloudTrail-Aggregated/g.json.gz", Skipped: "skipped-file"},
		{Path: "AWSLogs/1/CloudTrail-Digest/d.json.gz", Skipped: "skipped-file"},
		{Path: "AWSLogs/1/CloudTrail-Insight/i.json.gz", Skipped: "skipped-file"},
		{Path: "AWSLogs/1/CloudTrail-NetworkActivity/n.json.gz", Skipped: "skipped-file"},
	}
	got, errs := found(t, root, root)
	if diff := cmp.Diff(want, got, byPath()); diff != "" || errs > 0 {
		t.Errorf("%d errors, files (-want +got):\n%s", errs, diff)
	}
}

func TestFilesGivenByNameAreTakenAsTheyAre(t *testing.T) {
	root := tree(t, "notes.txt", "b/two.json", "a/one.json")
	got, errs := found(t, root, filepath.Join(root, "notes.txt"), filepath.Join(root, "gone"), filepath.Join(root, "b"))
	if diff := cmp.Diff([]File{{Path: "notes.txt"}, {Path: "b/two.json"}}, got, byPath()); diff != "" || errs != 1 {
		t.Errorf("%d errors, want 1; files (-want +got):\n%s", errs, diff)
	}
}

func TestFilesFollowsOnlyTheLinksItIsGiven(t *testing.T) {
	root := tree(t, "real/one.json")
	for link, target := range map[string]string{"link": "real", "real/loop": "..", "real/link.json": "one.json"} {
		if err := os.Symlink(target, filepath.Join(root, filepath.FromSlash(link))); err != nil {
			t.Fatal(err)
		}
	}
	got, errs := found(t, root, filepath.Join(root, "link"))
	if diff := cmp.Diff([]File{{Path: "real/one.json"}}, got, byPath()); diff != "" || errs > 0 {
		t.Errorf("%d errors, files (-want +got):\n%s", errs, diff)
	}
}

func TestFilesStopsWhenAsked(t *testing.T) {
	root := tree(t, "a.json", "b.json")
	n := 0
	for range new(Archive).Files(t.Context(), root, root) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d files after a break", n)
	}
}

func TestReadingReadsLinesAfterACutOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.jsonl.gz")
	if err := os.WriteFile(path, zip(t, "{\"a\":{\n{\"b\":1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stats, err := new(Archive).Read(t.Context(), &File{Path: path}, discard)
	if err != nil || stats.Records != 2 {
		t.Errorf("%d records, error %v", stats.Records, err)
	}
	if _, err := new(Archive).Read(t.Context(), &File{Path: path + ".gone"}, discard); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}

// replayed is what reading and decoding everything under a folder came to.
type replayed struct{ Files, Skipped, Records, KMS, Malformed, Distinct int }

func replay(t *testing.T, folder string) replayed {
	t.Helper()
	var r replayed
	seen := map[string]bool{}
	decoder := events.NewDecoder(nil)
	for file, err := range new(Archive).Files(t.Context(), folder) {
		if err != nil {
			t.Fatal(err)
		}
		if file.Skipped != "" {
			r.Skipped++
			continue
		}
		r.Files++
		stats, err := new(Archive).Read(t.Context(), &file, func(raw []byte) error {
			e, _, malformed := decoder.DecodeRecord(raw)
			if malformed != nil {
				r.Malformed++
				return nil //nolint:nilerr // counted
			}
			if e.EventSource == "kms.amazonaws.com" {
				r.KMS++
			}
			seen[e.EventID] = true
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", file.Path, err)
		}
		r.Records += stats.Records
	}
	r.Distinct = len(seen)
	return r
}

func TestTheProjectsOwnTrailIsReadWhole(t *testing.T) {
	for folder, want := range map[string]replayed{
		"trail":           {Files: 5, Skipped: 1, Records: 56, KMS: 41, Distinct: 55},
		"trail-malformed": {Files: 1, Records: 3, KMS: 2, Malformed: 1, Distinct: 2},
	} {
		got := replay(t, filepath.Join("..", "..", "..", "testdata", folder))
		if diff := cmp.Diff(want, got, byPath()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", folder, diff)
		}
	}
}

func TestRealLogsAreReadWhole(t *testing.T) {
	folder := filepath.Join("..", "..", "..", "..", "shared", "testdata", "cloudtrail", "real", "attack-2023-07-10")
	if _, err := os.Stat(folder); err != nil {
		t.Skip("no extra logs beside the repository:", folder)
	}
	want := replayed{Files: 55, Records: 2900, KMS: 240, Distinct: 2900}
	if diff := cmp.Diff(want, replay(t, folder)); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}
