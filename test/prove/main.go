// Command prove shows that the project's guarantees cannot be broken unnoticed. It applies each patch of test/breaks to
// a copy of the tree and expects the test that the patch names to fail there, and to pass without the patch.
//
// A patch says so itself, in lines before its first hunk:
//
//	Breaks: a message is deleted before its commit
//	Test: rotd/internal/engine TestAMessageIsDeletedOnlyAfterItsCommit
//
// A patch that no longer applies, or that does not compile, proves nothing and fails the run.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	only := flag.String("run", "", "prove only the patches whose file name matches this regular expression")
	share := flag.Int("share", 1, "prove one patch in so many, others with each commit; all have to apply")
	parallel := flag.Int("p", 4, "how many patches at a time: their tests mostly wait in vain")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, ".", *only, *share, *parallel)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(1)
	}
}

// run proves one in share of the patches of the tree at root whose names match only, and prints a line for each.
func run(ctx context.Context, out io.Writer, root, only string, share, parallel int) error {
	breaks, err := readBreaks(filepath.Join(root, "test", "breaks"), only)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "rotd-prove-")
	if err != nil {
		return fmt.Errorf("making a folder for the copies: %w", err)
	}
	defer os.RemoveAll(scratch)

	began := time.Now()
	whole := tree{root: filepath.Join(scratch, "whole")}
	if err := whole.copyFrom(ctx, root); err != nil {
		return err
	}
	if share > 1 {
		if err := whole.takes(ctx, breaks); err != nil {
			return err
		}
		picked := shareOf(breaks, share, commitOf(ctx, root))
		fmt.Fprintf(out, "%d breaks all apply; this commit's share is %d of them\n", len(breaks), len(picked))
		breaks = picked
	}
	notGreen, err := whole.passing(ctx, breaks)
	if err != nil {
		return err
	}

	reasons := make([]error, len(breaks)) // why not seen red
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(max(1, parallel))
	var printing sync.Mutex
	for i, b := range breaks {
		workers.Go(func() error {
			start := time.Now()
			if reasons[i] = notGreen[b.test]; reasons[i] == nil {
				reasons[i] = b.prove(ctx, tree{root: filepath.Join(scratch, b.file)}, root)
			}
			printing.Lock()
			defer printing.Unlock()
			fmt.Fprint(out, b.verdict(reasons[i], time.Since(start)))
			return ctx.Err()
		})
	}
	if err := workers.Wait(); err != nil {
		return err
	}

	red := 0
	for _, reason := range reasons {
		if reason == nil {
			red++
		}
	}
	fmt.Fprintf(out, "%d breaks, %d seen red, in %s\n", len(breaks), red, time.Since(began).Round(time.Second))
	if red < len(breaks) {
		return fmt.Errorf("%d of %d breaks would go unnoticed", len(breaks)-red, len(breaks))
	}
	return nil
}

// readBreaks reads the patches of dir, in the order of their names.
func readBreaks(dir, only string) ([]breakage, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("-run: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.patch"))
	if err != nil {
		return nil, fmt.Errorf("listing patches: %w", err)
	}
	var breaks []breakage
	for _, path := range paths {
		if !pattern.MatchString(filepath.Base(path)) {
			continue
		}
		b, err := readBreak(path)
		if err != nil {
			return nil, err
		}
		breaks = append(breaks, b)
	}
	if len(breaks) == 0 {
		return nil, fmt.Errorf("no patches in %s", dir)
	}
	return breaks, nil
}
