package state

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// MaxUntold bounds the keys whose changes wait for an event to tell of them; past it the oldest wait no longer.
const MaxUntold = 10_000

// Untold is what a sweep found changed about a key and no event had told of yet.
type Untold struct {
	ARN     string    `json:"arn"`
	Name    string    `json:"name"` // what people call the key
	Account string    `json:"account"`
	Region  string    `json:"region"`
	Since   time.Time `json:"since"` // the change is no older
	Found   time.Time `json:"found"`
	Changes []Change  `json:"changes"`
}

// Change is one difference between two readings of a key.
type Change struct {
	What       string   `json:"what"`       // in a word: rotation-off
	Operations []string `json:"operations"` // any of them makes it
}

// NoteUntold keeps a change until events had the time to tell of it. It returns what was forgotten for it, the oldest.
func (tx *Tx) NoteUntold(u *Untold) (forgotten []Untold, err error) {
	for tx.total(bucketUntold) >= tx.bounds.untold {
		k, v := tx.bucket(bucketUntold).Cursor().First()
		if k == nil {
			break // a total that a bit fell over in
		}
		oldest := untold(k, v)
		if err := tx.remove(bucketUntold, k); err != nil {
			return nil, fmt.Errorf("forget an untold change: %w", err)
		}
		forgotten = append(forgotten, oldest)
	}
	key := u.key()
	if v := tx.bucket(bucketUntold).Get(key); v != nil { // found a moment ago
		u.Changes = append(untold(key, v).Changes, u.Changes...)
	}
	if err := tx.putJSON(bucketUntold, key, u); err != nil {
		return nil, fmt.Errorf("note an untold change: %w", err)
	}
	return forgotten, nil
}

func (u *Untold) key() []byte { return append(stamp(u.Found), u.ARN...) }

// untold decodes an entry. What cannot be decoded is a change all the same: nothing tells of it, so that it is told.
func untold(k, v []byte) Untold {
	u, err := decode[Untold](k, v)
	if err != nil {
		u = Untold{ARN: string(k[8:]), Found: entryTime(k[:8]).UTC()}
		u.Changes = []Change{{What: "a change that cannot be read"}}
		if parts := strings.SplitN(u.ARN, ":", 6); len(parts) == 6 {
			u.Region, u.Account, u.Name = parts[3], parts[4], strings.TrimPrefix(parts[5], "key/")
		}
	}
	return u
}

// UntoldUntil returns the changes found until a time, the oldest first, at most limit, from after on; next is where
// to go on, "" at the end.
func (tx *Tx) UntoldUntil(after string, until time.Time, limit int) (found []Untold, next string) {
	cursor := tx.bucket(bucketUntold).Cursor()
	k, v := cursor.Seek([]byte(after))
	if k != nil && string(k) == after {
		k, v = cursor.Next()
	}
	for ; k != nil; k, v = cursor.Next() {
		switch {
		case binary.BigEndian.Uint64(k[:8]) > uint64(until.Unix()): //nolint:gosec // after 1970
			return found, ""
		case len(found) == limit:
			return found, string(found[limit-1].key())
		}
		found = append(found, untold(k, v))
	}
	return found, ""
}

// DoneUntold forgets a change that was judged.
func (tx *Tx) DoneUntold(u *Untold) error {
	if err := tx.remove(bucketUntold, u.key()); err != nil {
		return fmt.Errorf("forget an untold change: %w", err)
	}
	return nil
}
