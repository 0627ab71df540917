package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// test is one top-level test of a package.
type test struct {
	pkg  string // import path
	name string
}

// breakage is one patch: what it breaks, and the test that has to notice.
type breakage struct {
	file   string // the patch's base name
	patch  string // its absolute path
	breaks string // in words
	test   test
}

var testLine = regexp.MustCompile(`^(\S+) (Test\w*)$`)

// readBreak reads a patch's header: the lines before its first hunk.
func readBreak(path string) (breakage, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return breakage{}, fmt.Errorf("reading a patch: %w", err)
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return breakage{}, fmt.Errorf("reading a patch: %w", err)
	}
	b := breakage{file: filepath.Base(path), patch: absolute}
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "diff ") || strings.HasPrefix(line, "--- ") {
			break
		}
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "Breaks":
			b.breaks = value
		case "Test":
			parts := testLine.FindStringSubmatch(value)
			if parts == nil {
				return breakage{}, fmt.Errorf("%s: Test: %q is no import path and top-level test", b.file, value)
			}
			b.test = test{pkg: parts[1], name: parts[2]}
		}
	}
	if b.breaks == "" || b.test.name == "" {
		return breakage{}, fmt.Errorf("%s: lacks a line Breaks: or Test: before its first hunk", b.file)
	}
	return b, nil
}

// prove applies the patch to a copy of root and runs its test there. It answers nil if the test failed, else why the
// break went unnoticed or could not be tried.
func (b breakage) prove(ctx context.Context, copied tree, root string) error {
	defer os.RemoveAll(copied.root)
	if err := copied.copyFrom(ctx, root); err != nil {
		return err
	}
	if err := copied.apply(ctx, b.patch); err != nil {
		return err
	}
	output, failed := copied.goTest(ctx, b.test.pkg, b.test.name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case !failed:
		return errors.New("the test still passes")
	case strings.Contains(output, "[build failed]") || strings.Contains(output, "[setup failed]"):
		return fmt.Errorf("the patched tree does not compile:\n%s", output)
	case !strings.Contains(output, "--- FAIL: "+b.test.name) && !strings.Contains(output, "\npanic: "):
		return fmt.Errorf("go test failed, but not the test:\n%s", output)
	}
	return nil
}

// verdict is the line, or with a failure's output the lines, printed about a patch.
func (b breakage) verdict(reason error, took time.Duration) string {
	seen := "seen red"
	if reason != nil {
		seen = "NOT: " + strings.ReplaceAll(strings.TrimSpace(reason.Error()), "\n", "\n    ")
	}
	return fmt.Sprintf("%s: %s · %s %s · %s (%.1fs)\n",
		b.file, b.breaks, b.test.pkg, b.test.name, seen, took.Seconds())
}
