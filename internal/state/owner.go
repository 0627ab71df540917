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
// runs as somebody else, who has to be able to open it afterwards; nobody but root may give files away.
func giveTo(path, like string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(like)
	if err != nil {
		return fmt.Errorf("see whose the state is: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	err = os.Lchown(path, int(owner.Uid), int(owner.Gid))
	if err != nil && !errors.Is(err, fs.ErrPermission) { // a root without that capability has always kept what it made
		return fmt.Errorf("give the state to its owner: %w", err)
	}
	return nil
}
