package state

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childRole makes the test binary play another process: see children.
const childRole = "STATE_TEST_CHILD"

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		play, ok := children()[role]
		if !ok {
			fmt.Fprintln(os.Stderr, "no such role:", role)
			os.Exit(2)
		}
		if err := play(os.Getenv("STATE_TEST_PATH")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// children are the parts other processes play; each gets the state's path.
func children() map[string]func(path string) error {
	return map[string]func(string) error{
		"hold": holdState, "commit": commitForEver, "full": fillDisk, "compact": compactForEver, "cramped": compactCramped,
		"begin":          beginOnAFullDisk,
		"migrate-killed": migrateKilled, "migrate-full": migrateFull,
	}
}

// child prepares this test binary to play a role.
func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "--role-for-people-who-look-at-processes="+role)
	cmd.Env = append(os.Environ(), childRole+"="+role, "STATE_TEST_PATH="+path, "GORACE=atexit_sleep_ms=0")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}
