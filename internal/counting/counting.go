// Package counting counts distinct things in windows of event time. It is what the rules' memory counts by, so that the
// daemon, which keeps it in the state, and a replay, which does not, answer alike. Pure; it keeps nothing.
package counting

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"time"
)

// Max bounds the entries that a series keeps: rules compare small counts.
const Max = 64

// Entry is one thing that happened.
type Entry struct {
	At int64   // unix seconds
	ID [8]byte // a hash of what it was
}

// Series is what happened, by time. Its methods leave it as it is.
type Series []Entry

// With returns the series with an entry, and whether that is another series. Of three entries of one id less than a
// window apart the middle one is left out: every window of that length that has it has one of the others too. So whoever
// repeats one thing, however often, drives out no other.
func (s Series) With(e Entry, window time.Duration) (with Series, changed bool) {
	at, known := slices.BinarySearchFunc(s, e, compare)
	if known {
		return s, false
	}
	with = slices.Insert(slices.Clone(s), at, e)
	var times []int64
	for _, other := range with {
		if other.ID == e.ID {
			times = append(times, other.At)
		}
	}
	for i := len(times) - 2; i > 0; i-- {
		if times[i+1]-times[i-1] < seconds(window) {
			times = slices.Delete(times, i, i+1)
		}
	}
	with = slices.DeleteFunc(with, func(other Entry) bool {
		return other.ID == e.ID && !slices.Contains(times, other.At)
	})
	return with, !slices.Equal(with, s)
}

// Newest is the last Max entries.
func (s Series) Newest() Series { return s[max(0, len(s)-Max):] }

// Fullest returns how many distinct ids the fullest window has that holds a time. So a full window is noticed whichever
// of its entries comes last.
func (s Series) Fullest(at time.Time, window time.Duration) int {
	earlier := s.earlier()
	now, length := at.Unix(), seconds(window)
	distinct := func(from int64) (n int) {
		for i, e := range s {
			if e.At >= from && e.At < from+length && earlier[i] < from {
				n++
			}
		}
		return n
	}
	fullest := distinct(now)
	for _, e := range s {
		if e.At > now-length && e.At < now {
			fullest = max(fullest, distinct(e.At))
		}
	}
	return fullest
}

// earlier gives, for each entry, when the one of the same id before it was.
func (s Series) earlier() []int64 {
	times := make([]int64, len(s))
	for i, e := range s {
		times[i] = math.MinInt64
		for j := i - 1; j >= 0; j-- {
			if s[j].ID == e.ID {
				times[i] = s[j].At
				break
			}
		}
	}
	return times
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func compare(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.At, b.At), bytes.Compare(a.ID[:], b.ID[:]))
}
