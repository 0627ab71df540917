package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// project makes a git repository of a module with one guarantee, half of it uncommitted, and the given patches.
func project(t *testing.T, patches map[string]string) string {
	t.Helper()
	root := t.TempDir()
	write := func(name, content string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git := func(arguments ...string) {
		command := exec.CommandContext(t.Context(), "git", arguments...)
		command.Dir = root
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", arguments, err, out)
		}
	}
	write("go.mod", "module shop\n\ngo 1.26.0\n")
	write("till/till.go", "package till\n\nfunc Sum(a, b int) int {\n\treturn a + b\n}\n")
	git("init", "-q")
	git("add", ".")
	write("till/till_test.go", "package till\n\nimport \"testing\"\n\n"+
		"func TestSums(t *testing.T) {\n\tif Sum(1, 2) != 3 {\n\t\tt.Error(\"wrong\")\n\t}\n}\n\n"+
		"func TestNothing(t *testing.T) {}\n\n"+
		"func TestAlwaysRed(t *testing.T) { t.Error(\"red\") }\n")
	for name, content := range patches {
		write("test/breaks/"+name, content)
	}
	return root
}

// patch is one that replaces the line `return a + b`.
func patch(header, replacement string) string {
	return header + "\n" +
		"--- a/till/till.go\n+++ b/till/till.go\n@@ -1,5 +1,5 @@\n package till\n \n func Sum(a, b int) int {\n" +
		"-\treturn a + b\n+\t" + replacement + "\n }\n"
}

func TestEachBreakIsSeenRedOrNamed(t *testing.T) {
	const header = "Breaks: sums\nTest: shop/till "
	root := project(t, map[string]string{
		"1-wrong.patch":   patch(header+"TestSums", "return a - b"),
		"2-hangs.patch":   patch(header+"TestSums", `panic("no sum")`),
		"3-blind.patch":   patch(header+"TestNothing", "return a - b"),
		"4-no-go.patch":   patch(header+"TestSums", "return a +"),
		"5-stale.patch":   strings.ReplaceAll(patch(header+"TestSums", "return 3"), "return a + b", "return b + a"),
		"6-no-test.patch": patch(header+"TestGone", "return 3"),
		"7-red.patch":     patch(header+"TestAlwaysRed", "return 3"),
	})

	var out bytes.Buffer
	err := run(t.Context(), &out, root, "", 1, 1)
	if want := "5 of 7 breaks would go unnoticed"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}

	var got []string
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, " ") { // what a failed command printed is indented
			got = append(got, regexp.MustCompile(` \(.*s\)|, in .*`).ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	want := []string{
		"1-wrong.patch: sums · shop/till TestSums · seen red",
		"2-hangs.patch: sums · shop/till TestSums · seen red",
		"3-blind.patch: sums · shop/till TestNothing · NOT: the test still passes",
		"4-no-go.patch: sums · shop/till TestSums · NOT: the patched tree does not compile:",
		"5-stale.patch: sums · shop/till TestSums · NOT: the patch does not apply:",
		"6-no-test.patch: sums · shop/till TestGone · NOT: the test does not pass, or does not exist, without the patch:",
		"7-red.patch: sums · shop/till TestAlwaysRed · NOT: the test does not pass, or does not exist, without the patch:",
		"7 breaks, 2 seen red",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("output (-want +got):\n%s\nwhole:\n%s", diff, out.String())
	}
}

func TestAllSeenRedIsSuccess(t *testing.T) {
	root := project(t, map[string]string{
		"1-wrong.patch": patch("Breaks: sums\nTest: shop/till TestSums", "return a - b"),
		"2-blind.patch": patch("Breaks: sums\nTest: shop/till TestNothing", "return a - b"),
	})
	var out bytes.Buffer
	if err := run(t.Context(), &out, root, "^1-", 1, 2); err != nil {
		t.Errorf("error %v\n%s", err, out.String())
	}
}

func TestABreakIsReadFromItsPatch(t *testing.T) {
	tests := []struct {
		name    string
		content string
		want    breakage
		err     string
	}{
		{
			"a whole header", "Why it matters.\nBreaks: a message is deleted before its commit\n" +
				"Test: rotd/internal/engine TestDeletes\n\ndiff --git a/x b/x\nTest: not a header\n",
			breakage{breaks: "a message is deleted before its commit", test: test{"rotd/internal/engine", "TestDeletes"}},
			"",
		},
		{
			"no test", "Breaks: something\ndiff --git a/x b/x\n",
			breakage{},
			"x.patch: lacks a line Breaks: or Test: before its first hunk",
		},
		{
			"no word on what breaks", "Test: p TestX\n--- a/x\n",
			breakage{},
			"x.patch: lacks a line Breaks: or Test: before its first hunk",
		},
		{
			"a subtest", "Breaks: x\nTest: p TestX/one\n",
			breakage{},
			`x.patch: Test: "p TestX/one" is no import path and top-level test`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.patch")
			if err := os.WriteFile(path, []byte(test.content), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := readBreak(path)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("error %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			test.want.file, test.want.patch = "x.patch", path
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestNoPatchesProveNothing(t *testing.T) {
	err := run(t.Context(), &bytes.Buffer{}, project(t, nil), "", 1, 2)
	if err == nil || !strings.HasPrefix(err.Error(), "no patches in ") {
		t.Errorf("error %v", err)
	}
}
