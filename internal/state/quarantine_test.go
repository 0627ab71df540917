package state

import (
	"bytes"
	"testing"
	"time"
)

// put is one Quarantine with its answer.
type put struct {
	q           Quarantined
	again, kept bool
}

func TestQuarantine(t *testing.T) {
	q := func(queue, body string) Quarantined {
		return Quarantined{Queue: queue, At: day(), Reason: "json", Detail: "d", Body: []byte(body)}
	}
	for name, tc := range map[string]struct {
		bounds bounds
		puts   []put
		want   held
	}{
		"a body is kept once for each queue": {
			defaultBounds(),
			[]put{{q("a", "x"), false, true}, {q("a", "x"), true, true}, {q("b", "x"), false, true}, {q("a", "y"), false, true}},
			held{Items: 3, Bytes: 3, Hashes: 3},
		},
		"a record is told from the same record of another log file": {
			defaultBounds(),
			[]put{
				{Quarantined{Object: "s3://a", At: day(), Body: []byte("x")}, false, true},
				{Quarantined{Object: "s3://b", At: day(), Body: []byte("x")}, false, true},
			},
			held{Items: 2, Bytes: 2, Hashes: 2},
		},
		"past the number of bodies only hashes are kept": {
			bounds{quarantined: 1, quarantineBytes: 100, quarantineHashes: 100},
			[]put{
				{q("a", "x"), false, true}, {q("a", "y"), false, false}, {q("a", "y"), true, false}, {q("a", "x"), true, true},
			},
			held{Items: 1, Bytes: 1, Hashes: 2},
		},
		"past the bytes only hashes are kept, what fits still is": {
			bounds{quarantined: 100, quarantineBytes: 4, quarantineHashes: 100},
			[]put{
				{q("a", "xxxxx"), false, false},
				{q("a", "xxx"), false, true},
				{q("a", "yy"), false, false},
				{q("a", "y"), false, true},
			},
			held{Items: 2, Bytes: 4, Hashes: 4},
		},
		"past the hashes a body is only counted": {
			bounds{quarantined: 1, quarantineBytes: 100, quarantineHashes: 2},
			[]put{
				{q("a", "x"), false, true}, {q("a", "y"), false, false}, {q("a", "z"), false, false}, {q("a", "z"), false, false},
			},
			held{Items: 1, Bytes: 1, Hashes: 2},
		},
		"an empty body and one that is no text are kept": {
			defaultBounds(),
			[]put{{q("a", ""), false, true}, {q("a", "\xff\x00"), false, true}},
			held{Items: 2, Bytes: 2, Hashes: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			db.bounds = tc.bounds
			for _, p := range tc.puts {
				update(t, db, func(tx *Tx) error {
					again, kept, err := tx.Quarantine(p.q)
					same(t, "again, kept", [2]bool{again, kept}, [2]bool{p.again, p.kept})
					return err
				})
			}
			db = reopen(t, db)
			view(t, db, func(tx *Tx) error {
				got, err := tx.quarantined()
				same(t, "held", got, tc.want)
				return err
			})
			// When all is old, nothing is left: bare hashes go like bodies.
			if _, err := db.Retain(day().Add(KeepQuarantine + time.Second)); err != nil {
				t.Fatal(err)
			}
			view(t, db, func(tx *Tx) error {
				got, err := tx.quarantined()
				same(t, "held at the end", got, held{})
				return err
			})
		})
	}
}

func TestQuarantineListGivesTheNewestFirstAsItCame(t *testing.T) {
	db := openTest(t)
	want := Quarantined{
		Queue: "q", Object: "s3://b/k", MessageID: "m", SenderID: "s", At: day(), Reason: "json",
		Detail: "not UTF-8: \xff", Body: bytes.Repeat([]byte{0xff, 0, '"'}, 1000),
	}
	update(t, db, func(tx *Tx) error {
		for i := range 3 {
			want.Body[0] = byte(i)
			if _, _, err := tx.Quarantine(want); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		list, next, err := tx.QuarantineList("", 1)
		want.Seq, want.Detail = 3, "not UTF-8: \uFFFD"
		same(t, "newest", list, []Quarantined{want})
		list, next, err2 := tx.QuarantineList(next, 5)
		same(t, "the rest", []uint64{list[0].Seq, list[1].Seq}, []uint64{2, 1})
		same(t, "next", next, "")
		items, size, err3 := tx.QuarantineCount()
		same(t, "count", [2]int{items, size}, [2]int{3, 9000})
		for _, err := range []error{err, err2, err3} {
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestQuarantineIsEmptiedFromTheOldest(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for i := range 10 {
			q := Quarantined{Queue: "q", At: day().Add(time.Duration(i) * time.Hour), Body: []byte{byte(i)}}
			if _, _, err := tx.Quarantine(q); err != nil {
				return err
			}
		}
		return nil
	})
	dropped, err := db.Retain(day().Add(KeepQuarantine + 3*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", dropped, Dropped{Quarantined: 3})
	update(t, db, func(tx *Tx) error {
		again, kept, err := tx.Quarantine(Quarantined{Queue: "q", At: day(), Body: []byte{0}})
		same(t, "again, kept", [2]bool{again, kept}, [2]bool{false, true})
		return err
	})
}
