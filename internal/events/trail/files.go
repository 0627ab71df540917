package trail

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"rotd/internal/awss3"
	"rotd/internal/events"
)

// onDisk goes over the log files of a folder, folders inside it included, or over the one file.
func (a *Archive) onDisk(root string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		// A link given as a path is followed, one met on the way is not: it may lead round in a circle.
		if target, err := filepath.EvalSymlinks(root); err == nil && isDir(target) {
			root = target
		}
		_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				err = fmt.Errorf("finding log files: %w", err)
			case entry.IsDir() || path != root && !a.wanted(path, entry):
				return nil
			}
			if !yield(File{Path: path, Skipped: skipped(path), Size: sizeOf(entry, err)}, err) {
				return errStop
			}
			return nil
		})
	}
}

// wanted reports whether what was found in a folder is a log file of one of the days.
func (a *Archive) wanted(path string, entry fs.DirEntry) bool {
	return entry.Type().IsRegular() && events.IsLogName(path) && a.daysOf(path).within(filepath.ToSlash(path))
}

var errStop = errors.New("stopped")

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func sizeOf(entry fs.DirEntry, err error) int64 {
	if err != nil {
		return 0
	}
	info, err := entry.Info()
	if err != nil {
		return 0
	}
	return info.Size()
}

func skipped(path string) string {
	if events.HoldsNoCalls(filepath.ToSlash(path)) {
		return events.SkippedFile.String()
	}
	return ""
}

func openFile(path string) (*awss3.Object, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening a log file: %w", err)
	}
	return &awss3.Object{Body: file}, nil
}

// isLines reports whether a file is named as one of JSON lines, so that it is known to be one even when its first line
// is cut.
func isLines(name string) bool { return strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".jsonl") }
