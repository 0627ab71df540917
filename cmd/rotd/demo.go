package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"rotd/internal/awssim"
)

// demoWithin bounds the whole story: past it something hangs, and that is a failure too.
const demoWithin = 3 * time.Minute

// newDemoCommand runs rotd on a simulated AWS and tells what happens.
func newDemoCommand() *cobra.Command {
	var keep bool
	var story string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run rotd on a simulated AWS on this machine: a story of 30 s",
		Long: prose("Run rotd on a simulated AWS on loopback and tell a story: keys of every kind, ordinary traffic, "+
			"rotation switched off and put back, an overdue key rotated, a key opened to the world, a kill in the middle, "+
			"and a responder's emergency rotation. It ends with 0 only if everything came out as told. Nothing leaves this "+
			"machine.",
			"--story incident tells another: what a responder does about keys that an intruder used."),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			tale, ok := demoTales()[story]
			if !ok {
				return wrongUse(cmd, "--story: there is no %q; there are everyday and incident", story)
			}
			return runDemo(cmd.Context(), cmd.OutOrStdout(), tale, keep)
		},
	}
	cmd.Flags().StringVar(&story, "story", "everyday", "which story: everyday or incident")
	cmd.Flags().BoolVar(&keep, "keep", false, "leave everything running for the other commands, until Ctrl-C")
	return cmd
}

// demoTale is a story that can be told: its rotd.yaml, with places to fill in, and what happens.
type demoTale struct {
	yaml     string
	verbs    []string // what people do through rotd, as in `rotd iam print-policy --verbs`
	chapters func(*demoStory) []demoChapter
}

// demoTales are the stories by name.
func demoTales() map[string]demoTale {
	return map[string]demoTale{
		"everyday": {everydayYAML, nil, (*demoStory).everyday},
		"incident": {incidentYAML, []string{"replace", "contain", "reencrypt", "import"}, (*demoStory).incident},
	}
}

// errDemo is a story that did not come out as told.
var errDemo = errors.New("the demo did not come out as told")

// runDemo builds the world, tells the story, and cleans up.
func runDemo(ctx context.Context, out io.Writer, tale demoTale, keep bool) (err error) {
	// A closed terminal or pipe ends the story like Ctrl-C does: with everything cleaned up.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGHUP)
	defer stop()
	signal.Ignore(syscall.SIGPIPE)
	dir, err := os.MkdirTemp("", "rotd-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &teller{out: out, started: time.Now()}
	w, err := newDemoWorld(dir, tale.yaml, tale.verbs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	d := &demoDaemon{world: w, tell: t}
	defer d.kill()

	story, cancel := context.WithTimeout(ctx, demoWithin)
	defer cancel()
	s := &demoStory{world: w, daemon: d, tell: t}
	if err := s.run(story, tale.chapters(s)); err != nil {
		if ctx.Err() == nil { // not interrupted: something went wrong
			t.log(d.logTail())
		}
		return err
	}
	s.permissions()
	if t.failed > 0 {
		t.log(d.logTail())
		return fmt.Errorf("%w: %d of %d expectations failed", errDemo, t.failed, t.checked)
	}
	t.end()
	if keep {
		t.keeping(w, d)
		stop := w.sim.OnPublish(func(p awssim.Published) { t.quote("SNS: "+p.Subject, p.Message) })
		<-ctx.Done()
		stop()
		return d.stop()
	}
	return d.stop()
}
