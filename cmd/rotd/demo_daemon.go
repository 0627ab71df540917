package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"rotd/internal/awssim"
)

// demoDaemon is the real rotd in a process of its own, so that it can really be killed.
type demoDaemon struct {
	world *demoWorld
	tell  *teller

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	log    tailBuffer
}

// binary is this program.
func (d *demoDaemon) binary() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// environment gives a process the simulated AWS and a principal of it, and nothing of the real one.
func (d *demoDaemon) environment(p awssim.Principal) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "NO_COLOR=1",
		"AWS_ENDPOINT_URL=" + d.world.sim.URL(), "AWS_ENDPOINT_URL_STS=" + d.world.sim.URL(),
		"AWS_REGION=" + demoRegion, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + p.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + p.SecretAccessKey,
		"ROTD_SOCKET=" + d.world.socket, "COLUMNS=100",
	}
	if p.SessionToken != "" {
		env = append(env, "AWS_SESSION_TOKEN="+p.SessionToken)
	}
	return env
}

// start runs the daemon and waits until it is ready.
func (d *demoDaemon) start(ctx context.Context) error {
	cmd := exec.Command(d.binary(), "run", "--config", d.world.config) //nolint:gosec,noctx // itself; killed by name
	cmd.Env = d.environment(d.world.rotd)
	cmd.Stdout, cmd.Stderr = &d.log, &d.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // never left behind
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start rotd: %w", err)
	}
	exited := make(chan struct{})
	d.mu.Lock()
	d.cmd, d.exited = cmd, exited
	d.mu.Unlock()
	go func() {
		_ = cmd.Wait() // how it ended is seen by who waits for it
		close(exited)
	}()
	for ctx.Err() == nil {
		if _, status := d.command(ctx, "health"); status == 0 {
			return nil
		}
		select {
		case <-exited:
			return errors.New("rotd ended instead of getting ready")
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("wait for rotd: %w", ctx.Err())
}

// kill ends the daemon as a power cut would.
func (d *demoDaemon) kill() {
	d.mu.Lock()
	cmd := d.cmd
	d.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Kill() // an error means that it is gone already
	}
}

// gone waits until the daemon is gone.
func (d *demoDaemon) gone(ctx context.Context) error {
	d.mu.Lock()
	exited := d.exited
	d.mu.Unlock()
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for rotd to be gone: %w", ctx.Err())
	}
}

// stop ends the daemon as systemd would, and wants it to end cleanly.
func (d *demoDaemon) stop() error {
	d.mu.Lock()
	cmd := d.cmd
	d.mu.Unlock()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop rotd: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := d.gone(ctx); err != nil {
		return err
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("rotd stopped with exit status %d", code)
	}
	return nil
}

// command runs one of rotd's commands as a person would and returns what it printed.
func (d *demoDaemon) command(ctx context.Context, args ...string) (output string, status int) {
	return d.commandAs(ctx, d.world.alice, args...)
}

// commandAs is command with somebody's AWS credentials.
func (d *demoDaemon) commandAs(ctx context.Context, p awssim.Principal, args ...string) (output string, status int) {
	cmd := exec.CommandContext(ctx, d.binary(), args...) //nolint:gosec // itself
	cmd.Env = d.environment(p)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		return err.Error(), -1
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// logTail is the end of what the daemon logged.
func (d *demoDaemon) logTail() string { return d.log.tail(30) }

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxTail = 1 << 20

func (b *tailBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buf.Len() > maxTail {
		b.buf.Next(maxTail / 2)
	}
	return b.buf.Write(p)
}

// tail returns the last lines.
func (b *tailBuffer) tail(lines int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := strings.Split(strings.TrimRight(b.buf.String(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
