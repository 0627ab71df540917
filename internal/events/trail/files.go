package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"rotd/internal/events"
)

// File is a log file on disk.
type File struct {
	Path string
	// Skipped says why it is not to be read, "" when it is: CloudTrail keeps digests, Insights, network activity and
	// aggregates, none of which are calls, in folders of their own.
	Skipped string
}

// Files goes over the log files under paths: a file as it is given, a folder's .json, .jsonl and .gz files in the
// order of their names, folders inside it included. An error is about one path; the others follow.
func Files(paths ...string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for _, path := range paths {
			if !walk(path, yield) {
				return
			}
		}
	}
}

// walk reports whether to go on with the next path.
func walk(root string, yield func(File, error) bool) bool {
	// A link given as a path is followed, one met on the way is not: it may lead round in a circle.
	if target, err := filepath.EvalSymlinks(root); err == nil && isDir(target) {
		root = target
	}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			err = fmt.Errorf("finding log files: %w", err)
		case entry.IsDir() || path != root && (!entry.Type().IsRegular() || !events.IsLogName(path)):
			return nil
		}
		if !yield(File{Path: path, Skipped: skipped(path)}, err) {
			return errStop
		}
		return nil
	})
	return !errors.Is(err, errStop)
}

var errStop = errors.New("stopped")

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func skipped(path string) string {
	if events.HoldsNoCalls(filepath.ToSlash(path)) {
		return events.SkippedFile.String()
	}
	return ""
}

// ReadFile hands out the records of a log file on disk, as Stream does.
func ReadFile(ctx context.Context, path string, limits Limits, each Each) (Stats, error) {
	file, err := os.Open(path)
	if err != nil {
		return Stats{}, fmt.Errorf("opening a log file: %w", err)
	}
	defer file.Close()
	return stream(ctx, file, limits, isLines(path), each)
}

// isLines reports whether a file is named as one of JSON lines, so that it is known to be one even when its first line
// is cut.
func isLines(name string) bool { return strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".jsonl") }
