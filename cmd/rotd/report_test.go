package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/report"
)

func TestAReportIsPrinted(t *testing.T) {
	s := newSession(nil)
	status := s.run(t, "--socket", serve(t, newFakeDaemon()), "report", "--framework", "cis-aws", "--policy", "payments")
	if want := "text cis-aws payments\n"; status != admin.ExitDone || s.out.String() != want {
		t.Errorf("status %d, printed %q, %q", status, s.out.String(), s.err.String())
	}
}

// slowly is a daemon that counts its keys once a report's beginning is on somebody's screen, and not before.
type slowly struct {
	*fakeDaemon
	shown chan struct{}
}

func (d *slowly) Report(ctx context.Context, _ report.Query, to io.Writer) error {
	if _, err := io.WriteString(to, "begin "); err != nil {
		return err
	}
	select {
	case <-d.shown:
	case <-time.After(10 * time.Second):
		return errors.New("the beginning is not shown")
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := io.WriteString(to, "end")
	return err
}

func (d *slowly) Write(p []byte) (int, error) {
	if string(p) == "begin " {
		close(d.shown)
	}
	return len(p), nil
}

func TestAReportsBeginningIsShownBeforeTheKeysAreCounted(t *testing.T) {
	d := &slowly{fakeDaemon: newFakeDaemon(), shown: make(chan struct{})}
	s := newSession(nil)
	s.cli.out = d
	if status := s.run(t, "--socket", serve(t, d), "report", "--format", "json"); status != admin.ExitDone {
		t.Errorf("status %d, %s", status, s.err.String())
	}
}

func TestAReportsFileIsThereWhenItIsWholeAndNotBefore(t *testing.T) {
	for name, test := range map[string]struct {
		file    string
		args    []string
		fault   error
		status  admin.ExitStatus
		content string // of the file, afterwards; it was there before
		says    string
	}{
		"whole":            {file: "r.html", content: "html  \n"},
		"named otherwise":  {file: "r", args: []string{"--format", "ocsf"}, content: "ocsf  \n"},
		"OCSF by its name": {file: "r.ocsf.jsonl", content: "ocsf  \n"},
		"no name we know":  {file: "r.pdf", content: "text  \n"},
		"it broke off": {
			file: "r.html", fault: errors.New("the disk is gone"), status: admin.ExitFailed, content: "before",
			says: "rotd: the answer broke off before its end",
		},
		"refused": {
			file: "r.html", args: []string{"--policy", "nope"}, status: admin.ExitUsage, content: "before",
			says: `no policy "nope" is configured`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, test.file)
			if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
				t.Fatal(err)
			}
			daemon := newFakeDaemon()
			daemon.reportErr = test.fault
			s := newSession(nil)
			args := append([]string{"--socket", serve(t, daemon), "report", "-f", path}, test.args...)
			if status := s.run(t, args...); status != test.status || !strings.Contains(s.err.String(), test.says) {
				t.Errorf("status %d, said %q", status, s.err.String())
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != test.content {
				t.Errorf("the file has %q, %v", got, err)
			}
			if left, _ := os.ReadDir(dir); len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestAReportThatNobodyKnowsIsWrongUse(t *testing.T) {
	for want, args := range map[string][]string{
		`format: "pdf" is none of html, csv, json, ocsf, asff, text`: {"--format", "pdf"},
		"did you mean pci-dss-4.0.1?":                                {"--framework", "pci-dss-4"},
		"fresh: -1h0m0s is negative":                                 {"--fresh", "-1h"},
		"-o is not for this command":                                 {"-o", "json"},
	} {
		s := newSession(nil)
		if status := s.run(t, append([]string{"report"}, args...)...); status != admin.ExitUsage {
			t.Errorf("%v ends with %d", args, status)
		}
		if !strings.Contains(s.err.String(), want) {
			t.Errorf("%v says %q, want %q", args, s.err.String(), want)
		}
	}
}

func TestConfigCompareSaysWhatOtherPoliciesWouldMakeOfTheKeys(t *testing.T) {
	socket := serve(t, newFakeDaemon())
	for name, args := range map[string][]string{"config-compare": nil, "config-compare-json": {"-o", "json"}} {
		s := newSession(nil)
		status := s.run(t, append([]string{
			"--socket", socket, "-c", "testdata/compare-now.yaml", "config", "compare", "testdata/compare-other.yaml",
		}, args...)...)
		if status != admin.ExitDone {
			t.Errorf("status %d, %s", status, s.err.String())
		}
		golden(t, name, s.out.String())
	}
	s := newSession(nil)
	if status := s.run(t, "--socket", socket, "-c", "testdata/compare-now.yaml", "config", "compare",
		"testdata/nowhere.yaml"); status != admin.ExitUsage {
		t.Errorf("without the other file it ends with %d", status)
	}
}
