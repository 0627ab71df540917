package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const command = "(?:bin/)?rotd ([a-z]+(?:-[a-z]+)*(?: (?:list|show|validate|init|schema))?)\\b"

func TestEveryCommandThatDocumentsNameExists(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "rotd")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "../cmd/rotd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as everywhere else: most of it is in the cache
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building rotd: %v\n%s", err, out)
	}
	paths := []string{
		"../README.md", "../CONTRIBUTING.md", "../ARCHITECTURE.md", "systemd/rotd.yaml",
		"systemd/rotd.service",
	}
	docs, err := filepath.Glob("../docs/*.md")
	if err != nil || len(docs) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	named := map[string][]string{} // command → documents
	for _, path := range append(paths, docs...) {
		for _, name := range commandsIn(t, path) {
			named[name] = append(named[name], path)
		}
	}
	for name, paths := range named {
		help := exec.CommandContext(t.Context(), binary, append(strings.Fields(name), "--help")...)
		out, err := help.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "\n  rotd "+name+" ") {
			t.Errorf("%s names `rotd %s`, which rotd does not have", strings.Join(paths, ", "), name)
		}
	}
	if len(named) < 10 {
		t.Errorf("only %d commands found: the documents are written in another way than this test reads", len(named))
	}
}

// commandsIn finds the commands of rotd that a document names: in backticks, or as a line of code.
func commandsIn(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, code := string(content), string(content)
	line := regexp.MustCompile("(?m)^#   " + command)
	if filepath.Ext(path) == ".md" {
		line, code = regexp.MustCompile("(?m)^ *"+command), ""
		for i, part := range strings.Split(text, "```") {
			if i%2 == 1 {
				code += part
			}
		}
	}
	var names []string
	for _, match := range append(line.FindAllStringSubmatch(code, -1),
		regexp.MustCompile("`"+command).FindAllStringSubmatch(text, -1)...) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
