package state

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rotd/internal/counting"
)

// counted is one Count with its answer.
type counted struct {
	id   string
	at   time.Duration
	want int
}

func TestCount(t *testing.T) {
	const window = time.Hour
	m := time.Minute
	for name, steps := range map[string][]counted{
		"distinct ids inside the window are counted": {{"a", 0, 1}, {"b", m, 2}, {"c", 2 * m, 3}},
		"repeating an id changes nothing":            {{"a", 0, 1}, {"a", 0, 1}, {"b", m, 2}, {"a", m, 2}},
		"the window ends at the event":               {{"a", 0, 1}, {"b", 59 * m, 2}, {"c", 60 * m, 2}, {"d", 119 * m, 2}},
		"an event that comes late is counted where it happened": {
			{"b", 30 * m, 1}, {"a", 0, 2}, {"c", 10 * m, 3}, {"d", 40 * m, 4},
		},
		"a full window is noticed whichever comes last": {{"c", 59 * m, 1}, {"b", 30 * m, 2}, {"a", 0, 3}},
		"an id counts again when it happens again": {
			{"a", 0, 1}, {"b", 90 * m, 1}, {"a", 100 * m, 2},
		},
		"a jump ahead forgets nothing of the events before it": {
			{"a", 0, 1}, {"far", 100 * time.Hour, 1}, {"b", m, 2}, {"c", 2 * m, 3},
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			for i, step := range steps {
				update(t, db, func(tx *Tx) error {
					memory := tx.Memory()
					same(t, fmt.Sprint("step ", i), memory.Count("series", step.id, day().Add(step.at), window), step.want)
					same(t, "another series", memory.Count("series "+step.id, "x", day(), window), 1)
					return memory.Err()
				})
				db = reopen(t, db)
			}
		})
	}
}

func TestASeriesIsBounded(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		memory := tx.Memory()
		for i := range 3 * counting.Max {
			got := memory.Count("series", fmt.Sprint(i), day().Add(time.Duration(i)*time.Second), time.Hour)
			same(t, fmt.Sprint("count ", i), got, min(i+1, counting.Max+1))
		}
		same(t, "an old one still counts itself", memory.Count("series", "old", day().Add(-2*time.Hour), time.Hour), 1)
		_, raw := memory.load("series")
		same(t, "bytes", len(raw), 16*counting.Max)
		return memory.Err()
	})
}

func TestNotesExpire(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		memory := tx.Memory()
		memory.Note("n", "one", day(), time.Hour)
		memory.Note("long", strings.Repeat("x", 2*maxNote), day(), time.Hour)
		return memory.Err()
	})
	noted := func(db *DB, want map[time.Duration]string) {
		t.Helper()
		view(t, db, func(tx *Tx) error {
			for at, value := range want {
				same(t, fmt.Sprint("noted at ", at), tx.Memory().Noted("n", day().Add(at)), value)
			}
			return nil
		})
	}
	db = reopen(t, db)
	noted(db, map[time.Duration]string{0: "one", -time.Hour: "one", time.Hour - time.Second: "one", time.Hour: ""})
	update(t, db, func(tx *Tx) error {
		memory := tx.Memory()
		same(t, "a long note is cut", len(memory.Noted("long", day())), maxNote)
		memory.Note("n", "two", day(), 2*time.Hour)
		return memory.Err()
	})
	noted(db, map[time.Duration]string{time.Hour: "two", 2 * time.Hour: ""})
}

func TestMemoryIsBounded(t *testing.T) {
	db := openTest(t)
	db.bounds.memory = 10
	update(t, db, func(tx *Tx) error {
		memory := tx.Memory()
		for i := range 50 {
			memory.Note(fmt.Sprint(i), "x", day(), time.Duration(100-i%7)*time.Hour) // the keep of 94 h goes first
			same(t, "entries", tx.total(bucketMemory), min(i+1, 10))
		}
		same(t, "a long lived one", memory.Noted("42", day()), "x")
		same(t, "a short lived one", memory.Noted("6", day()), "")
		memory.Note("42", "y", day(), time.Hour) // a name that is known needs no room
		same(t, "entries", tx.total(bucketMemory), 10)
		return memory.Err()
	})
}

func TestMemoryIsDroppedWhenNoEventCanAskForIt(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		memory := tx.Memory()
		for i := range 2_500 {
			memory.Note(fmt.Sprint(i), "x", day(), time.Hour)
		}
		memory.Note("later", "x", day(), 2*time.Hour)
		return memory.Err()
	})
	for _, tc := range []struct {
		now  time.Duration
		want int
	}{{KeepSeen + time.Hour, 0}, {KeepSeen + time.Hour + time.Second, 2_500}, {KeepSeen + 3*time.Hour, 1}} {
		dropped, err := db.Retain(day().Add(tc.now))
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint("dropped after ", tc.now), dropped, Dropped{Memory: tc.want})
	}
}

func TestARoomIsBounded(t *testing.T) {
	db := openTest(t)
	const most = 32
	update(t, db, func(tx *Tx) error {
		memory := tx.Memory()
		memory.Note("n", "everybody's", day(), time.Minute)
		other := memory.Room("other", most)
		other.Note("n", "another's", day(), time.Minute)
		full := memory.Room("full", most)
		for i := range most {
			full.Note(fmt.Sprint(i), "kept", day(), 24*time.Hour+time.Duration(i)*time.Second)
		}
		same(t, "a room that is just full", memory.Crowded(), map[string]int{})
		full.Note("0", "again", day(), 24*time.Hour)
		same(t, "what is there already needs no room", memory.Crowded(), map[string]int{})
		same(t, "a count that needs room", full.Count("series", "a", day(), 24*time.Hour), 1)
		same(t, "what was too full", memory.Crowded(), map[string]int{"full": most})
		same(t, "room made", tx.total(roomTotal(full.room.owner)), most-most/16)
		same(t, "what expired first", full.Noted("0", day()), "")
		same(t, "what expired last", full.Noted(fmt.Sprint(most-1), day()), "kept")
		same(t, "the series goes on", full.Count("series", "b", day(), 24*time.Hour), 2)
		return memory.Err()
	})
	db = reopen(t, db)
	update(t, db, func(tx *Tx) error {
		memory := tx.Memory()
		same(t, "everybody's", memory.Noted("n", day()), "everybody's")
		same(t, "another room's", memory.Room("other", most).Noted("n", day()), "another's")
		same(t, "a smaller room", memory.Room("full", 4).Count("c", "a", day(), time.Hour), 1)
		same(t, "of which as many are kept", tx.total(roomTotal(memory.Room("full", 4).room.owner)), 4)
		return memory.Err()
	})
	if _, err := db.Retain(day().Add(KeepSeen + 60*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	view(t, db, func(tx *Tx) error {
		same(t, "what is left", tx.total(bucketMemory), 0)
		return invariants(tx)
	})
}
