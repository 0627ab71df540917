package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// tree is a copy of the project: what git tracks and what it would, changes included.
type tree struct{ root string }

// copyFrom fills the tree with the files of the project at source.
func (t tree) copyFrom(ctx context.Context, source string) error {
	list := exec.CommandContext(ctx, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = source
	names, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing the project's files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		err := copyFile(filepath.Join(source, name), filepath.Join(t.root, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // tracked, and deleted since
			return fmt.Errorf("copying the project: %w", err)
		}
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

// apply applies a patch, or with the flag --check only tries to.
func (t tree) apply(ctx context.Context, patch string, flags ...string) error {
	arguments := append([]string{"apply", "--whitespace=nowarn"}, flags...)
	apply := exec.CommandContext(ctx, "git", append(arguments, patch)...)
	apply.Dir = t.root
	// Were the copy inside a repository, git would look for the patch's files there.
	apply.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(t.root))
	if out, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("the patch does not apply:\n%s", out)
	}
	return nil
}

// goTest runs the tests of pkg that pattern names, and tells whether anything failed. With -trimpath the copies share
// compiled packages: where they lie does not matter then. What vet would say is not what a break is to be seen by.
// Compiling and linking is most of the time: a package that is built for one test is not optimised, and has no symbols.
func (t tree) goTest(ctx context.Context, pkg, pattern string) (output string, failed bool) {
	run := exec.CommandContext(ctx, "go", "test", "-trimpath", "-vet=off", "-gcflags=-N -l", "-ldflags=-s -w", "-count=1",
		"-timeout=5m", "-v", "-run=^("+pattern+")$", pkg)
	run.Dir = t.root
	out, err := run.CombinedOutput()
	return string(out), err != nil
}

// passing runs the tests of all breaks and answers why those that do not pass do not.
func (t tree) passing(ctx context.Context, breaks []breakage) (map[test]error, error) {
	byPackage := map[string][]string{}
	for _, b := range breaks {
		if !slices.Contains(byPackage[b.test.pkg], b.test.name) {
			byPackage[b.test.pkg] = append(byPackage[b.test.pkg], b.test.name)
		}
	}
	reasons := map[test]error{}
	for pkg, names := range byPackage {
		output, _ := t.goTest(ctx, pkg, strings.Join(names, "|"))
		for _, name := range names {
			if !strings.Contains("\n"+output, "\n--- PASS: "+name+" ") {
				reasons[test{pkg, name}] = fmt.Errorf(
					"the test does not pass, or does not exist, without the patch:\n%s", output)
			}
		}
	}
	return reasons, ctx.Err()
}
