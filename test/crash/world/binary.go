package world

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// buildWithin bounds the build, which a cold cache makes long.
const buildWithin = 10 * time.Minute

// binary is the daemon as it is shipped: built once per test program, without the race detector.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rotd-binary-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the binary: %w", err)
	}
	path := filepath.Join(dir, "rotd")
	return path, BuildAs(path, "")
})

// BuildAs builds the daemon as another version of itself.
func BuildAs(path, version string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildWithin)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-X main.version="+version, "-o", path,
		"rotd/cmd/rotd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build rotd: %w\n%s", err, out)
	}
	return nil
}

// Build builds the daemon, so that no test's time goes into it.
func Build() error {
	_, err := binary()
	return err
}

// RemoveBinary removes what was built; call it when no test needs it any more.
func RemoveBinary() {
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
}

// Command is the command line of rotd for this world's daemon.
func (w *World) Command(ctx context.Context, args ...string) (*exec.Cmd, error) {
	path, err := binary()
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, path, append([]string{"--socket", w.Client.Socket()}, args...)...), nil
}
