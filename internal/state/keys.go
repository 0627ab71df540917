package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"rotd/internal/inventory"
)

// Coverage is what the sweeps of one account and Region reached.
type Coverage struct {
	Account string `json:"account"`
	Region  string `json:"region"`
	// FirstSeen and LastSeen are when an inventory first and last saw the place: it listed every key, and read all but
	// at most a few. The first ends the baseline.
	FirstSeen    time.Time `json:"first_seen,omitzero"`
	LastSeen     time.Time `json:"last_seen,omitzero"`
	LastComplete time.Time `json:"last_complete,omitzero"` // when an inventory last read every key
	LastSweep    time.Time `json:"last_sweep,omitzero"`
	LastKind     string    `json:"last_kind,omitempty"` // inventory, drift
	Keys         int       `json:"keys"`                // listed by the last inventory
	Unread       int       `json:"unread"`              // of them, not read
	Denied       int       `json:"denied"`              // of them, with something refused
	// FirstFacts is when every key's rotations and grants had been asked for once: until then what they show belongs to
	// the baseline, too.
	FirstFacts time.Time `json:"first_facts,omitzero"`
	// Asked is when a person last asked for fresh facts that no sweep has read yet.
	Asked time.Time `json:"asked,omitzero"`
	// DriftAfter is the last key of a drift sweep that was begun and not ended; it goes on there after a restart.
	DriftAfter string    `json:"drift_after,omitempty"`
	DriftBegan time.Time `json:"drift_began,omitzero"`
	LastError  string    `json:"last_error,omitempty"`
	// Heard is when an event last arrived from the place, and LastEvent the eventTime of the newest: to within minutes.
	Heard     time.Time `json:"heard,omitzero"`
	LastEvent time.Time `json:"last_event,omitzero"`
	// Unjudged are changes that could not wait for events to tell of them, because too many did, and of which no finding
	// says so yet.
	Unjudged int `json:"unjudged,omitempty"`
	// Canary is what became of the canaries; nil when none is sent.
	Canary *Canary `json:"canary,omitempty"`
}

// Key returns a key by ARN; nil when it is not known.
func (tx *Tx) Key(arn string) (*inventory.Key, error) {
	key, ok, err := getJSON[inventory.Key](tx.bucket(bucketKeys), []byte(arn))
	if err != nil || !ok {
		return nil, err
	}
	return &key, nil
}

// Knows reports whether the inventory knows a key. What events tell of others is not kept, so that they cannot grow the
// state.
func (tx *Tx) Knows(arn string) bool { return tx.bucket(bucketKeys).Get([]byte(arn)) != nil }

// PutKey stores a key and the names it is found by, and forgets names it no longer has.
func (tx *Tx) PutKey(key *inventory.Key) error {
	before, err := tx.Key(key.ARN)
	if _, unreadable := errors.AsType[*UnreadableError](err); err != nil && !unreadable {
		return err
	}
	names := tx.bucket(bucketNames)
	if before != nil {
		for _, alias := range before.Aliases {
			name := []byte(placeName(key.Account, key.Region, alias))
			if string(names.Get(name)) != key.ARN {
				continue // the alias is another key's by now
			}
			if err := names.Delete(name); err != nil {
				return fmt.Errorf("forget name %s: %w", name, err)
			}
		}
	}
	for _, name := range append([]string{key.ID}, key.Aliases...) {
		at := []byte(placeName(key.Account, key.Region, name))
		if key.GoneAt != nil && names.Get(at) != nil {
			continue // a deleted key takes no alias back from the living
		}
		if err := names.Put(at, []byte(key.ARN)); err != nil {
			return fmt.Errorf("store name %s: %w", name, err)
		}
	}
	if err := tx.putDue(before, key); err != nil {
		return err
	}
	if err := tx.putJSON(bucketKeys, []byte(key.ARN), key); err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	return tx.setBudget(before, key)
}

// Resolve returns the ARN that a key id or alias name stands for in an account and Region, "" when it is not known.
func (tx *Tx) Resolve(account, region, name string) string {
	return string(tx.bucket(bucketNames).Get([]byte(placeName(account, region, name))))
}

// Keys copies a page of keys in ARN order; see page.
func (tx *Tx) Keys(after string, limit int, keep func(*inventory.Key) bool) ([]inventory.Key, string, error) {
	return page(tx, tx.bucket(bucketKeys), after, limit, false, keep)
}

// KeyCount is how many keys are known.
func (tx *Tx) KeyCount() int { return tx.total(bucketKeys) }

// LastUse is when events last told of a key's use; zero when they never did.
func (tx *Tx) LastUse(arn string) time.Time {
	raw := tx.bucket(bucketUses).Get([]byte(arn))
	if len(raw) != 8 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw)), 0).UTC() //nolint:gosec // written by NoteUse
}

// NoteUse keeps the latest use of a key that the inventory knows; keys of others are not counted, so that events
// cannot grow the state.
func (tx *Tx) NoteUse(arn string, at time.Time) error {
	if !at.After(tx.LastUse(arn)) || !tx.Knows(arn) {
		return nil
	}
	if err := tx.bucket(bucketUses).Put([]byte(arn), uint64Bytes(uint64(at.Unix()))); err != nil { //nolint:gosec // > 0
		return fmt.Errorf("note a key's use: %w", err)
	}
	return nil
}

// forgetKey removes a key that KMS deleted and everything found by it.
func (tx *Tx) forgetKey(key *inventory.Key) error {
	names := tx.bucket(bucketNames)
	for _, name := range append([]string{key.ID}, key.Aliases...) {
		at := []byte(placeName(key.Account, key.Region, name))
		if string(names.Get(at)) == key.ARN {
			if err := names.Delete(at); err != nil {
				return fmt.Errorf("forget name %s: %w", name, err)
			}
		}
	}
	if err := tx.putDue(key, nil); err != nil {
		return err
	}
	if err := tx.bucket(bucketUses).Delete([]byte(key.ARN)); err != nil {
		return fmt.Errorf("forget a key's use: %w", err)
	}
	if err := tx.forgetHistory(key.ARN); err != nil {
		return err
	}
	if err := tx.SetAssignment(key.ARN, nil); err != nil {
		return err
	}
	if err := tx.forgetUsage(key.ARN); err != nil {
		return err
	}
	if err := tx.forgetBaseline(key.ARN); err != nil {
		return err
	}
	if err := tx.remove(bucketKeys, []byte(key.ARN)); err != nil {
		return fmt.Errorf("forget key: %w", err)
	}
	return tx.setBudget(key, nil)
}

// Place returns the coverage of an account and Region; zero but for its names when none was swept yet.
func (tx *Tx) Place(account, region string) (Coverage, error) {
	c, ok, err := getJSON[Coverage](tx.bucket(bucketPlaces), []byte(account+"/"+region))
	if !ok {
		c = Coverage{Account: account, Region: region}
	}
	return c, err
}

// PutPlace stores the coverage of an account and Region.
func (tx *Tx) PutPlace(c Coverage) error {
	return putJSON(tx.bucket(bucketPlaces), []byte(c.Account+"/"+c.Region), c)
}

// Places returns the coverage of every account and Region ever swept.
func (tx *Tx) Places() ([]Coverage, error) {
	items, _, err := page[Coverage](tx, tx.bucket(bucketPlaces), "", 10_000, false, nil)
	return items, err
}

func placeName(account, region, name string) string { return account + "/" + region + "/" + name }
