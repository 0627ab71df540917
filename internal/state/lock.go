//go:build unix

package state

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	lockWait  = time.Second
	lockRetry = 20 * time.Millisecond
)

// lockedFile opens or creates the file and takes the lock that bbolt takes, so that it can be looked at before bbolt
// maps it. It waits lockWait for another process to let go, then returns a *LockedError.
func lockedFile(path string) (*os.File, error) {
	for deadline := time.Now().Add(lockWait); ; time.Sleep(lockRetry) {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open state: %w", err)
		}
		info, err := file.Stat()
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is no regular file", path)
		}
		if err == nil {
			err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		}
		if err == nil && stillThere(path, info) {
			return file, nil
		}
		_ = file.Close()
		switch {
		case err == nil, errors.Is(err, syscall.EINTR): // moved aside or replaced while we waited for it
		case !errors.Is(err, syscall.EWOULDBLOCK):
			return nil, fmt.Errorf("lock state %s: %w", path, err)
		case time.Now().After(deadline):
			return nil, &LockedError{Path: path, Holder: lockHolder(path)}
		}
	}
}

// stillThere reports whether the path still leads to the file that was opened.
func stillThere(path string, opened os.FileInfo) bool {
	now, err := os.Stat(path)
	return err == nil && os.SameFile(now, opened)
}

// syncFolder makes a file's creation or renaming in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the operator says where the state is
	if err != nil {
		return fmt.Errorf("sync the state's folder: %w", err)
	}
	defer folder.Close()
	// Some file systems cannot sync a folder, and say so: then there is nothing to wait for.
	if err := folder.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return fmt.Errorf("sync the state's folder: %w", err)
	}
	return nil
}
