package state

import (
	"fmt"
	"testing"
	"time"
)

func TestOldEntriesAreDroppedPartByPart(t *testing.T) {
	db := openTest(t)
	const all = 2*lookAtOnce + 100
	wanted := 0
	update(t, db, func(tx *Tx) error {
		for i := range all {
			at := day()
			if i < 3*dropAtOnce || i > all-10 { // many together, and some at the very end
				at = at.Add(-KeepOwn - time.Second)
				wanted++
			}
			if err := tx.NoteRequest(fmt.Sprintf("request %06d", i), at); err != nil {
				return err
			}
		}
		return nil
	})
	before := count(t, db, func(tx *Tx) int { return int(tx.Commits().Count) })
	dropped, err := db.Retain(day())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", dropped, Dropped{Own: wanted})
	view(t, db, func(tx *Tx) error {
		same(t, "left", tx.sub(bucketOwn, "requests").Stats().KeyN, all-wanted)
		return nil
	})
	if n := count(t, db, func(tx *Tx) int { return int(tx.Commits().Count) }) - before; n < 4 {
		t.Errorf("dropped in %d commits", n)
	}
}
