package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"

	"rotd/internal/history"
)

// MaxHistory bounds the entries kept of a key and kind: whoever changes a tag back and forth pushes out older changes
// of tags, and nothing else. What was dropped is counted in an entry of its own.
const MaxHistory = 100

// chapter is the history of one kind of a key. Its entries' keys are the prefix and the time they were kept at; the one
// of time zero counts those that were dropped.
type chapter struct {
	bucket *bbolt.Bucket
	prefix []byte
}

func (tx *Tx) chapter(arn string, kind history.Kind) chapter {
	return chapter{tx.bucket(bucketHistory), fmt.Appendf(nil, "%s\x00%s\x00", arn, kind)}
}

// at is the key of the entry kept at a time: nanoseconds, so that readings in one second keep their order.
func (c chapter) at(t time.Time) []byte {
	var nanos uint64
	if !t.IsZero() {
		nanos = uint64(t.UnixNano())
	}
	return binary.BigEndian.AppendUint64(bytes.Clone(c.prefix), nanos)
}

// AddHistory appends an entry to a key's history, the oldest of its kind going when there are too many. An entry is
// never kept at the time of another one or before it, whatever the clock says: their order is that of the readings.
func (tx *Tx) AddHistory(arn string, e *history.Entry) error {
	c := tx.chapter(arn, e.Kind)
	keys := c.keys()
	if n := len(keys); n > 0 {
		if last := keptAt(keys[n-1]); !e.Kept.After(last) {
			e.Kept = last.Add(1)
		}
	}
	if err := putJSON(c.bucket, c.at(e.Kept), e); err != nil {
		return fmt.Errorf("keep history: %w", err)
	}
	return c.drop(keys[:max(len(keys)+1-tx.bounds.history, 0)])
}

// SetHistory stores what became known of an entry that is kept.
func (tx *Tx) SetHistory(arn string, e *history.Entry) error {
	c := tx.chapter(arn, e.Kind)
	if err := putJSON(c.bucket, c.at(e.Kept), e); err != nil {
		return fmt.Errorf("keep history: %w", err)
	}
	return nil
}

// CancelHistory removes an entry that turned out to be no change.
func (tx *Tx) CancelHistory(arn string, e *history.Entry) error {
	c := tx.chapter(arn, e.Kind)
	if err := c.bucket.Delete(c.at(e.Kept)); err != nil {
		return fmt.Errorf("cancel history: %w", err)
	}
	return nil
}

// LatestHistory returns the newest entries of a kind, at most limit, the oldest of them first.
func (tx *Tx) LatestHistory(arn string, kind history.Kind, limit int) ([]history.Entry, error) {
	c := tx.chapter(arn, kind)
	keys := c.keys()
	var entries []history.Entry
	for _, key := range keys[max(len(keys)-limit, 0):] {
		e, _, err := getJSON[history.Entry](c.bucket, key)
		if err != nil {
			return nil, err
		}
		e.Kept = keptAt(key)
		entries = append(entries, e)
	}
	return entries, nil
}

// History copies all that is kept of a key's history: bounded by MaxHistory for each of a few dozen kinds.
func (tx *Tx) History(arn string) (*history.Kept, error) { return tx.history(arn + "\x00") }

// EventHistory copies the events kept of a key.
func (tx *Tx) EventHistory(arn string) (*history.Kept, error) {
	return tx.history(arn + "\x00" + string(history.EventKind("")))
}

func (tx *Tx) history(prefix string) (*history.Kept, error) {
	kept := &history.Kept{Dropped: make(map[history.Kind]history.Drop)}
	cursor := tx.bucket(bucketHistory).Cursor()
	for k, v := cursor.Seek([]byte(prefix)); bytes.HasPrefix(k, []byte(prefix)); k, v = cursor.Next() {
		_, kind, at := historyKey(k)
		if at.IsZero() {
			var d history.Drop
			if err := json.Unmarshal(v, &d); err != nil {
				return nil, fmt.Errorf("decode %q: %w", k, err)
			}
			kept.Dropped[kind] = d
			continue
		}
		var e history.Entry
		if err := json.Unmarshal(v, &e); err != nil {
			return nil, fmt.Errorf("decode %q: %w", k, err)
		}
		e.Kept = at
		kept.Entries = append(kept.Entries, e)
	}
	return kept, nil
}

// keys are those of the entries, oldest first, without the one that counts the dropped.
func (c chapter) keys() (keys [][]byte) {
	cursor := c.bucket.Cursor()
	for k, _ := cursor.Seek(c.prefix); bytes.HasPrefix(k, c.prefix); k, _ = cursor.Next() {
		if !keptAt(k).IsZero() {
			keys = append(keys, bytes.Clone(k))
		}
	}
	return keys
}

// drop removes the oldest entries and counts them.
func (c chapter) drop(keys [][]byte) error {
	if len(keys) == 0 {
		return nil
	}
	d, _, err := getJSON[history.Drop](c.bucket, c.at(time.Time{}))
	if err != nil {
		return err
	}
	for _, key := range keys {
		e, _, err := getJSON[history.Entry](c.bucket, key)
		if err != nil {
			return err
		}
		d.Count++
		if at := e.Effective(); at.After(d.Until) {
			d.Until = at
		}
		if err := c.bucket.Delete(key); err != nil {
			return fmt.Errorf("drop history: %w", err)
		}
	}
	if err := putJSON(c.bucket, c.at(time.Time{}), d); err != nil {
		return fmt.Errorf("count dropped history: %w", err)
	}
	return nil
}

// historyKey takes the key of an entry apart; widths.go has seen that it is long enough.
func historyKey(key []byte) (arn string, kind history.Kind, at time.Time) {
	rest := key[:len(key)-8]
	rest = bytes.TrimSuffix(rest, []byte{0})
	name, of, _ := bytes.Cut(rest, []byte{0})
	return string(name), history.Kind(of), keptAt(key)
}

// keptAt is the time in the key of an entry; zero: the entry counts the dropped.
func keptAt(key []byte) time.Time {
	nanos := binary.BigEndian.Uint64(key[len(key)-8:])
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(nanos)).UTC() //nolint:gosec // written by at
}

// dropHistory drops entries kept before a time, a stretch of the bucket at a time: it returns where to go on, nil at
// the end.
func (tx *Tx) dropHistory(after []byte, before time.Time, dropped *int) (next []byte, err error) {
	var old [][]byte
	cursor := tx.bucket(bucketHistory).Cursor()
	k, _ := cursor.Seek(after)
	for scanned := 0; k != nil && scanned < scanHistory; k, _ = cursor.Next() {
		scanned++
		if at := keptAt(k); !at.IsZero() && at.Before(before) {
			old = append(old, bytes.Clone(k))
		}
	}
	next = bytes.Clone(k)
	for _, key := range old {
		arn, kind, _ := historyKey(key)
		if err := tx.chapter(arn, kind).drop([][]byte{key}); err != nil {
			return nil, err
		}
		*dropped++
	}
	return next, nil
}

// scanHistory bounds what one transaction of retention looks at.
const scanHistory = 5_000

// dropOldHistory removes what is older than history is kept for.
func (db *DB) dropOldHistory(before time.Time) (dropped int, err error) {
	for next, more := []byte(nil), true; more && err == nil; more = next != nil {
		err = db.Update(func(tx *Tx) error {
			next, err = tx.dropHistory(next, before, &dropped)
			return err
		})
	}
	return dropped, err
}

// forgetHistory removes all of a key's history.
func (tx *Tx) forgetHistory(arn string) error {
	prefix := []byte(arn + "\x00")
	cursor := tx.bucket(bucketHistory).Cursor()
	for k, _ := cursor.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = cursor.Seek(prefix) {
		if err := cursor.Delete(); err != nil {
			return fmt.Errorf("forget a key's history: %w", err)
		}
	}
	return nil
}
