// Package baseline learns what is ordinary, so that rules can tell what is not: who uses a key and since when, from
// which networks a principal calls, whether a key's callers give an encryption context, and how many different things a
// principal has decrypted within an hour, at that time of the day and week. It is pure: uses in, facts out. It compares
// with no threshold; rules do.
//
// A Key and a Principal are records that the state keeps as bytes (codec.go) and that each use advances (Observe). They
// go by the uses' own times and take them in any order within 15 minutes. Which uses are given to them once is the
// caller's: nothing here knows an eventID.
//
// Everything a caller of AWS chooses is bounded, and where something found no room the record says so: of what is not
// known whole, nothing is called new.
package baseline

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Bounds of a record: those seen last are kept.
const (
	MaxPrincipals = 500 // of a key
	MaxNetworks   = 64  // of a principal
	MaxNewcomers  = 16  // times at which something new came
	MaxBursts     = 112 // of a principal with a key: two weeks of one that is busy around the clock
	maxWindows    = 4   // of a principal with a key: classes of contexts it reads at a time
)

// KeepHours is for how long what is seen no more stays known: a year and what a yearly job may be late.
const KeepHours = 400 * 24

// ID stands for a name, in few bytes. It is cut from SHA-256: nobody can make up a name that passes for another.
type ID uint64

// IDOf is the id of a name.
func IDOf(name string) ID {
	sum := sha256.Sum256([]byte(name))
	return ID(binary.BigEndian.Uint64(sum[:8]))
}

// Use is one successful cryptographic call with one key.
type Use struct {
	At        time.Time
	Principal ID
	Network   uint64  // where it came from, 0 when that is no network
	Context   Context // encryption context, zero when it has none
	Decrypts  bool    // it reads something that was stored
	Symmetric bool    // it could have had an encryption context
}

// hourOf is the hour a time lies in, counted from 1970; times before 1970 lie in the first.
func hourOf(t time.Time) uint32 {
	const hour = 3600
	return uint32(max(t.Unix(), 0) / hour) //nolint:gosec // until the year 490,000
}

// less is n-by, and no less than 0.
func less(n, by uint32) uint32 { return n - min(n, by) }

// settlingHours is how long everybody is new to a key that is new itself: no newcomer counts in it.
const settlingHours = 7 * 24

// newcomers are the hours at which something new was met, newest last.
type newcomers []uint32

func (n newcomers) add(hour uint32) newcomers {
	n = append(n, hour)
	return n[max(len(n)-MaxNewcomers, 0):]
}

// within counts those of the given number of hours that end with an hour.
func (n newcomers) within(hours, now uint32) (count int) {
	for _, hour := range n {
		if hour <= now && hour >= less(now, hours) {
			count++
		}
	}
	return count
}
