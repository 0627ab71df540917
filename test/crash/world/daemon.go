package world

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

	"rotd/internal/admin"
	"rotd/internal/awssim"
)

// Daemon is one run, or life, of the real rotd in a process of its own, with credentials of its own: AWS can tell what
// each of them asked for.
type Daemon struct {
	Log    Log
	Life   int // 1 for the world's first
	cmd    *exec.Cmd
	world  *World
	exited chan struct{}
}

// Run starts the daemon with the world's configuration. It does not wait until the daemon is ready.
func (w *World) Run() (*Daemon, error) {
	path, err := binary()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, "run", "--config", w.Config) // ended by Kill, or with the test program
	if w.Launch != nil {
		cmd = w.Launch()
	}
	d := &Daemon{cmd: cmd, world: w, exited: make(chan struct{})}
	var credentials awssim.Principal
	if credentials, d.Life, err = w.nextLife(); err != nil {
		return nil, err
	}
	cmd.Env = append(w.environment(credentials), w.Environment...)
	cmd.Stdout, cmd.Stderr = &d.Log, &d.Log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start rotd: %w", err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(d.exited)
	}()
	return d, nil
}

// Kill ends the daemon as a power cut would, and returns once it is gone.
func (d *Daemon) Kill() {
	_ = d.cmd.Process.Kill() // an error means that it is gone already
	<-d.exited
}

// Signal sends the daemon a signal.
func (d *Daemon) Signal(s os.Signal) error {
	if err := d.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal rotd: %w", err)
	}
	return nil
}

// Pid is the daemon's process id.
func (d *Daemon) Pid() int { return d.cmd.Process.Pid }

// Exited is closed once the daemon is gone.
func (d *Daemon) Exited() <-chan struct{} { return d.exited }

// Killed says, of a daemon that is gone, whether SIGKILL ended it.
func (d *Daemon) Killed() bool {
	status, ok := d.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// ExitStatus waits until the daemon is gone and returns its exit status; -1 for one that a signal ended.
func (d *Daemon) ExitStatus(within time.Duration) (int, error) {
	select {
	case <-d.exited:
		return d.cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		return 0, fmt.Errorf("rotd still runs after %v", within)
	}
}

// Stop ends the daemon as systemd would, and wants it to end cleanly.
func (d *Daemon) Stop(within time.Duration) error {
	if err := d.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	status, err := d.ExitStatus(within)
	if err == nil && status != 0 {
		err = fmt.Errorf("rotd stopped with exit status %d", status)
	}
	return err
}

// Ready waits until the daemon is ready.
func (d *Daemon) Ready(ctx context.Context) error {
	for {
		r, err := d.world.Client.Ready(ctx)
		if err == nil && r.Ready {
			return nil
		}
		select {
		case <-d.exited:
			return errors.New("rotd ended instead of getting ready")
		case <-ctx.Done():
			return fmt.Errorf("wait for rotd to be ready: %w", errors.Join(ctx.Err(), err))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Says runs one of rotd's commands against the daemon, as somebody with a principal's AWS credentials, and returns its
// exit status and everything it wrote.
func (w *World) Says(ctx context.Context, p awssim.Principal, args ...string) (status int, said string, err error) {
	cmd, err := w.Command(ctx, args...)
	if err != nil {
		return 0, "", err
	}
	cmd.Env = w.environment(p)
	out, err := cmd.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		return 0, "", fmt.Errorf("run rotd %s: %w", strings.Join(args, " "), err)
	}
	return cmd.ProcessState.ExitCode(), string(out), nil
}

// environment gives a process the simulated AWS under a principal's name, and nothing of the real one.
func (w *World) environment(p awssim.Principal) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.Dir, "NO_COLOR=1",
		"AWS_ENDPOINT_URL=" + w.endpoint, "AWS_ENDPOINT_URL_STS=" + w.endpoint,
		"AWS_REGION=" + Region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + p.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + p.SecretAccessKey,
	}
	if p.SessionToken != "" {
		env = append(env, "AWS_SESSION_TOKEN="+p.SessionToken)
	}
	return env
}

// LifeEnvironment is the environment of a daemon that somebody else starts.
func (w *World) LifeEnvironment() ([]string, error) {
	credentials, _, err := w.nextLife()
	return w.environment(credentials), err
}

// Client asks the daemon that runs in this world.
type Client = admin.Client

// Log keeps the end of what a daemon writes.
type Log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxLog = 4 << 20

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() > maxLog {
		l.buf.Next(maxLog / 2)
	}
	return l.buf.Write(p)
}

// String is everything kept.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Tail is the last lines.
func (l *Log) Tail(lines int) string {
	all := strings.Split(strings.TrimRight(l.String(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
