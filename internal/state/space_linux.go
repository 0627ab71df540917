package state

import (
	"path/filepath"
	"syscall"
)

// freeBytes is how much may still be written to the file system of a path; ok is false when that cannot be told.
func freeBytes(path string) (free int64, ok bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &fs); err != nil {
		return 0, false
	}
	return int64(fs.Bavail) * fs.Bsize, true //nolint:gosec // no file system is that large
}
