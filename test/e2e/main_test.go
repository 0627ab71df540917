// Package e2e runs the real rotd as a process against a simulated AWS in this one, and takes away what it depends on:
// SNS, SQS, its queue, its disk, its state, its configuration. Kills are package crash's.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"rotd/internal/awssim"
	"rotd/test/crash/world"
)

// worldsAtOnce is how many worlds run beside each other: they mostly wait.
const worldsAtOnce = "8"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", worldsAtOnce); err != nil {
		panic(err)
	}
	if err := world.Build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	world.RemoveBinary()
	os.Exit(status)
}

const (
	day = 24 * time.Hour
	// patience bounds everything a test waits for.
	patience = time.Minute
)

// healthyKey is a key as the policy of every world wants it.
func healthyKey() awssim.KeyOptions {
	now := time.Now().UTC()
	return awssim.KeyOptions{
		Created: now.Add(-100 * day), RotationPeriod: 90, NextRotation: now.Add(80 * day),
		History: []awssim.PastRotation{{At: now.Add(-10 * day), Type: types.RotationTypeAutomatic}},
	}
}

// newWorld makes a world with healthy keys of these names and an event rule that loses nothing.
func newWorld(t *testing.T, o world.Options, keys ...string) *world.World {
	t.Helper()
	o.Keys = make(map[string]awssim.KeyOptions)
	for _, name := range keys {
		o.Keys[name] = healthyKey()
	}
	o.Rule = awssim.EventRule{ReadOnly: true, Native: true}
	return world.New(t, o)
}

// run starts the daemon, which is killed with the test; its log is shown when the test fails.
func run(t *testing.T, w *world.World) *world.Daemon {
	t.Helper()
	d, err := w.Run()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			t.Logf("the end of the log:\n%s", d.Log.Tail(40))
		}
	})
	return d
}

// ready starts the daemon and waits until it is ready.
func ready(t *testing.T, w *world.World) *world.Daemon {
	t.Helper()
	d := run(t, w)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := d.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return d
}

// until waits for something.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-limit:
			t.Fatalf("waited %v in vain for %s", patience, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// untilTold waits until the topic took an alert.
func untilTold(t *testing.T, w *world.World, what string) {
	t.Helper()
	until(t, what, func() bool { return w.HasTold(what) })
}

// untilDrained waits until the queue is empty.
func untilDrained(t *testing.T, w *world.World) {
	t.Helper()
	until(t, "an empty queue", func() bool {
		drained, err := w.Drained()
		return err == nil && drained
	})
}

// disable lets mallory switch a key's rotation off.
func disable(t *testing.T, w *world.World, name string) {
	t.Helper()
	client := kms.NewFromConfig(w.Sim.As(w.Mallory, world.Region))
	_, err := client.DisableKeyRotation(t.Context(), &kms.DisableKeyRotationInput{KeyId: aws.String(w.Keys[name])})
	if err != nil {
		t.Fatal(err)
	}
}

// changes are rotd's own calls that changed something in KMS.
func changes(w *world.World) []awssim.Request {
	return w.Sim.Requests(awssim.OfService("kms"), func(r awssim.Request) bool {
		return r.Effect && w.ByRotd(r)
	})
}

// wantNothingRepeated fails when an alert was told twice though SNS answered.
func wantNothingRepeated(t *testing.T, w *world.World) {
	t.Helper()
	repeated := w.Repeated()
	unanswered := w.Sim.Requests(awssim.OfOperation("Publish"), func(r awssim.Request) bool {
		return r.Effect && !r.Answered
	})
	if len(repeated) > 0 && len(unanswered) == 0 {
		t.Errorf("told twice: %q", repeated)
	}
	if _, errs := w.Messages(); len(errs) > 0 {
		t.Errorf("unreadable messages: %v", errs)
	}
}
