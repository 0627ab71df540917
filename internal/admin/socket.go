package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// SocketMode lets the owner and the group in, and nobody else.
const SocketMode fs.FileMode = 0o660

// maxSocketPath is Linux's limit for a socket's path.
const maxSocketPath = 107

// ErrInUse means that a living daemon answers on the socket.
var ErrInUse = errors.New("another daemon is listening")

// Listen makes the control socket. What a daemon that died left behind is replaced; a living one's socket, and what is
// no socket, is not touched. Closing the listener leaves the file to Serve, which removes its own only.
func Listen(ctx context.Context, path string) (*net.UnixListener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("listen on %s: %d bytes are too long for a unix socket, at most %d are possible", path,
			len(path), maxSocketPath)
	}
	if err := checkParent(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	// The mode is set before the file exists, so that the socket is never open wider than that; after it once more,
	// because the umask may have taken something away.
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var failed error
		if err := c.Control(func(fd uintptr) {
			failed = syscall.Fchmod(int(fd), uint32(SocketMode))
		}); err != nil {
			return err
		}
		return failed
	}}
	listener, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on the control socket: %w", err)
	}
	if err := os.Chmod(path, SocketMode); err != nil {
		listener.Close()
		return nil, fmt.Errorf("listen on the control socket: %w", err)
	}
	unix := listener.(*net.UnixListener)
	unix.SetUnlinkOnClose(false)
	return unix, nil
}

// checkParent refuses a directory where anybody could put another socket in our socket's place.
func checkParent(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory %s does not exist; create it, writable for rotd alone", dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case info.Mode().Perm()&0o002 != 0 && info.Mode()&fs.ModeSticky == 0:
		return fmt.Errorf("anybody may write to the directory %s and replace the socket; chmod o-w it", dir)
	}
	return nil
}

// removeStale removes a socket that nobody answers on.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file in its place that is no socket; rotd does not remove it")
	}
	dialer := net.Dialer{Timeout: 2 * time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		conn.Close()
		return fmt.Errorf("%w there; stop it first, or give this one a socket of its own (admin.socket)", ErrInUse)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look whether a daemon is there: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the socket of a daemon that died: %w", err)
	}
	return nil
}

// removeOwn removes the socket unless somebody else's has taken its place.
func removeOwn(path string, own fs.FileInfo) error {
	now, err := os.Lstat(path)
	// Inodes are used again at once, so the time has to agree as well.
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!os.SameFile(own, now) || !own.ModTime().Equal(now.ModTime())) {
		return nil
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the control socket: %w", err)
	}
	return nil
}
