package material

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"time"
)

// commandWithin is how long a command may take.
const commandWithin = 10 * time.Second

// run starts the command and takes what it writes. Its environment has PATH and what it is asked for, so that none of
// rotd's credentials reach it; what it writes to its standard error is nobody's, since material could stand there.
func (s Source) run(ctx context.Context, a Asked, to *Secret) error {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	// A pipe of its own: os/exec would copy through a buffer that nobody wipes.
	r, w, err := os.Pipe()
	if err != nil {
		return passing("no pipe for the command's output: %v", err)
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, s.Command[0], s.Command[1:]...) //nolint:gosec // the operator's own
	cmd.Stdout = w
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"ROTD_KEY_ARN=" + a.KeyARN, "ROTD_KEY_SPEC=" + a.Spec, "ROTD_ACTION_ID=" + a.Action, "ROTD_MATERIAL=" + a.Name,
	}
	err = cmd.Start()
	_ = w.Close() // the child's copy is the one that counts
	if err != nil {
		return refused("%s cannot be run: %v", s, err)
	}
	read := take(ctx, r, to)
	if read != nil || to.n > Length {
		cancel()
	}
	switch ended := cmd.Wait(); {
	case to.n > Length:
		return nil // told by its length
	case read != nil || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return passing("%s did not end within %s", s, commandWithin)
	case ended != nil:
		return passing("%s failed: %v", s, ended)
	}
	return nil
}

// take reads until the end, a byte too many, or the time is over: a child of the command may hold its output open.
func take(ctx context.Context, r *os.File, to *Secret) error {
	deadline, _ := ctx.Deadline()
	if err := r.SetReadDeadline(deadline); err != nil {
		return err
	}
	return to.fill(r)
}

// fill reads up to one byte more than may be.
func (s *Secret) fill(r io.Reader) (err error) {
	s.n, err = io.ReadFull(r, s.bytes[:])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
