package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"rotd/internal/admin"
	"rotd/internal/app"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// session is one command line and what it printed.
type session struct {
	cli      *cli
	out, err bytes.Buffer
}

// newSession is a person at a terminal of 80 columns without colours.
func newSession(env map[string]string) *session {
	s := &session{}
	s.cli = &cli{
		in: strings.NewReader(""), out: &s.out, err: &s.err, now: func() time.Time { return noon },
		getenv:   func(name string) string { return env[name] },
		terminal: terminal{in: true, out: true, width: 80}, noColor: true,
		daemon: func(context.Context, app.Options) error { return nil },
	}
	return s
}

func (s *session) run(t *testing.T, args ...string) admin.ExitStatus {
	t.Helper()
	// The flag's default would turn colours on again.
	return execute(t.Context(), s.cli, append([]string{"--no-color"}, args...))
}

// serve answers with a backend on a real socket until the test ends.
func serve(t *testing.T, backend admin.Backend) (socket string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	listener, err := admin.Listen(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- admin.NewServer(backend, zap.NewNop()).Serve(ctx, listener) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return socket
}

// golden compares with testdata/NAME.golden; names that differ from run to run are replaced before.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = regexp.MustCompile(`uid:\d+ \(\w+\)`).ReplaceAllString(got, "uid:1000 (ann)")
	got = regexp.MustCompile(`"seconds":\s*[\d.e-]+`).ReplaceAllString(got, `"seconds":0`)
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
