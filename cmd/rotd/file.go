package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// wholeFile has a file written beside its place and puts it there when it is whole.
func (c *cli) wholeFile(path, what string, fill func(to io.Writer) error) (err error) {
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		part.Close()
		if err != nil {
			_ = os.Remove(part.Name()) // what went wrong is told already
		}
	}()
	counted := &counting{to: part, what: what, progress: newProgress(c), told: c.terminal.err}
	err = fill(counted)
	counted.progress.end()
	if err != nil {
		return err
	}
	if err := part.Chmod(0o640); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := part.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if c.terminal.err {
		hint(c.err, "%s: %s.", clean(path), bytesText(counted.written))
	}
	return nil
}

// counting tells how much was written, on a terminal, a few times a second.
type counting struct {
	to       io.Writer
	what     string
	progress *progress
	told     bool
	written  int64
	last     time.Time
}

func (w *counting) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.written += int64(n)
	if w.told && time.Since(w.last) > 200*time.Millisecond {
		w.last = time.Now()
		w.progress.show("writing " + w.what + ": " + bytesText(w.written))
	}
	return n, err
}
