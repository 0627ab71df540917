package state

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// mark is one MarkSeen with its answer.
type mark struct {
	id    string
	at    time.Duration
	fresh bool
}

func TestMarkSeen(t *testing.T) {
	for name, transactions := range map[string][][]mark{
		"an event is fresh once, also inside one transaction": {
			{{uuid(1), 0, true}, {uuid(1), 0, false}, {uuid(2), 0, true}, {uuid(1), 0, false}},
		},
		"an event of an earlier transaction is known": {{{uuid(1), 0, true}}, {{uuid(1), 0, false}, {uuid(2), 0, true}}},
		"order does not matter": {
			{{uuid(3), 3 * time.Hour, true}, {uuid(1), 0, true}}, {{uuid(1), 0, false}, {uuid(3), 3 * time.Hour, false}},
		},
		"the same id in another second is another event": {{{uuid(1), 0, true}, {uuid(1), time.Second, true}}},
		"the same id in the same second is the same event, whatever the fraction": {
			{{uuid(1), 0, true}, {uuid(1), 999 * time.Millisecond, false}},
		},
		"slices are kept apart":                    {{{uuid(1), 0, true}, {uuid(1), time.Hour, true}, {uuid(1), 0, false}}},
		"an id that is no UUID is remembered, too": {{{"my event", 0, true}, {"my event", 0, false}, {"", 0, true}}},
		"upper case is another id than lower case": {
			{{"ABCDEF00-1111-4222-8333-444455556666", 0, true}, {"abcdef00-1111-4222-8333-444455556666", 0, true}},
			{{"ABCDEF00-1111-4222-8333-444455556666", 0, false}},
		},
		"what only looks like a UUID is hashed": {
			{{"zzzzzzzz-1111-4222-8333-444455556666", 0, true}, {"yyyyyyyy-1111-4222-8333-444455556666", 0, true}},
		},
		"a huge id is no problem": {{{strings.Repeat("x", 1<<20), 0, true}, {strings.Repeat("x", 1<<20), 0, false}}},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			for i, marks := range transactions {
				update(t, db, func(tx *Tx) error {
					for j, m := range marks {
						fresh, err := tx.MarkSeen(m.id, day().Add(m.at))
						if err != nil {
							return err
						}
						same(t, fmt.Sprintf("mark %d of transaction %d", j, i), fresh, m.fresh)
					}
					return nil
				})
			}
		})
	}
}

// TestAFloodInOneSecondIsRememberedWhole: beyond what records hold events have entries of their own.
func TestAFloodInOneSecondIsRememberedWhole(t *testing.T) {
	const flood = 5 * seenGroups * seenTogether / 2
	db := openTest(t)
	for round, want := range []bool{true, false} {
		update(t, db, func(tx *Tx) error {
			for i := range flood {
				fresh, err := tx.MarkSeen(uuid(i), day())
				again, errAgain := tx.MarkSeen(uuid(i), day())
				if err = errors.Join(err, errAgain); err != nil || fresh != want || again {
					return fmt.Errorf("event %d in round %d: fresh %t, again %t (%w)", i, round, fresh, again, err)
				}
			}
			slice, err := tx.seenSlice(uint32(day().Unix() / sliceSeconds))
			if err != nil {
				return err
			}
			return slice.ForEach(func(k, v []byte) error {
				if len(v) > seenTogether*shortID {
					return fmt.Errorf("record %x has %d bytes", k, len(v))
				}
				return nil
			})
		})
	}
}

// TestABusyDaysEventsTakeLittleRoom holds what docs/sizing.md counts with.
func TestABusyDaysEventsTakeLittleRoom(t *testing.T) {
	const seconds, perSecond, most = 3600, 50, 20
	db := openTest(t)
	db.bolt.NoSync = true
	random := rand.New(rand.NewPCG(1, 2))
	for second := range seconds {
		update(t, db, func(tx *Tx) error {
			for i := range perSecond {
				at := day().Add(time.Duration(second-i) * time.Second) // what comes is a minute in disorder
				id := fmt.Sprintf("%08x-1111-4222-8333-%012x", random.Uint32(), random.Uint64()>>16)
				if _, err := tx.MarkSeen(id, at); err != nil {
					return err
				}
			}
			return nil
		})
	}
	used := 0
	update(t, db, func(tx *Tx) error {
		stats := tx.bucket(bucketSeen).Stats()
		used = stats.LeafAlloc + stats.BranchAlloc
		return nil
	})
	if per := used / (seconds * perSecond); per > most {
		t.Errorf("an event takes %d bytes, at most %d are wanted", per, most)
	}
	t.Logf("%d bytes for each event", used/(seconds*perSecond))
}

func TestSeenIsForgottenWithItsSlice(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for hour := range 60 {
			for i := range 20 {
				if _, err := tx.MarkSeen(uuid(i), day().Add(time.Duration(hour)*time.Hour)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	dropped, err := db.Retain(day().Add(KeepSeen + 50*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", dropped, Dropped{SeenSlices: 50})
	update(t, db, func(tx *Tx) error {
		same(t, "slices left", tx.bucket(bucketSeen).Stats().BucketN-1, 10)
		for hour, want := range map[int]bool{49: true, 50: false, 59: false} {
			fresh, err := tx.MarkSeen(uuid(1), day().Add(time.Duration(hour)*time.Hour))
			if err != nil {
				return err
			}
			same(t, fmt.Sprint("fresh in hour ", hour), fresh, want)
		}
		return nil
	})
}

func TestARolledBackMarkIsFreshAgain(t *testing.T) {
	db := openTest(t)
	refused := errors.New("no")
	err := db.Update(func(tx *Tx) error { _, _ = tx.MarkSeen(uuid(1), day()); return refused })
	if !errors.Is(err, refused) {
		t.Errorf("the function's own error must come back as it is, not %v", err)
	}
	update(t, db, func(tx *Tx) error {
		fresh, err := tx.MarkSeen(uuid(1), day())
		same(t, "fresh", fresh, true)
		return err
	})
}

func TestMarkLateRemembersTheNewestArrivals(t *testing.T) {
	db := openTest(t)
	db.bounds.late = 5
	late := func(tx *Tx, id string, want bool) {
		t.Helper()
		fresh, err := tx.MarkLate(id)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "fresh: "+id, fresh, want)
	}
	update(t, db, func(tx *Tx) error {
		for i := range 5 {
			late(tx, uuid(i), true)
			late(tx, uuid(i), false)
		}
		return nil
	})
	update(t, db, func(tx *Tx) error {
		late(tx, uuid(0), false)
		late(tx, "one more", true) // pushes 0 out
		late(tx, uuid(1), false)
		late(tx, uuid(0), true) // pushes 1 out
		late(tx, uuid(1), true)
		late(tx, "one more", false)
		same(t, "remembered", tx.sub(bucketLate, "ids").Stats().KeyN, 5)
		return nil
	})
}

func FuzzEventKey(f *testing.F) {
	f.Add(uuid(1), uuid(2))
	f.Add("ABCDEF00-1111-4222-8333-444455556666", "abcdef00-1111-4222-8333-444455556666")
	f.Add("", "\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		if a != b && eventKey(a) == eventKey(b) {
			t.Errorf("%q and %q have one key", a, b)
		}
	})
}
