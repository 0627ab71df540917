package state

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"rotd/internal/audit"
	"rotd/internal/finding"
	"rotd/internal/incident"
	"rotd/internal/inventory"
	"rotd/internal/reencrypt"
	"rotd/internal/remediation"
)

// Description is what a state or a copy of one is.
type Description struct {
	Bytes    int64        `json:"bytes"`
	Shard    string       `json:"shard"`
	Schema   uint64       `json:"schema"`
	Created  time.Time    `json:"created"`
	Commits  Commits      `json:"commits"`
	Keys     int          `json:"keys"`
	Findings int          `json:"findings"`
	Actions  int          `json:"actions"`
	Restored *Restoration `json:"restored,omitempty"`
	// Audit is the newest entry of the audit log.
	Audit audit.Head `json:"audit"`
	// Unreadable are records that cannot be decoded, the first of them named.
	Unreadable []string `json:"unreadable,omitempty"`
}

// describe says what this state is.
func (tx *Tx) describe() (d Description, err error) {
	schema, shard, err := identity(tx.btx)
	if err != nil || schema == 0 {
		return d, err
	}
	d = Description{
		Bytes: tx.btx.Size(), Shard: shard, Schema: schema, Created: tx.Created(), Commits: tx.Commits(),
		Keys: tx.total(bucketKeys), Findings: tx.total(bucketFindings), Actions: tx.total(bucketActions),
		Audit: tx.AuditHead(),
	}
	r, ok, err := tx.Restored()
	if ok {
		d.Restored = &r
	}
	return d, err
}

// Inspect verifies a state file that no daemon uses, and says what it is: every page in use, the schema, the sizes of
// binary entries and that every record can be decoded. It writes nothing. A file in use is a *LockedError, one of a
// newer schema ErrNewerSchema; what is damaged is an error that says what and where.
func Inspect(path string) (Description, error) {
	file, err := OpenCopy(path)
	if err != nil {
		return Description{}, err
	}
	db := &DB{file: file, path: path, bounds: defaultBounds()}
	d, err := db.inspect()
	if db.bolt != nil {
		err = errors.Join(err, db.bolt.Close())
	}
	_ = file.Close() // bbolt has, when it was opened
	return d, err
}

// Inspect verifies the state as Inspect does, beside those who read and write it.
func (db *DB) Inspect() (d Description, err error) {
	if err := db.Check(); err != nil {
		return d, err
	}
	err = db.View(func(tx *Tx) error {
		if err := tx.whole(); err != nil {
			return fmt.Errorf("check state %s: %w", db.path, err)
		}
		d, err = tx.describe()
		return err
	})
	if err != nil {
		return d, err
	}
	d.Unreadable, err = db.unreadable()
	return d, err
}

// OpenCopy opens a state file for reading; nobody may write to it for as long as it is open.
func OpenCopy(path string) (*os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path)
	}
	if err == nil {
		if err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
			err = &LockedError{Path: path, Holder: lockHolder(path)}
		}
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

func (db *DB) inspect() (d Description, err error) {
	if err := db.mapReadOnly(); err != nil {
		return d, err
	}
	err = db.View(func(tx *Tx) error {
		version, _, err := identity(tx.btx)
		switch {
		case err != nil:
			return fmt.Errorf("%s %w", db.path, err)
		case version == 0:
			return fmt.Errorf("%s is empty: no state was begun in it", db.path)
		case version > SchemaVersion:
			return fmt.Errorf("%w: %s has schema %d, this rotd knows %d", ErrNewerSchema, db.path, version, SchemaVersion)
		case version == SchemaVersion:
			err = tx.whole()
		}
		if err != nil {
			return err
		}
		d, err = tx.describe()
		return err
	})
	if err != nil {
		return d, err
	}
	d.Unreadable, err = db.unreadable()
	return d, err
}

// mapReadOnly verifies the file and lets bbolt map it.
func (db *DB) mapReadOnly() (err error) {
	info, err := db.file.Stat()
	switch {
	case err != nil:
		return fmt.Errorf("read the state: %w", err)
	case info.Size() == 0:
		return fmt.Errorf("%s is empty: no state was begun in it", db.path)
	}
	if err := verify(db.file); err != nil {
		return fmt.Errorf("%s is %w", db.path, err)
	}
	return db.openBolt(true)
}

// maxNamed bounds how many of the records that cannot be decoded are named.
const maxNamed = 20

// unreadable names the records that cannot be decoded, in many short transactions.
func (db *DB) unreadable() (names []string, err error) {
	for _, look := range []func() ([]string, error){
		undecodable[inventory.Key](db, bucketKeys, ""), undecodable[finding.Finding](db, bucketFindings, ""),
		undecodable[remediation.Action](db, bucketActions, ""), undecodable[Coverage](db, bucketPlaces, ""),
		undecodable[reencrypt.Job](db, bucketMoving, ""), undecodable[reencrypt.Move](db, bucketMoves, ""),
		undecodable[Run](db, bucketJobs, ""), undecodable[Quarantined](db, bucketQuarantine, "items"),
		undecodable[audit.Entry](db, bucketAudit, ""),
		undecodable[incident.Incident](db, bucketIncidents, ""),
	} {
		more, err := look()
		if err != nil {
			return names, err
		}
		names = append(names, more...)
	}
	if len(names) > maxNamed {
		names = append(names[:maxNamed], fmt.Sprintf("and %d more", len(names)-maxNamed))
	}
	return names, nil
}

// undecodable finds what of a bucket is not one T each.
func undecodable[T any](db *DB, bucket, sub string) func() ([]string, error) {
	return func() (names []string, err error) {
		for after, more := []byte(nil), true; more; {
			err := db.View(func(tx *Tx) error {
				b := tx.bucket(bucket)
				if sub != "" && b != nil {
					b = b.Bucket([]byte(sub))
				}
				if b == nil {
					more = false // an older schema's
					return nil
				}
				var bad []string
				bad, after, more = undecodableFrom[T](b.Cursor(), after)
				for _, key := range bad {
					names = append(names, fmt.Sprintf("%s %q", bucket, key))
				}
				return nil
			})
			if err != nil {
				return names, err
			}
		}
		return names, nil
	}
}

func undecodableFrom[T any](cursor *bbolt.Cursor, from []byte) (bad []string, next []byte, more bool) {
	k, v := cursor.Seek(from)
	for n := 0; k != nil; k, v = cursor.Next() {
		if n++; n > dropAtOnce {
			return bad, append([]byte(nil), k...), true
		}
		if _, err := decode[T](k, v); err != nil {
			bad = append(bad, string(k))
		}
	}
	return bad, nil, false
}
