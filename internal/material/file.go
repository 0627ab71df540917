package material

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// open reads the file that is for the key. Nobody but the daemon's user may have been able to read or change it.
func (s Source) open(a Asked, to *Secret) error {
	name := strings.NewReplacer("{key_id}", keyID(a.KeyARN), "{material}", a.Name).Replace(s.File)
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe nobody writes to must not hold rotd up
	if err != nil {
		return refused("the key material's file cannot be opened: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return refused("the key material's file cannot be looked at: %v", err)
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return refused("%s is no regular file", name)
	case mode.Perm()&^0o600 != 0:
		return refused("%s has mode %#o: others may have read the key material. Make it anew, with mode 0600", name,
			mode.Perm()&fs.ModePerm)
	case !known || int(owner.Uid) != os.Geteuid():
		return refused("%s does not belong to rotd's user (uid %d)", name, os.Geteuid())
	}
	if err := to.fill(f); err != nil {
		return passing("%s cannot be read: %v", name, err)
	}
	return nil
}
