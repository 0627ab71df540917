package state

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.etcd.io/bbolt"
)

// Tx is one transaction. It must not be kept after the function it was given to returned, and read-only ones must not
// be kept open while a client reads: copy a page, return, go on from the last key.
type Tx struct {
	btx     *bbolt.Tx
	db      *DB
	bounds  *bounds
	buckets map[string]*bbolt.Bucket
	slice   *bbolt.Bucket // of seen: the slice used last
	sliceAt uint32

	passedOver []*UnreadableError
	revised    bool // what suppressions hide
}

// Update runs fn in one writing transaction, durable when Update returns nil. fn's error rolls back and comes back as
// it is, a panic in fn rolls back and goes on up. When the disk refuses the commit (full, read-only, failing) Update
// says so; what was in it then did not happen, or after a failed sync may not last, and the next Update tries anew.
func (db *DB) Update(fn func(tx *Tx) error) error {
	var err error
	commit := db.bolt.Update(func(btx *bbolt.Tx) error {
		tx := db.tx(btx)
		if err = fn(tx); err != nil {
			return err
		}
		return tx.counted(time.Now())
	})
	if err == nil && commit != nil {
		return fmt.Errorf("write state %s: %w", db.path, commit)
	}
	return err
}

// View runs fn in one reading transaction.
func (db *DB) View(fn func(tx *Tx) error) error {
	return db.bolt.View(func(btx *bbolt.Tx) error { return fn(db.tx(btx)) })
}

func (db *DB) tx(btx *bbolt.Tx) *Tx {
	return &Tx{btx: btx, db: db, bounds: &db.bounds, buckets: make(map[string]*bbolt.Bucket, 8)}
}

// OnCommit runs fn after the transaction became durable.
func (tx *Tx) OnCommit(fn func()) { tx.btx.OnCommit(fn) }

// bucket returns a top-level bucket; prepare made sure that it exists.
func (tx *Tx) bucket(name string) *bbolt.Bucket {
	b, ok := tx.buckets[name]
	if !ok {
		b = tx.btx.Bucket([]byte(name))
		tx.buckets[name] = b
	}
	return b
}

// sub returns a fixed sub-bucket.
func (tx *Tx) sub(name, sub string) *bbolt.Bucket {
	if b, ok := tx.buckets[name+"/"+sub]; ok { // without allocating: it is asked for with every event
		return b
	}
	b := tx.bucket(name).Bucket([]byte(sub))
	tx.buckets[name+"/"+sub] = b
	return b
}

// present is the value of entries that are all key: of an entry put as nil bbolt's Get says nil, as of one that is not
// there, until the transaction is committed.
func present() []byte { return []byte{} }

// encode writes a value as JSON. A string that is no UTF-8 (only what could not be decoded has some) is mended, since
// failing would fail everything else in the transaction.
func encode(value any) ([]byte, error) {
	return json.Marshal(value,
		json.FormatNilSliceAsNull(true), json.FormatNilMapAsNull(true), jsontext.AllowInvalidUTF8(true))
}

// putJSON stores a value as JSON.
func putJSON(b *bbolt.Bucket, key []byte, value any) error {
	raw, err := encode(value)
	if err != nil {
		return fmt.Errorf("encode %q: %w", key, err)
	}
	return b.Put(key, raw)
}

// putJSON stores a value as JSON in a counted bucket.
func (tx *Tx) putJSON(bucket string, key []byte, value any) error {
	raw, err := encode(value)
	if err != nil {
		return fmt.Errorf("encode %q: %w", key, err)
	}
	return tx.put(bucket, key, raw)
}

// getJSON reads a stored value into one; ok is false when there is none.
func getJSON[T any](b *bbolt.Bucket, key []byte) (value T, ok bool, err error) {
	raw := b.Get(key)
	if raw == nil {
		return value, false, nil
	}
	value, err = decode[T](key, raw)
	return value, err == nil, err
}

// UnreadableError says that a record cannot be decoded: what is in it is lost, other records are not.
type UnreadableError struct {
	Key string
	Err error
}

func (e *UnreadableError) Error() string { return fmt.Sprintf("decode %q: %v", e.Key, e.Err) }

func (e *UnreadableError) Unwrap() error { return e.Err }

// PassOver notes a record that cannot be read, so that the others can be had. Another error comes back.
func (tx *Tx) PassOver(err error) error {
	unreadable, ok := errors.AsType[*UnreadableError](err)
	if !ok {
		return err
	}
	tx.passedOver = append(tx.passedOver, unreadable)
	return nil
}

// PassedOver are the records that the transaction's lists left out because they cannot be read, and what else was noted
// by PassOver; each as often as it was met.
func (tx *Tx) PassedOver() []*UnreadableError { return tx.passedOver }

func decode[T any](key, raw []byte) (value T, err error) {
	if err := json.Unmarshal(raw, &value); err != nil {
		return value, &UnreadableError{Key: string(key), Err: err}
	}
	return value, nil
}

// page copies up to limit values whose keys follow after, in order, or from the newest back; next is the key to go on
// from, "" at the end. Values that keep refuses are left out, at most scanLimit in one page, and so is what cannot be
// read: see PassedOver.
func page[T any](tx *Tx, b *bbolt.Bucket, after string, limit int, newestFirst bool, keep func(*T) bool) (
	items []T, next string, err error,
) {
	const scanLimit = 2_500 // keys of 2 KB take some 40 ms
	cursor := b.Cursor()
	var k, v []byte
	step := cursor.Next
	switch {
	case newestFirst && after == "":
		step = cursor.Prev
		k, v = cursor.Last()
	case newestFirst:
		step = cursor.Prev
		cursor.Seek([]byte(after))
		k, v = cursor.Prev()
	case after == "":
		k, v = cursor.First()
	default:
		k, v = cursor.Seek([]byte(after))
		if k != nil && bytes.Equal(k, []byte(after)) {
			k, v = cursor.Next()
		}
	}
	var last string
	for scanned := 0; k != nil; k, v = step() {
		if len(items) == limit || keep != nil && scanned == scanLimit {
			return items, last, nil
		}
		scanned++
		last = string(k)
		item, err := decode[T](k, v)
		if err != nil {
			if err := tx.PassOver(err); err != nil {
				return items, last, err
			}
			continue
		}
		if keep == nil || keep(&item) {
			items = append(items, item)
		}
	}
	return items, "", nil
}
