// Package usage knows who uses a key: how calls are counted by key and principal, how the counts are written compactly,
// and what they add up to. It is pure: bytes and numbers in, bytes and answers out. Which calls are counted is the
// engine's (a successful cryptographic call, once), where the bytes lie is state's.
//
// The way of a call: a transaction's calls are gathered in a Batch, alike ones together; the batch is written to the
// log as Tuples, with names replaced by ids; later the log's tuples are folded into one Record per key; and a Usage is
// what a record and the tuples not yet folded say of a window of time.
//
// Everything a caller of AWS chooses (principals, networks, services, encryption contexts) is bounded: see the
// constants. What does not fit is counted under Others, so that totals stay exact.
package usage

import "time"

// How far back counts by the hour and by the day go.
const (
	KeepHours = 7 * 24
	KeepDays  = 90
)

// Bounds: those used or seen last are kept. A key has so many principals, each of them, and for services and shapes the
// key too, so many of the rest.
const (
	MaxPrincipals = 500
	MaxNetworks   = 16
	MaxServices   = 16
	MaxShapes     = 16
)

// Ids below firstName are no names' ids.
const (
	// None is the id of what a call does not have: no calling service, no encryption context.
	None = 0
	// Others is the id of everything that found no room.
	Others = 1
	// FirstName is the first id that a name may have.
	FirstName = 16
)

// Hours and days are counted from 1970 in UTC, which has no summer time.
const (
	hourSeconds = 3600
	dayHours    = 24
)

// HourOf is the hour a time lies in; times before 1970 lie in the first.
func HourOf(t time.Time) uint32 {
	return uint32(max(t.Unix(), 0) / hourSeconds) //nolint:gosec // until the year 490,000
}

// DayOf is the day an hour lies in.
func DayOf(hour uint32) uint32 { return hour / dayHours }

func hourTime(hour uint32) time.Time { return time.Unix(int64(hour)*hourSeconds, 0).UTC() }

// oldestHour and oldestDay are the first that are kept at a time.
func oldestHour(now time.Time) uint32 { return less(HourOf(now)+1, KeepHours) }
func oldestDay(now time.Time) uint32  { return less(DayOf(HourOf(now))+1, KeepDays) }

func less(n, by uint32) uint32 { return n - min(n, by) }
