package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a contender: a process of its own whose CPU time and memory are read from /proc.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer // read it once the process has ended
	exited chan struct{}
	status string // address of its metrics; "" when it has none
}

const (
	stopWithin = 30 * time.Second
	maxOutput  = 4000 // bytes shown of what a process said
)

// startProcess starts a program that knows of no AWS but the simulated one, and dies with this one.
func startProcess(aws AWS, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), exited: make(chan struct{})}
	p.cmd.Env = environment(aws)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.exited)
	}()
	return p, nil
}

// environment is all that a program learns of its surroundings.
func environment(aws AWS) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "AWS_ENDPOINT_URL=" + aws.URL,
		"AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + aws.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + aws.Secret,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
}

// stop asks the process to end, and wants it to do so in time and with exit status 0.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error means that it is gone already
	select {
	case <-p.exited:
	case <-time.After(stopWithin):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
	if !p.cmd.ProcessState.Success() {
		return p.failed(p.cmd.ProcessState.String())
	}
	return nil
}

// failed is an error with the end of what the process said. The process must have ended.
func (p *process) failed(why string) error {
	said := p.output.Bytes()
	return fmt.Errorf("%s: %s\n%s", p.cmd.Path, why, said[max(0, len(said)-maxOutput):])
}

// wait returns once happened, and an error when the process ends before.
func (p *process) wait(ctx context.Context, happened func(context.Context) bool) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !happened(ctx) {
		select {
		case <-p.exited:
			return p.failed("ended by itself")
		case <-ctx.Done():
			return errors.Join(ctx.Err(), p.stop(), p.failed("was not ready in time"))
		case <-tick.C:
		}
	}
	return nil
}

// alive is a context that ends with the process, too: what waits for its work shall not wait for ever.
func (p *process) alive(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.exited:
			cancel(p.failed("ended by itself"))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// ticksPerSecond is the unit of /proc/<pid>/stat's times, the same on every Linux of Go's.
const ticksPerSecond = 100

// cpu is the CPU time that the process has used, in user and in kernel mode.
func (p *process) cpu() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time: %w", err)
	}
	_, after, _ := bytes.Cut(raw, []byte(") ")) // the program's name may have spaces in it
	fields := strings.Fields(string(after))
	const user, kernel = 11, 12 // fields 14 and 15 of proc_pid_stat(5)
	if len(fields) <= kernel {
		return 0, fmt.Errorf("read the CPU time: %q has too few fields", raw)
	}
	var ticks int64
	for _, f := range []string{fields[user], fields[kernel]} {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// used is what the process has written to the disk so far, in bytes, and the CPU time that it has used.
func (p *process) used() (written int64, cpu time.Duration, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read what was written: %w", err)
	}
	_, after, _ := strings.Cut(string(raw), "\nwrite_bytes: ")
	value, _, _ := strings.Cut(after, "\n")
	if written, err = strconv.ParseInt(value, 10, 64); err != nil {
		return 0, 0, fmt.Errorf("read what was written: %w", err)
	}
	cpu, err = p.cpu()
	return written, cpu, err
}

// memory is what is resident, in bytes: anonymous memory is the process's own, file is shared and can be dropped.
type memory struct {
	Anon int64 `json:"rss_anon"`
	File int64 `json:"rss_file"`
}

func (m memory) most(other memory) memory {
	return memory{Anon: max(m.Anon, other.Anon), File: max(m.File, other.File)}
}

func (p *process) memory() (m memory, err error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return m, fmt.Errorf("read the memory: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		field := map[string]*int64{"RssAnon": &m.Anon, "RssFile": &m.File}[name]
		if field == nil {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return m, fmt.Errorf("read the memory: %w", err)
		}
		*field = kib << 10
	}
	return m, nil
}

// watchMemory samples the memory until stop is called, which returns the most of each kind that was seen.
func (p *process) watchMemory() (stop func() memory) {
	quit, peak := make(chan struct{}), make(chan memory)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var most memory
		for {
			if m, err := p.memory(); err == nil { // an error means that the process is gone, which others notice
				most = most.most(m)
			}
			select {
			case <-quit:
				peak <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() memory {
		close(quit)
		return <-peak
	}
}
