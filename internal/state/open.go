package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// Options says how to open a state file.
type Options struct {
	Path  string
	Shard string
	Now   time.Time // when the file is opened: names of copies, creation time
}

// DB is an open state file. It is safe for concurrent use.
type DB struct {
	bolt  *bbolt.DB
	path  string
	shard string
	// Opened says what opening found and did.
	Opened Opening
}

// Opening says what Open found.
type Opening struct {
	New      bool   // there was no file, or it was set aside: nothing is known yet
	SetAside string // where a damaged file was moved, "" when none was
	Damage   string // what was wrong with it
	Backup   string // where the file was copied before a migration, "" when none ran
}

// ErrNewerSchema is returned for a file that a newer rotd wrote.
var ErrNewerSchema = errors.New("the state was written by a newer rotd")

// ErrOtherShard is returned for a file that belongs to another shard.
var ErrOtherShard = errors.New("the state belongs to another shard")

// LockedError says that another process has the state open.
type LockedError struct {
	Path   string
	Holder string // `process 4711 (rotd run …)`, "" when it cannot be told
}

func (e *LockedError) Error() string {
	holder := e.Holder
	if holder == "" {
		holder = "another process"
	}
	return fmt.Sprintf("state %s is in use by %s: only one rotd may have it open; stop that one, or give this one "+
		"another state.path", e.Path, holder)
}

// damagedError says that a file is no usable bbolt file.
type damagedError struct{ what string }

func (e *damagedError) Error() string { return "damaged: " + e.what }

const (
	lockWait = time.Second
	// fullCheckLimit is the file size up to which every page is checked when the file is opened: about a second.
	fullCheckLimit = 128 << 20
)

// Open opens the state file, creates it when there is none, and migrates an older one after copying it. A file in use
// is a *LockedError; one of a newer schema ErrNewerSchema; of another shard ErrOtherShard. A damaged file is moved
// aside and a new, unarmed state begun: Opened says so, and the caller must tell people.
func Open(o Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
		return nil, fmt.Errorf("create the state's folder: %w", err)
	}
	var opening Opening
	if info, err := os.Stat(o.Path); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		opening.New = true
	}
	bolt, err := openBolt(o.Path)
	if damaged, ok := errors.AsType[*damagedError](err); ok {
		opening.Damage = damaged.what
		if opening.SetAside, err = setAside(o.Path, o.Now); err != nil {
			return nil, err
		}
		opening.New = true
		bolt, err = openBolt(o.Path)
	}
	if err != nil {
		return nil, err
	}
	db := &DB{bolt: bolt, path: o.Path, shard: o.Shard, Opened: opening}
	if err := db.prepare(o); err != nil {
		return nil, errors.Join(err, bolt.Close())
	}
	return db, nil
}

// openBolt opens and checks the file. What bbolt does with a damaged file (an error, a panic, a fault in its mapping)
// all becomes a *damagedError.
func openBolt(path string) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if db != nil {
				_ = db.Close() // unlocks the file; what it could still say adds nothing to the damage
			}
			db, err = nil, &damagedError{what: fmt.Sprint(r)}
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        lockWait,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
	})
	switch {
	case err == nil:
	case errors.Is(err, berrors.ErrTimeout):
		return nil, &LockedError{Path: path, Holder: lockHolder(path)}
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum),
		errors.Is(err, berrors.ErrVersionMismatch), isShort(err):
		return nil, &damagedError{what: err.Error()}
	default:
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	if what := damage(db); what != "" {
		_ = db.Close()
		return nil, &damagedError{what: what}
	}
	return db, nil
}

// damage reads the file as far as its size allows and returns the first thing wrong, "" when nothing is.
func damage(db *bbolt.DB) (what string) {
	err := db.View(func(btx *bbolt.Tx) error {
		if btx.Size() > fullCheckLimit {
			return btx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
				c := b.Cursor()
				c.First()
				c.Last()
				return nil
			})
		}
		for err := range btx.Check() {
			if what == "" {
				what = err.Error()
			}
		}
		return nil
	})
	if err != nil {
		return err.Error()
	}
	return what
}

// setAside moves a damaged file out of the way, never over an earlier one.
func setAside(path string, now time.Time) (string, error) {
	aside := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for i := 2; ; i++ {
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		}
		aside = fmt.Sprintf("%s.damaged-%s-%d", path, now.UTC().Format("20060102T150405Z"), i)
	}
	if err := os.Rename(path, aside); err != nil {
		return "", fmt.Errorf("set the damaged state aside: %w", err)
	}
	return aside, nil
}

// isShort reports whether the file ends before bbolt's first pages do.
func isShort(err error) bool {
	pathErr, ok := errors.AsType[*fs.PathError](err)
	return ok && pathErr.Op == "read" || err.Error() == "file size too small"
}

// Close closes the file. It does not say that the daemon stopped cleanly: see Tx.StoppedCleanly.
func (db *DB) Close() error {
	if err := db.bolt.Close(); err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}

// Path is where the file is.
func (db *DB) Path() string { return db.path }

// Shard is the shard the file belongs to.
func (db *DB) Shard() string { return db.shard }

// Size is the file's size in bytes.
func (db *DB) Size() int64 {
	info, err := os.Stat(db.path)
	if err != nil {
		return 0
	}
	return info.Size()
}
