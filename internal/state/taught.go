package state

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Taught is up to when archives have taught what is usual in an account and Region; zero when none did.
func (tx *Tx) Taught(account, region string) time.Time {
	raw := tx.bucket(bucketMeta).Get(taughtKey(account, region))
	if len(raw) != 8 {
		return time.Time{}
	}
	return time.Unix(int64(binary.BigEndian.Uint64(raw)), 0).UTC() //nolint:gosec // written by SetTaught
}

// SetTaught notes up to when archives have taught what is usual in an account and Region.
func (tx *Tx) SetTaught(account, region string, through time.Time) error {
	raw := uint64Bytes(uint64(max(through.Unix(), 0)))
	if err := tx.bucket(bucketMeta).Put(taughtKey(account, region), raw); err != nil {
		return fmt.Errorf("note what was taught: %w", err)
	}
	return nil
}

func taughtKey(account, region string) []byte { return []byte("taught/" + account + "/" + region) }

// Teachable reports whether an archive may teach how a key is used: the inventory knows the key, or has not read all of
// the keys where this one is.
func (tx *Tx) Teachable(arn string) (bool, error) {
	if tx.Knows(arn) {
		return true, nil
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || !strings.HasPrefix(parts[5], "key/") {
		return false, nil
	}
	place, err := tx.Place(parts[4], parts[3])
	return place.LastComplete.IsZero(), err
}

// dropStrangers forgets what archives taught of keys that are not there: an inventory has read all of the keys where
// they would be.
func (db *DB) dropStrangers() (total int, err error) {
	for after, more := []byte(nil), true; more; {
		var found []string
		err := db.View(func(tx *Tx) (err error) {
			found, after, more, err = tx.strangers(after)
			return err
		})
		if err == nil && len(found) > 0 {
			err = db.Update(func(tx *Tx) error {
				for _, arn := range found {
					if err := tx.forgetBaseline(arn); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err != nil {
			return total, err
		}
		total += len(found)
	}
	return total, nil
}

// strangers looks for keys from one on; next is where to go on, if there are more.
func (tx *Tx) strangers(from []byte) (found []string, next []byte, more bool, err error) {
	cursor := tx.sub(bucketBaselines, baselineKeys).Cursor()
	k, _ := cursor.Seek(from)
	for looked := 0; k != nil; k, _ = cursor.Next() {
		if looked == lookAtOnce || len(found) == dropAtOnce {
			return found, bytes.Clone(k), true, nil
		}
		looked++
		ok, err := tx.Teachable(string(k))
		if err = tx.PassOver(err); err != nil {
			return nil, nil, false, err
		}
		if !ok {
			found = append(found, string(k))
		}
	}
	return found, nil, false, nil
}
