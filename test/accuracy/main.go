// Command accuracy measures the rules on simulated organisations (test/traffic): which of the scripted attacks they
// find, and what they say about traffic that is in order. Half of the worlds have seeds that never change, the others
// those of the commit, so that nobody can fit the rules to all of them.
//
//	go run ./test/accuracy -seeds 20 -keys 1000 -weeks 6 -o docs/accuracy.md
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"rotd/internal/detection"
)

func main() {
	var o options
	flag.IntVar(&o.seeds, "seeds", 20, "how many worlds; the second half has seeds from the commit's hash")
	flag.IntVar(&o.first, "first", 1, "the first seed; the first half of the worlds have it and those that follow")
	flag.IntVar(&o.keys, "keys", 1000, "customer managed keys of each")
	flag.IntVar(&o.weeks, "weeks", 6, "how long each is watched; what is usual is learnt in the first two")
	flag.BoolVar(&o.all, "v", false, "print findings that are LOW, too")
	out := flag.String("o", "", "write the report there, too")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, o, *out)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "accuracy:", err)
		os.Exit(1)
	}
}

// options say what is simulated.
type options struct {
	seeds, keys, weeks int
	first              int // the first of the seeds that never change
	all                bool
}

// run simulates all worlds, as many at a time as there are CPUs, prints each false alert as a world is through, and the
// report at the end. Missed attacks, and more false alerts than one a week, are an error.
func run(ctx context.Context, out io.Writer, o options, report string) error {
	hash, err := commit(ctx)
	if err != nil {
		return err
	}
	results, err := simulateAll(ctx, out, o, hash)
	if err != nil {
		return err
	}
	text := summary(results, o, hash)
	fmt.Fprint(out, text)
	if report != "" {
		if err := os.WriteFile(report, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return verdict(results, o)
}

// simulateAll simulates the worlds of all seeds; results are in their order.
func simulateAll(ctx context.Context, out io.Writer, o options, hash string) ([]*result, error) {
	results, printing := make([]*result, o.seeds), sync.Mutex{}
	workers, ctx := errgroup.WithContext(ctx)
	workers.SetLimit(runtime.GOMAXPROCS(0))
	for i := range results {
		workers.Go(func() (err error) {
			seed := uint64(o.first + i)
			if i >= o.seeds/2 {
				seed = seedOf(hash, i)
			}
			if results[i], err = simulate(ctx, seed, o); err != nil {
				return err
			}
			printing.Lock()
			defer printing.Unlock()
			results[i].print(out, o)
			return nil
		})
	}
	if err := workers.Wait(); err != nil {
		return nil, fmt.Errorf("simulating: %w", err)
	}
	return results, nil
}

// commit is the hash of the commit that is checked out.
func commit(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output()
	if err != nil {
		return "", fmt.Errorf("asking git for the commit: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// verdict is an error when an attack was missed, or more than one false alert a week came for each 1,000 keys.
func verdict(results []*result, o options) error {
	var wrong []error
	alerts, weeks := 0, 0.0
	for _, r := range results {
		for _, missed := range r.missed() {
			wrong = append(wrong, fmt.Errorf("seed %d: %s was missed", r.seed, missed))
		}
		alerts += len(r.alerts)
		weeks += r.weeks * float64(o.keys) / 1000
	}
	if rate := float64(alerts) / weeks; rate >= 1 {
		wrong = append(wrong, fmt.Errorf("%.2f false alerts a week for 1,000 keys, want fewer than one", rate))
	}
	return errors.Join(wrong...)
}

// learning is as rotd has it by default.
const learning = detection.DefaultLearning
