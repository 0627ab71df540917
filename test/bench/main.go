// Command bench measures rotd whole: the real daemon in a process of its own, against the simulated AWS in another.
//
//   - intake: what taking in a message costs (receive, decode, judge, commit with fsync, delete), against a bare loop
//     of receive and delete over the same SDK with as many pollers; the CPU time for 100,000 messages is what counts,
//     because what else the machine does changes it least;
//   - alerting: the time from an event's arrival in the queue to SNS taking the alert, at light load;
//   - memory: idle, and at its peak during the intake;
//   - sweeps: a large fleet of keys read under AWS's quotas, and read again when little has changed, with a sequential
//     boto3 loop to compare with;
//   - reencrypt, only when asked for: a manifest moved to another key at a configured rate;
//   - life, only when asked for: starts, stops under load, and the restoration of a large state.
//
// It ends with status 1 when a target is missed, or when the simulator was too slow for the figures to mean anything.
// What packages measure of themselves is in their benchmarks (scripts/bench.sh).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What this program is started as by itself, its first argument.
const (
	roleSimulator = "simulator"
	roleRaw       = "raw"
	roleBare      = "bare"
	roleFleet     = "fleet"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		o, err := parse(args)
		if err != nil {
			return err
		}
		return measureAndReport(ctx, o, os.Stdout, os.Stderr)
	}
	switch args[0] {
	case roleSimulator:
		return serveSimulator(os.Stdin, os.Stdout)
	case roleFleet:
		return serveFleet(os.Stdin, os.Stdout)
	}
	aws, pollers := AWS{
		URL: os.Getenv("AWS_ENDPOINT_URL"), AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), Queue: args[1],
	}, 0
	if _, err := fmt.Sscan(args[2], &pollers); err != nil {
		return fmt.Errorf("pollers: %w", err)
	}
	return contend(ctx, args[0], aws, pollers)
}

// contend runs a contender of this program until it is told to stop.
func contend(ctx context.Context, role string, aws AWS, pollers int) error {
	run := runBare
	if role == roleRaw {
		run = runRaw
	}
	if err := run(ctx, aws, pollers); ctx.Err() == nil {
		return err
	}
	return nil
}

// options say what to measure.
type options struct {
	Messages int           `json:"messages"` // of each run
	Rounds   int           `json:"rounds"`
	Pollers  int           `json:"pollers"` // of each contender
	Events   int           `json:"events"`  // of the alerting
	Apart    time.Duration `json:"apart"`   // one event from the next
	Rest     time.Duration `json:"rest"`    // before the idle memory is looked at, and while
	Keys     int           `json:"keys"`    // of the fleet that is swept; 0: none is
	Share    float64       `json:"share"`   // of AWS's quotas for the sweep
	Blobs    int           `json:"blobs"`   // of the manifest that is moved to another key
	Rate     int           `json:"rate"`    // of them a second, configured
	Restore  int64         `json:"restore"` // bytes of the state that is restored
	Only     string        `json:"only"`    // sweep, reencrypt, life: nothing but that

	json bool
	out  string // file that gets the report as Markdown, too
	rotd string // the daemon's binary; built when empty
}

func parse(args []string) (options, error) {
	o := options{
		Messages: 60_000, Rounds: 5, Pollers: 32, Events: 200, Apart: 50 * time.Millisecond, Rest: 5 * time.Second,
		Keys: 100_000, Share: 0.95, Blobs: 100_000, Rate: 1000, Restore: 1 << 30,
	}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	quick := f.Bool("quick", false, "a small run to see that it works: 5,000 messages, one round, 2,000 keys")
	f.IntVar(&o.Messages, "messages", o.Messages, "messages of each run of the intake")
	f.IntVar(&o.Rounds, "rounds", o.Rounds, "rounds of the intake")
	f.IntVar(&o.Pollers, "pollers", o.Pollers, "pollers of each contender, 1 to 64")
	f.IntVar(&o.Events, "events", o.Events, "events of the alerting")
	f.IntVar(&o.Keys, "keys", o.Keys, "keys of the fleet that is swept, and of a large state; 0: none is")
	f.Float64Var(&o.Share, "share", o.Share, "share of AWS's quotas for the sweep")
	f.IntVar(&o.Blobs, "blobs", o.Blobs, "blobs of the manifest that is moved to another key")
	f.IntVar(&o.Rate, "rate", o.Rate, "blobs a second that rotd may move")
	f.Int64Var(&o.Restore, "restore", o.Restore, "bytes of the state that is restored")
	f.StringVar(&o.Only, "only", "", `"sweep", "reencrypt" or "life": measure nothing but that`)
	f.BoolVar(&o.json, "json", false, "print JSON instead of Markdown")
	f.StringVar(&o.out, "o", "", "write the report to this file, too, as Markdown")
	f.StringVar(&o.rotd, "rotd", "", "measure this binary instead of building one")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if *quick {
		o = o.quick()
	}
	if o.Messages < batch || o.Rounds < 1 || o.Pollers < 1 || o.Pollers > 64 || o.Events < 1 {
		return o, errors.New("there must be at least ten messages, one round, one event and 1 to 64 pollers")
	}
	if !slices.Contains([]string{"", onlySweep, onlyReencrypt, onlyLife}, o.Only) || o.Keys < 0 || o.Keys > 100_000 ||
		o.Share <= 0 || o.Share > 1 {
		return o, errors.New("-only is sweep, reencrypt, life or nothing, -keys at most 100,000, -share in (0, 1]")
	}
	if o.Blobs < 1 || o.Rate < 1 {
		return o, errors.New("-blobs and -rate are at least 1")
	}
	return o, nil
}

// What can be measured alone.
const (
	onlySweep     = "sweep"
	onlyReencrypt = "reencrypt"
	onlyLife      = "life"
)

func (o options) quick() options {
	o.Messages, o.Rounds, o.Events, o.Rest, o.Keys = 5_000, 1, 20, time.Second, 2_000
	o.Blobs, o.Restore = 2_000, 16<<20
	return o
}

// Page is where the report is kept in the project.
func (o options) Page() string {
	switch o.Only {
	case onlySweep:
		return "docs/benchmarks-sweep.md"
	case onlyReencrypt:
		return "docs/benchmarks-reencrypt.md"
	case onlyLife:
		return "docs/benchmarks-life.md"
	}
	return "docs/benchmarks.md"
}

// Arguments are the command line that measures the same.
func (o options) Arguments() string {
	args := []string{
		"-messages", strconv.Itoa(o.Messages), "-rounds", strconv.Itoa(o.Rounds),
		"-pollers", strconv.Itoa(o.Pollers), "-events", strconv.Itoa(o.Events),
		"-keys", strconv.Itoa(o.Keys), "-share", strconv.FormatFloat(o.Share, 'f', -1, 64),
	}
	switch o.Only {
	case onlyReencrypt:
		args = []string{"-only", o.Only, "-blobs", strconv.Itoa(o.Blobs), "-rate", strconv.Itoa(o.Rate)}
	case onlyLife:
		args = []string{
			"-only", o.Only, "-rounds", strconv.Itoa(o.Rounds), "-keys", strconv.Itoa(o.Keys),
			"-messages", strconv.Itoa(o.Messages), "-events", strconv.Itoa(o.Events),
			"-restore", strconv.FormatInt(o.Restore, 10),
		}
	case onlySweep:
		args = []string{"-only", o.Only, "-keys", strconv.Itoa(o.Keys), "-share", strconv.FormatFloat(o.Share, 'f', -1, 64)}
	}
	return strings.Join(args, " ")
}

// measureAndReport prints the report to out and what is going on to progress.
func measureAndReport(ctx context.Context, o options, out, progress io.Writer) error {
	r, err := measure(ctx, o, progress)
	if err != nil {
		return err
	}
	text, err := r.markdown()
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, text, 0o644); err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
	}
	if o.json {
		if text, err = r.json(); err != nil {
			return err
		}
	}
	if _, err := out.Write(text); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return r.verdict()
}
