package state

import (
	"encoding/binary"
	"fmt"
	"time"
)

// MaxUntold bounds the changes that wait for an event to tell of them; past it the oldest are forgotten.
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

// NoteUntold keeps a change until events had the time to tell of it.
func (tx *Tx) NoteUntold(u *Untold) error {
	for tx.total(bucketUntold) >= tx.bounds.untold {
		first, _ := tx.bucket(bucketUntold).Cursor().First()
		if first == nil {
			break // a total that a bit fell over in
		}
		if err := tx.remove(bucketUntold, first); err != nil {
			return fmt.Errorf("forget an untold change: %w", err)
		}
	}
	key := append(stamp(u.Found), u.ARN...)
	known, ok, err := getJSON[Untold](tx.bucket(bucketUntold), key)
	if err != nil {
		return err
	}
	if ok { // found a moment ago
		u.Changes = append(known.Changes, u.Changes...)
	}
	if err := tx.putJSON(bucketUntold, key, u); err != nil {
		return fmt.Errorf("note an untold change: %w", err)
	}
	return nil
}

// UntoldUntil returns the changes found until a time, the oldest first, at most limit.
func (tx *Tx) UntoldUntil(until time.Time, limit int) ([]Untold, error) {
	var found []Untold
	cursor := tx.bucket(bucketUntold).Cursor()
	for k, _ := cursor.First(); k != nil && len(found) < limit; k, _ = cursor.Next() {
		if binary.BigEndian.Uint64(k[:8]) > uint64(until.Unix()) { //nolint:gosec // after 1970
			break
		}
		u, _, err := getJSON[Untold](tx.bucket(bucketUntold), k)
		if err != nil {
			return nil, err
		}
		found = append(found, u)
	}
	return found, nil
}

// DoneUntold forgets a change that was judged.
func (tx *Tx) DoneUntold(u *Untold) error {
	if err := tx.remove(bucketUntold, append(stamp(u.Found), u.ARN...)); err != nil {
		return fmt.Errorf("forget an untold change: %w", err)
	}
	return nil
}
