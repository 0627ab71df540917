package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// InOrderError says that there is nothing to rebuild.
type InOrderError struct {
	Path    string
	Damaged []string // files beside it that were set aside as damaged
}

func (e *InOrderError) Error() string {
	text := e.Path + " is in order: there is nothing to rebuild"
	switch n := len(e.Damaged); n {
	case 0:
		return text
	case 1:
		return text + "; a damaged state was set aside as " + e.Damaged[0]
	default:
		return text + "; damaged states were set aside as " + strings.Join(e.Damaged, ", ")
	}
}

// Rebuilt says what Rebuild did.
type Rebuilt struct {
	Restored
	Buckets []Saved `json:"buckets"`
}

// Saved is what became of one bucket of a damaged state.
type Saved struct {
	Bucket string `json:"bucket"`
	Saved  int    `json:"saved"`          // entries of the new state's
	Lost   int    `json:"lost"`           // entries that are known to be lost
	Unread int    `json:"unread_pages"`   // pages that cannot be read: nobody can tell how many entries were on them
	Gone   bool   `json:"gone,omitempty"` // the bucket is not there at all
}

// Loss says what is lost, "" for nothing.
func (s *Saved) Loss() string {
	var parts []string
	switch {
	case s.Gone:
		return "all"
	case s.Lost > 0:
		parts = append(parts, amount(s.Lost, "entry", "entries"))
	}
	if s.Unread > 0 {
		parts = append(parts, "what was on "+amount(s.Unread, "page", "pages"))
	}
	return strings.Join(parts, ", ")
}

func amount(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Rebuild takes over what can be read of a damaged state into a new one and puts that in the place of the state, as
// Restore does with a copy; r.From is not used. Taken over is an entry whole or not at all, and everything that follows
// from others (indexes, totals) is made anew. A file that is in order is an *InOrderError.
func Rebuild(damaged string, r Restoring) (*Rebuilt, error) {
	d, err := Inspect(damaged)
	_, inUse := errors.AsType[*LockedError](err)
	switch {
	case err == nil && len(d.Unreadable) == 0:
		aside, _ := filepath.Glob(damaged + damagedEnd + "*") // the pattern is one
		return nil, &InOrderError{Path: damaged, Damaged: aside}
	case inUse, errors.Is(err, ErrNewerSchema), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil, err
	}
	info, err := os.Stat(damaged)
	if err != nil {
		return nil, fmt.Errorf("rebuild the state: %w", err)
	}
	b := &rebuilding{damaged: damaged, shard: r.Shard, now: r.Now}
	r.Name, r.Size, r.rebuilding = damaged, info.Size(), b // the new one is hardly larger
	done, err := Restore(r)
	if err != nil {
		return nil, err
	}
	return &Rebuilt{Restored: *done, Buckets: b.saved}, nil
}

// rebuilding takes over one damaged file.
type rebuilding struct {
	damaged string
	shard   string // of the configuration, "" when it is not known
	now     time.Time
	inPlace bool // it is the state in place
	from    *salvager
	// unreadTop and unreadMeta are how many pages of the list of buckets, and of plain values, cannot be read.
	unreadTop, unreadMeta int
	db                    *DB
	saved                 []Saved
}

// losses are what was lost, for people.
func (b *rebuilding) losses() (lost []string) {
	for i := range b.saved {
		if loss := b.saved[i].Loss(); loss != "" {
			lost = append(lost, b.saved[i].Bucket+": "+loss)
		}
	}
	return lost
}

// write makes the new state at path. locked is the state in place, which may be the damaged file itself.
func (b *rebuilding) write(path string, locked *os.File) (err error) {
	file := locked
	there, err := os.Stat(b.damaged)
	if err != nil {
		return err
	}
	if b.inPlace = sameFile(there, locked); !b.inPlace {
		if file, err = OpenCopy(b.damaged); err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("take over what can be read: %v", r)
		}
	}()
	s, top, unread, err := salvage(file)
	if err != nil {
		return fmt.Errorf("nothing of it can be read: %w", err)
	}
	b.from, b.unreadTop = s, unread
	values, err := b.identify(top)
	if err != nil {
		return err
	}
	if err := b.create(path, values); err != nil {
		return err
	}
	b.db.bolt.NoSync = true // it is synced once, at the end
	err = b.takeAll(top, values)
	if err == nil {
		err = b.db.bolt.Sync()
	}
	return errors.Join(err, b.db.Close())
}

func sameFile(info os.FileInfo, file *os.File) bool {
	other, err := file.Stat()
	return err == nil && os.SameFile(info, other)
}

// identify reads the plain values of the damaged state, as far as they can be read: a shard and a schema that it does
// not say are the configuration's and this rotd's.
func (b *rebuilding) identify(top map[string]tree) (values map[string][]byte, err error) {
	maps.DeleteFunc(top, func(name string, _ tree) bool { _, known := layout()[name]; return !known })
	if len(top) == 0 {
		return nil, errors.New("nothing of it can be read: no bucket of a state is to be found")
	}
	values = map[string][]byte{}
	if meta, ok := top[bucketMeta]; ok {
		b.unreadMeta, _ = b.from.each(meta, func(e *element) error { // the function returns no error
			if !e.bucket {
				values[string(e.key)] = e.value
			}
			return nil
		})
	}
	raw, ok := values["schema"]
	if ok = ok && len(raw) == 8; !ok {
		return values, nil
	}
	switch schema := binary.BigEndian.Uint64(raw); {
	case schema > SchemaVersion:
		return nil, fmt.Errorf("%w: %s has schema %d, this rotd knows %d", ErrNewerSchema, b.damaged, schema, SchemaVersion)
	case schema < SchemaVersion:
		return nil, fmt.Errorf("%s has schema %d: rebuild it with a rotd that writes that, then upgrade", b.damaged, schema)
	}
	return values, nil
}

// create begins the new state.
func (b *rebuilding) create(path string, values map[string][]byte) error {
	shard, said := values["shard"]
	if !said {
		shard = []byte(b.shard)
	}
	if len(shard) == 0 {
		return errors.New("which shard's it is cannot be told without a configuration: give -c")
	}
	created, err := time.Parse(time.RFC3339, string(values["created"]))
	if err != nil {
		created = b.now
	}
	file, err := lockedFile(path)
	if err != nil {
		return err
	}
	b.db = &DB{file: file, path: path, bounds: defaultBounds()}
	if err := b.db.openBolt(false); err != nil {
		_ = file.Close()
		return err
	}
	return b.db.create(Options{Shard: string(shard), Now: created})
}
