package state

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestWhatRootPutsInPlaceBelongsToTheDaemon: the unit runs rotd as a user of its own, and root restores its state.
func TestWhatRootPutsInPlaceBelongsToTheDaemon(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	const daemon = 12345
	for name, put := range map[string]func(t *testing.T, path, backup string) error{
		"restored": func(t *testing.T, path, backup string) error {
			_, err := restoring(t, backup, path, force)
			return err
		},
		"restored where there is none": func(t *testing.T, path, backup string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			_, err := restoring(t, backup, path)
			return err
		},
		"rebuilt": func(t *testing.T, path, _ string) error {
			raw := read(path)
			clear(raw[:2*os.Getpagesize()])
			write(t, path, raw)
			_, err := rebuilt(t, path)
			return err
		},
		"begun": func(_ *testing.T, path, _ string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			db, err := Open(options(path))
			if err != nil {
				return err
			}
			return db.Close()
		},
		"compacted": func(_ *testing.T, path, _ string) error {
			if err := os.Truncate(path, 8<<20); err != nil {
				return err
			}
			o := options(path)
			o.Compact = true
			db, err := Open(o)
			if err != nil {
				return err
			}
			if kept := db.Opened.Compaction.Kept; kept != "" {
				err = errors.New(kept)
			}
			return errors.Join(err, db.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, backup, _ := lived(t)
			for _, owned := range []string{filepath.Dir(path), path} {
				if err := os.Chown(owned, daemon, daemon); err != nil {
					t.Fatal(err)
				}
			}
			if err := put(t, path, backup); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if owner := info.Sys().(*syscall.Stat_t); owner.Uid != daemon || owner.Gid != daemon {
				t.Errorf("it belongs to %d:%d", owner.Uid, owner.Gid)
			}
		})
	}
}

// TestOnlyTheStateItselfIsGivenAway: the daemon's folder may have another way to a file that is root's.
func TestOnlyTheStateItselfIsGivenAway(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	const daemon = 12345
	for name, stand := range map[string]func(target, name string) error{
		"a hard link": os.Link, "a symbolic link": os.Symlink,
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			target, part := filepath.Join(folder, "shadow"), filepath.Join(folder, "rotd.db.part")
			like := filepath.Join(folder, "rotd.db")
			write(t, target, []byte("root's"))
			write(t, like, nil)
			if err := errors.Join(os.Chown(like, daemon, daemon), stand(target, part)); err != nil {
				t.Fatal(err)
			}
			if err := giveTo(part, like); err == nil {
				t.Error("it was given away")
			}
			info, err := os.Stat(target)
			if err != nil {
				t.Fatal(err)
			}
			if owner, ok := info.Sys().(*syscall.Stat_t); !ok || owner.Uid != 0 {
				t.Errorf("%s belongs to %d", target, owner.Uid)
			}
		})
	}
}
