package state

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"rotd/internal/audit"
)

// Restoring says what to put where.
type Restoring struct {
	From   io.Reader // the copy
	Name   string    // what people call it
	Size   int64     // of the copy
	SHA256 string    // in hex; "": not known, the copy's own structure has to do
	Path   string    // of the state
	Shard  string    // "": whichever the copy is of
	Now    time.Time
	Force  bool   // also over a state that is newer than the copy, or another shard's
	By     string // who asks, as the audit log has it

	rebuilding *rebuilding // makes the state in place of a copy; nil: From is one
}

// NewerStateError says that the state in place has what the copy has not.
type NewerStateError struct {
	Path    string
	Because string
}

func (e *NewerStateError) Error() string {
	return fmt.Sprintf("the state %s is kept: %s. With --force it is set aside and the copy restored", e.Path, e.Because)
}

// Restored says what Restore did.
type Restored struct {
	Description
	SetAside string `json:"set_aside,omitempty"` // where the state that was there is now
	// Replaced is where that state's audit log ended; absent when that could not be read.
	Replaced audit.Head `json:"replaced_audit,omitzero"`
}

// Restore verifies a copy and puts it in the place of the state, which no daemon may be using (*LockedError). The state
// that was there is kept beside it. On the restored one nothing automatic happens before a complete inventory and a
// person's word. A crash at any moment leaves either the old state or the restored one in place.
func Restore(r Restoring) (*Restored, error) {
	if target, err := filepath.EvalSymlinks(r.Path); err == nil {
		r.Path = target
	}
	if err := os.MkdirAll(filepath.Dir(r.Path), 0o700); err != nil {
		return nil, fmt.Errorf("create the state's folder: %w", err)
	}
	lock, err := lockedFile(r.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }()
	there, err := lock.Stat()
	if err != nil {
		return nil, fmt.Errorf("restore the state: %w", err)
	}
	done, err := r.restore(lock, there.Size() > 0)
	if err != nil && there.Size() == 0 {
		err = errors.Join(err, removeIfThere(r.Path)) // it was made to be locked
	}
	return done, err
}

func (r *Restoring) restore(old *os.File, exists bool) (*Restored, error) {
	if err := removeLeftovers(r.Path); err != nil {
		return nil, err
	}
	part := r.Path + restorePart
	done, err := r.prepare(part, old, exists)
	if err == nil && exists {
		done.SetAside, err = r.keepOld()
	}
	if err == nil {
		err = r.mark(part, done)
	}
	if err == nil {
		owned := r.Path
		if !exists {
			owned = filepath.Dir(r.Path)
		}
		err = giveTo(part, owned)
	}
	if err == nil {
		err = os.Rename(part, r.Path)
	}
	if err != nil {
		return nil, errors.Join(err, removeIfThere(part))
	}
	return done, syncFolder(filepath.Dir(r.Path))
}

// prepare writes the copy beside the state, verifies it there, and compares it with the state in place.
func (r *Restoring) prepare(part string, old *os.File, exists bool) (*Restored, error) {
	b := defaultBounds()
	if err := b.hasRoom(r.Path, r.Size); err != nil {
		return nil, err
	}
	replacesItself := false
	if b := r.rebuilding; b != nil {
		if err := b.write(part, old); err != nil {
			return nil, fmt.Errorf("rebuild %s: %w", r.Name, err)
		}
		replacesItself = b.inPlace
	} else if err := r.write(part); err != nil {
		return nil, fmt.Errorf("write the copy: %w", err)
	}
	d, err := Inspect(part)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be restored: %w", r.Name, err)
	}
	if r.Shard != "" && d.Shard != r.Shard {
		return nil, fmt.Errorf("%w: %s is of shard %q, the configuration says %q", ErrOtherShard, r.Name, d.Shard, r.Shard)
	}
	done := &Restored{Description: d}
	if exists && !replacesItself && verify(old) == nil { // a damaged state is what copies are for; it is set aside
		there, err := describeLocked(old, r.Path)
		if why := newer(&there, err, &d); why != "" && !r.Force {
			return nil, &NewerStateError{Path: r.Path, Because: why}
		}
		done.Replaced = there.Audit
	}
	return done, nil
}

// write brings the copy to the disk and compares its digest.
func (r *Restoring) write(part string) error {
	file, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(file, sum), r.From)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	got := hex.EncodeToString(sum.Sum(nil))
	switch {
	case r.Size > 0 && n != r.Size:
		return fmt.Errorf("%d bytes arrived, not %d", n, r.Size)
	case r.SHA256 != "" && got != r.SHA256:
		return fmt.Errorf("its SHA-256 is %s, not %s: it is not the copy that was made", got, r.SHA256)
	}
	return nil
}

// keepOld gives the state in place a second name, so that there is one in place at every moment.
func (r *Restoring) keepOld() (string, error) {
	end := ".replaced-"
	if r.rebuilding != nil && r.rebuilding.inPlace {
		end = damagedEnd
	}
	aside, err := freeName(r.Path + end + r.Now.UTC().Format("20060102T150405Z"))
	if err == nil {
		err = os.Link(r.Path, aside)
	}
	if err != nil {
		return "", fmt.Errorf("set the state in place aside: %w", err)
	}
	return aside, nil
}

// mark notes in the copy that it was restored, and disarms it.
func (r *Restoring) mark(part string, done *Restored) error {
	file, err := lockedFile(part)
	if err != nil {
		return err
	}
	db := &DB{file: file, path: part, bounds: defaultBounds()}
	if err := db.openBolt(false); err != nil {
		_ = file.Close()
		return err
	}
	err = db.Update(func(tx *Tx) error {
		done.Restored = &Restoration{
			At: r.Now.UTC(), From: r.Name, CopiedAt: done.Commits.At, SetAside: done.SetAside,
		}
		if b := r.rebuilding; b != nil {
			done.Restored.Rebuilt, done.Restored.Lost = true, b.losses()
		}
		return errors.Join(tx.disarm(), tx.AskCompaction(nil), tx.SetRestored(done.Restored),
			tx.Audit(r.entry(done)))
	})
	return errors.Join(err, db.Close())
}

// entry is what the audit log, which goes on in an epoch of its own, says of the restoration.
func (r *Restoring) entry(done *Restored) audit.Entry {
	e := audit.Entry{Time: r.Now, Actor: r.By, Event: audit.StateRestored, Detail: map[string]string{
		"from": r.Name, "copied_at": done.Commits.At.UTC().Format(time.RFC3339), "copys_head": done.Audit.String(),
	}}
	if done.Restored.Rebuilt {
		e.Event = audit.StateRebuilt
		e.Detail["lost"] = strings.Join(done.Restored.Lost, "; ")
	}
	if done.SetAside != "" {
		e.Detail["set_aside"] = done.SetAside
	}
	if done.Replaced.Seq > 0 {
		e.Detail["replaced_epoch"], e.Detail["replaced_head"] = done.Replaced.Epoch, done.Replaced.String()
	}
	return e
}

// newer says what the state in place has, as far as it could be described, that the copy has not; "" for nothing.
func newer(there *Description, err error, backup *Description) string {
	at := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case err != nil:
		return fmt.Sprintf("what it is cannot be told (%v)", err)
	case there.Shard != backup.Shard:
		return fmt.Sprintf("it is of shard %q", there.Shard)
	case there.Commits.At.After(backup.Commits.At):
		return fmt.Sprintf("it was last written to at %s, the copy at %s", at(there.Commits.At), at(backup.Commits.At))
	case there.Created.Equal(backup.Created) && there.Commits.Count > backup.Commits.Count:
		return fmt.Sprintf("it has %d commits, the copy of it has %d", there.Commits.Count, backup.Commits.Count)
	}
	return ""
}

// describeLocked says what a verified file is that this process has locked. bbolt gets a second descriptor of it, so
// that closing it does not end the lock; until then it is a shared one, which keeps writers away as well.
func describeLocked(file *os.File, path string) (d Description, err error) {
	fd, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		return d, fmt.Errorf("open the state: %w", err)
	}
	second := os.NewFile(uintptr(fd), path)
	db := &DB{file: second, path: path, bounds: defaultBounds()}
	if err := db.openBolt(true); err != nil {
		return d, errors.Join(err, second.Close())
	}
	err = db.View(func(tx *Tx) (err error) {
		d, err = tx.describe()
		return err
	})
	return d, errors.Join(err, db.Close())
}
