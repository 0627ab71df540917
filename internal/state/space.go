package state

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// spareBytes is what has to stay free beside a copy: rotd's own writing must not fail because of it.
const spareBytes = 64 << 20

// SpaceError says that a copy of the state does not fit on its disk.
type SpaceError struct {
	Folder     string
	Need, Free int64 // bytes
}

func (e *SpaceError) Error() string {
	return fmt.Sprintf("a copy of the state needs %d MiB in %s and %d MiB more have to stay free, but only %d MiB are: "+
		"make room there", mebi(e.Need), e.Folder, mebi(spareBytes), e.Free>>20)
}

func mebi(n int64) int64 { return (n + 1<<20 - 1) >> 20 }

// hasRoom refuses to begin a copy that does not fit beside a path.
func (b *bounds) hasRoom(path string, need int64) error {
	free, ok := b.free(path)
	if !ok || free >= need+spareBytes {
		return nil
	}
	return &SpaceError{Folder: filepath.Dir(path), Need: need, Free: free}
}

// Ends of the names of files that are not whole yet; what a crash left of them is removed at the next start.
const (
	compactPart = ".compact.part"
	copyPart    = ".copy.part"
	restorePart = ".restore.part"
)

// removeLeftovers removes what a crash left beside the state. The caller holds the state's lock, so that nobody else
// is writing it.
func removeLeftovers(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("look for what a crash left beside the state: %w", err)
	}
	for _, e := range entries {
		if isLeftover(path, e) {
			left := filepath.Join(filepath.Dir(path), e.Name())
			if err := os.Remove(left); err != nil { //nolint:gosec // the operator says where the state is
				return fmt.Errorf("remove what a crash left beside the state: %w", err)
			}
		}
	}
	return nil
}

func isLeftover(path string, e fs.DirEntry) bool {
	end, ok := strings.CutPrefix(e.Name(), filepath.Base(path))
	if !ok || !e.Type().IsRegular() {
		return false
	}
	return end == compactPart || end == copyPart || end == restorePart ||
		strings.HasPrefix(end, ".schema") && strings.HasSuffix(end, ".bak.part")
}
