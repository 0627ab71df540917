//go:build unix

package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// giveTo has a file belong to whom another one does. Root restores, rebuilds and compacts the state of a daemon that
// runs as somebody else, who has to be able to open it afterwards; nobody but root may give files away. The folder is
// the daemon's: what stands there by the file's name must be the file itself, not a way to one of somebody else's.
func giveTo(path, like string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	whose, err := os.Stat(like)
	if err != nil {
		return fmt.Errorf("see whose the state is: %w", err)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("give the state to its owner: %w", err)
	}
	defer file.Close()
	what, err := file.Stat()
	if err != nil {
		return fmt.Errorf("give the state to its owner: %w", err)
	}
	owner, okOwner := whose.Sys().(*syscall.Stat_t)
	own, okOwn := what.Sys().(*syscall.Stat_t)
	if !okOwner || !okOwn {
		return nil
	}
	if !what.Mode().IsRegular() || own.Nlink != 1 {
		return fmt.Errorf("give the state to its owner: %s is also a file elsewhere, and is left as it is", path)
	}
	err = file.Chown(int(owner.Uid), int(owner.Gid))
	if err != nil && !errors.Is(err, fs.ErrPermission) { // a root without that capability has always kept what it made
		return fmt.Errorf("give the state to its owner: %w", err)
	}
	return nil
}
