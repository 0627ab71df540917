package state

import (
	"testing"
	"time"

	"rotd/internal/policy"
)

func TestAnAssignmentIsKeptForAKnownKeyUntilItIsForgotten(t *testing.T) {
	db := openTest(t)
	a := &policy.Assignment{
		Policy: "gold", Since: day(), Hold: day().Add(time.Hour),
		Pending: &policy.Pending{
			Policy: "silver", Exceptions: []string{"legacy"}, Since: day(), Laxer: []string{"x"}, Changed: []string{"y"},
		},
	}
	kept := func(arn string) (got *policy.Assignment) {
		view(t, db, func(tx *Tx) (err error) { got, err = tx.Assignment(arn); return err })
		return got
	}
	set := func(arn string, a *policy.Assignment) {
		update(t, db, func(tx *Tx) error { return tx.SetAssignment(arn, a) })
	}
	update(t, db, func(tx *Tx) error { return tx.PutKey(testKey(1)) })
	set(keyARN(1), a)
	set(keyARN(2), a)
	db = reopen(t, db)
	same(t, "a key's", kept(keyARN(1)), a)
	same(t, "nobody's key's", kept(keyARN(2)), nil)
	set(keyARN(1), nil)
	set(keyARN(1), nil)
	same(t, "forgotten", kept(keyARN(1)), nil)

	set(keyARN(1), a)
	gone, at := testKey(1), day()
	gone.GoneAt = &at
	update(t, db, func(tx *Tx) error { return tx.PutKey(gone) })
	if _, err := db.Retain(day().Add(KeepEnded + time.Second)); err != nil {
		t.Fatal(err)
	}
	same(t, "forgotten with its key", kept(keyARN(1)), nil)
}
