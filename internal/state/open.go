package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Options says how to open a state file.
type Options struct {
	Path  string
	Shard string
	Now   time.Time // when the file is opened: names of copies, creation time
	// Compact rewrites the file whether that is worth it or not; otherwise rotd decides, see worthCompacting.
	Compact bool

	bounds *bounds // tests lower them
}

// DB is an open state file. It is safe for concurrent use.
type DB struct {
	bolt   *bbolt.DB
	file   *os.File // bbolt's, which closes it
	path   string
	shard  string
	bounds bounds
	names  nameCache
	// folding is held by whoever rewrites records of usage: one at a time.
	folding sync.Mutex
	copies  sync.Mutex // held by the one copy that is being made
	// Opened says what opening found and did.
	Opened Opening
}

// Opening says what Open found.
type Opening struct {
	New      bool   // there was no file, or it was set aside: nothing is known yet
	SetAside string // where a damaged file was moved, "" when none was
	Damage   string // what was wrong with it
	Backup   string // where the file was copied before a migration, "" when none ran
	// Compaction is nil when there was no reason for one.
	Compaction *Compaction
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

// Open opens the state file, creates it when there is none, and migrates an older one after copying it. A file in use
// is a *LockedError; one of a newer schema ErrNewerSchema; of another shard ErrOtherShard. A damaged file is moved
// aside and a new, unarmed state begun: Opened says so, and the caller must tell people. What the disk or the operator
// refuses (permissions, an unreadable sector, a folder in its place) is an error and moves nothing.
func Open(o Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(o.Path), 0o700); err != nil {
		return nil, fmt.Errorf("create the state's folder: %w", err)
	}
	path := o.Path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // set aside is the file, not a link to it
	}
	db, err := open(path, o)
	damaged, ok := errors.AsType[*damagedError](err)
	if !ok {
		return db, err
	}
	if db, err = open(path, o); err != nil {
		return nil, fmt.Errorf("begin a new state (the damaged one is %s): %w", damaged.aside, err)
	}
	db.Opened.SetAside, db.Opened.Damage = damaged.aside, damaged.what
	return db, nil
}

// open opens the file. A damaged one it moves aside while it holds the lock, and returns a *damagedError.
func open(path string, o Options) (*DB, error) {
	file, err := lockedFile(path)
	if err != nil {
		return nil, err
	}
	db := &DB{file: file, path: path, shard: o.Shard, bounds: defaultBounds()}
	if o.bounds != nil {
		db.bounds = *o.bounds
	}
	begun := db.Size() == 0
	if err = removeLeftovers(path); err == nil {
		err = db.load(o)
	}
	if err == nil {
		return db, nil
	}
	if damaged, ok := errors.AsType[*damagedError](err); ok {
		if damaged.aside, err = setAside(path, o.Now); err == nil {
			err = damaged
		}
	} else if begun {
		// What a full disk leaves of a new state would be a damaged one to the next start.
		err = errors.Join(err, os.Remove(path))
	}
	if db.bolt != nil {
		_ = db.bolt.Close() // unlocks and closes the file; it was not written to
	}
	_ = db.file.Close()
	return nil, err
}

// load verifies the file, hands it to bbolt, and prepares the schema.
func (db *DB) load(o Options) error {
	info, err := db.file.Stat()
	if err != nil {
		return fmt.Errorf("open state: %w", err)
	}
	if info.Size() > 0 {
		if err := verify(db.file); err != nil {
			return err
		}
	}
	if err := db.openBolt(false); err != nil {
		return err
	}
	if err := db.prepare(o); err != nil {
		return err
	}
	return db.compactIfWorth(o)
}

// openBolt lets bbolt open the verified file, which is locked already.
func (db *DB) openBolt(readOnly bool) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = damage("%v", r)
		}
	}()
	db.bolt, err = bbolt.Open(db.path, 0o600, &bbolt.Options{
		Timeout:        lockWait,
		ReadOnly:       readOnly,
		NoFreelistSync: true,
		FreelistType:   bbolt.FreelistMapType,
		OpenFile:       func(string, int, os.FileMode) (*os.File, error) { return db.file, nil },
	})
	if err != nil {
		db.bolt = nil
		return fmt.Errorf("open state %s: %w", db.path, err)
	}
	return nil
}

// damagedEnd comes before the time in the name of a damaged file that was set aside.
const damagedEnd = ".damaged-"

// setAside moves a damaged file out of the way, never over an earlier one.
func setAside(path string, now time.Time) (string, error) {
	aside, err := freeName(path + damagedEnd + now.UTC().Format("20060102T150405Z"))
	if err == nil {
		err = os.Rename(path, aside)
	}
	if err != nil {
		return "", fmt.Errorf("set the damaged state aside: %w", err)
	}
	return aside, syncFolder(filepath.Dir(path))
}

// freeName is a path, with a number behind it where something is there already.
func freeName(path string) (string, error) {
	free := path
	for i := 2; ; i++ {
		if _, err := os.Lstat(free); errors.Is(err, fs.ErrNotExist) {
			return free, nil
		} else if err != nil {
			return "", err
		}
		free = fmt.Sprintf("%s-%d", path, i)
	}
}

// Check reads every page in use and returns the first thing wrong. It runs beside writers.
func (db *DB) Check() error {
	// The reading transaction keeps the pages of this commit and all later ones from being written over.
	err := db.bolt.View(func(*bbolt.Tx) error { return verify(db.file) })
	if err != nil {
		return fmt.Errorf("check state %s: %w", db.path, err)
	}
	return nil
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
	info, err := os.Stat(db.path) //nolint:gosec // the operator says where the state is
	if err != nil {
		return 0
	}
	return info.Size()
}
