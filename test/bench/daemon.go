package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rotd/internal/admin"
)

const (
	buildWithin = 10 * time.Minute
	readyWithin = 2 * time.Minute
	askWithin   = 5 * time.Second
)

// buildRotd builds the daemon as it is shipped and returns the path of the binary.
func buildRotd(ctx context.Context, dir string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, buildWithin)
	defer cancel()
	path := filepath.Join(dir, "rotd")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "rotd/cmd/rotd")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build rotd: %w\n%s", err, out)
	}
	return path, nil
}

const rotdYAML = `state: {path: {db}}
intake:
  queues: [{url: "{queue}", pollers: {pollers}}]
policies:
  - name: payments
    match: {aliases: ["alias/*"]}
    rotation: {max_age: 90d, automatic: 90d}
alerts:
  topics: [{arn: "{topic}", min_severity: INFORMATIONAL, format: json}]
  group_wait: 0s
limits: {quota_share: 1}
admin: {socket: "{socket}", http: "{http}"}
`

// folder is where a daemon has its configuration, state and socket.
type folder struct {
	dir    string
	status string // address of its metrics
}

func (f folder) config() string { return filepath.Join(f.dir, "rotd.yaml") }
func (f folder) state() string  { return filepath.Join(f.dir, "rotd.db") }
func (f folder) socket() string { return filepath.Join(f.dir, "rotd.sock") }

// newRun is a new folder, configured, without a state.
func (b *bench) newRun(ctx context.Context) (run folder, err error) {
	if run.dir, err = os.MkdirTemp(b.dir, "run-"); err != nil {
		return run, fmt.Errorf("make a folder for the state: %w", err)
	}
	if run.status, err = freeAddress(ctx); err != nil {
		return run, err
	}
	content := strings.NewReplacer(
		"{db}", run.state(), "{queue}", b.aws.Queue, "{topic}", b.aws.Topic, "{socket}", run.socket(),
		"{pollers}", strconv.Itoa(b.opts.Pollers), "{http}", run.status,
	).Replace(rotdYAML)
	if err := os.WriteFile(run.config(), []byte(content), 0o600); err != nil {
		return run, fmt.Errorf("write rotd.yaml: %w", err)
	}
	return run, nil
}

// startRotd starts the daemon on a new state in a new folder; see startOn.
func (b *bench) startRotd(ctx context.Context) (*process, error) {
	run, err := b.newRun(ctx)
	if err != nil {
		return nil, err
	}
	return b.startOn(ctx, run)
}

// startOn starts the daemon, and waits until it is ready and has taken its first inventory: what is measured afterwards
// is the work alone.
func (b *bench) startOn(ctx context.Context, run folder) (*process, error) {
	p, err := startProcess(b.aws, b.rotd, "run", "--config", run.config())
	if err != nil {
		return nil, err
	}
	p.status = run.status
	client := admin.NewClient(run.socket())
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	return p, p.wait(ctx, func(ctx context.Context) bool {
		s, err := client.Status(ctx)
		return err == nil && s.Ready && len(s.Places) > 0 && !s.Places[0].LastComplete.IsZero()
	})
}

// freeAddress is a loopback address that nobody listened on a moment ago.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free address: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// processed makes sure that the daemon judged every message: one that ignored them, or set them aside, would be quick.
func (b *bench) processed(ctx context.Context, p *process) error {
	if p.status == "" {
		return nil // no daemon
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.status+"/metrics", nil)
	if err != nil {
		return fmt.Errorf("read rotd's metrics: %w", err)
	}
	resp, err := new(http.Client).Do(req)
	if err != nil {
		return fmt.Errorf("read rotd's metrics: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read rotd's metrics: %w", err)
	}
	const counter = `rotd_records_total{outcome="processed",reason=""} `
	_, after, _ := strings.Cut(string(text), counter)
	value, _, _ := strings.Cut(after, "\n")
	if n, err := strconv.ParseFloat(value, 64); err != nil || int(n) != b.opts.Messages {
		return fmt.Errorf("rotd processed %q of %d messages", value, b.opts.Messages)
	}
	return nil
}
