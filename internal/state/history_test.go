package state

import (
	"fmt"
	"testing"
	"time"

	"rotd/internal/history"
)

func change(kind history.Kind, minute int, before, after string) *history.Entry {
	at := day().Add(time.Duration(minute) * time.Minute)
	return &history.Entry{Kind: kind, SeenAt: at, Kept: at, Before: quoted(before), After: quoted(after)}
}

func quoted(s string) []byte { return fmt.Appendf(nil, "%q", s) }

// story are the kinds and values kept of a key.
func story(t *testing.T, tx *Tx, arn string) (told []string) {
	t.Helper()
	kept, err := tx.History(arn)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range kept.Entries {
		told = append(told, fmt.Sprintf("%s %s>%s", e.Kind, e.Before, e.After))
	}
	return told
}

func TestHistoryIsKeptByKindInTheOrderOfTheReadings(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for _, n := range []int{1, 2} {
			if err := tx.PutKey(testKey(n)); err != nil {
				return err
			}
		}
		for _, e := range []*history.Entry{
			change(history.Tags, 5, "a", "b"),
			change(history.State, 7, "x", "y"),
			change(history.Tags, 5, "b", "c"), // in the same moment
			change(history.Tags, 1, "c", "d"), // by a clock that was put back
		} {
			if err := tx.AddHistory(keyARN(1), e); err != nil {
				return err
			}
		}
		return tx.AddHistory(keyARN(2), change(history.State, 1, "other", "key"))
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		same(t, "history", story(t, tx, keyARN(1)), []string{
			`state "x">"y"`, `tags "a">"b"`, `tags "b">"c"`,
			`tags "c">"d"`,
		})
		latest, err := tx.LatestHistory(keyARN(1), history.Tags, 2)
		same(t, "the latest", []string{string(latest[0].Before), string(latest[1].Before)}, []string{`"b"`, `"c"`})
		return err
	})
}

func TestTooManyChangesOfAKindPushOutNoOtherAndAreCounted(t *testing.T) {
	db := openTest(t)
	db.bounds.history = 3
	update(t, db, func(tx *Tx) error {
		if err := tx.PutKey(testKey(1)); err != nil {
			return err
		}
		if err := tx.AddHistory(keyARN(1), change(history.State, 0, "x", "y")); err != nil {
			return err
		}
		for i := range 10 {
			if err := tx.AddHistory(keyARN(1), change(history.Tags, i, fmt.Sprint(i), fmt.Sprint(i+1))); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(tx *Tx) error {
		same(t, "history", story(t, tx, keyARN(1)), []string{
			`state "x">"y"`, `tags "7">"8"`, `tags "8">"9"`,
			`tags "9">"10"`,
		})
		kept, err := tx.History(keyARN(1))
		same(t, "dropped", kept.Dropped, map[history.Kind]history.Drop{
			history.Tags: {Count: 7, Until: day().Add(6 * time.Minute)},
		})
		return err
	})
}

func TestAnEntryIsChangedAndCancelled(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		if err := tx.PutKey(testKey(1)); err != nil {
			return err
		}
		one, two := change(history.State, 1, "a", "b"), change(history.State, 2, "b", "c")
		if err := tx.AddHistory(keyARN(1), one); err != nil {
			return err
		}
		if err := tx.AddHistory(keyARN(1), two); err != nil {
			return err
		}
		one.Evidence = []history.Evidence{{EventID: "e", Operation: "DisableKey", At: day()}}
		if err := tx.SetHistory(keyARN(1), one); err != nil {
			return err
		}
		return tx.CancelHistory(keyARN(1), two)
	})
	view(t, db, func(tx *Tx) error {
		latest, err := tx.LatestHistory(keyARN(1), history.State, 10)
		same(t, "entries", len(latest), 1)
		same(t, "evidence", latest[0].Evidence[0].EventID, "e")
		return err
	})
}

func TestHistoryIsForgottenByAgeAndWithItsKey(t *testing.T) {
	db := openTest(t)
	at := day()
	gone := testKey(2)
	gone.GoneAt = &at
	update(t, db, func(tx *Tx) error {
		if err := tx.PutKey(testKey(1)); err != nil {
			return err
		}
		if err := tx.PutKey(gone); err != nil {
			return err
		}
		for _, e := range []*history.Entry{change(history.State, 0, "a", "b"), change(history.State, 60, "b", "c")} {
			if err := tx.AddHistory(keyARN(1), e); err != nil {
				return err
			}
		}
		return tx.AddHistory(gone.ARN, change(history.State, 600, "a", "b"))
	})
	dropped, err := db.Retain(day().Add(KeepHistory + time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", []int{dropped.History, dropped.Keys}, []int{1, 1})
	view(t, db, func(tx *Tx) error {
		same(t, "history", story(t, tx, keyARN(1)), []string{`state "b">"c"`})
		same(t, "of the key that is gone", story(t, tx, gone.ARN), nil)
		kept, err := tx.History(keyARN(1))
		same(t, "counted", kept.Dropped[history.State], history.Drop{Count: 1, Until: day()})
		return err
	})
}
