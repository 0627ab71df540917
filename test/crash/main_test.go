// Package crash kills the real rotd with SIGKILL, at every point at which it talks to AWS and at random times, lets it
// start again, and holds what became of everything against what the simulated AWS saw: nothing lost, nothing done
// twice, nothing told twice without need, no action left behind. rotd has no failpoints; the simulator is the killer.
package crash

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"rotd/test/crash/world"
)

var (
	killsFlag = flag.Int("crash.kills", 60, "how often TestRandomKills kills")
	seedFlag  = flag.Uint64("crash.seed", 1, "seed of every random choice")
)

// worldsAtOnce is how many worlds run beside each other: they mostly wait for guardrails and retries to pass.
const worldsAtOnce = "12"

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
