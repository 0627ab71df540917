package state

import (
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestNamesFollowTheKeys(t *testing.T) {
	gone := func(k *inventory.Key) *inventory.Key {
		at := day()
		k.GoneAt = &at
		return k
	}
	for name, tc := range map[string]struct {
		puts []*inventory.Key
		want map[string]string
	}{
		"a key is found by its id and every alias": {
			[]*inventory.Key{testKey(1, "alias/a", "alias/b")}, map[string]string{"alias/a": keyARN(1), "alias/b": keyARN(1)},
		},
		"an alias the key lost is forgotten": {
			[]*inventory.Key{testKey(1, "alias/a", "alias/b"), testKey(1, "alias/b")},
			map[string]string{"alias/a": "", "alias/b": keyARN(1)},
		},
		"an alias moves when its new key is read first": {
			[]*inventory.Key{testKey(1, "alias/a"), testKey(2, "alias/a"), testKey(1)}, map[string]string{"alias/a": keyARN(2)},
		},
		"an alias moves when its old key is read first": {
			[]*inventory.Key{testKey(1, "alias/a"), testKey(1), testKey(2, "alias/a")}, map[string]string{"alias/a": keyARN(2)},
		},
		"two keys exchange their aliases": {
			[]*inventory.Key{
				testKey(1, "alias/a"), testKey(2, "alias/b"), testKey(1, "alias/b"), testKey(2, "alias/a"),
			},
			map[string]string{"alias/a": keyARN(2), "alias/b": keyARN(1)},
		},
		"a key that is gone keeps its names": {
			[]*inventory.Key{testKey(1, "alias/a"), gone(testKey(1, "alias/a"))}, map[string]string{"alias/a": keyARN(1)},
		},
		"a key that is gone takes no alias back": {
			[]*inventory.Key{testKey(1, "alias/a"), testKey(2, "alias/a"), gone(testKey(1, "alias/a"))},
			map[string]string{"alias/a": keyARN(2)},
		},
		"an alias of a key that is gone goes to the next one": {
			[]*inventory.Key{testKey(1, "alias/a"), gone(testKey(1, "alias/a")), testKey(2, "alias/a")},
			map[string]string{"alias/a": keyARN(2)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := openTest(t)
			for _, key := range tc.puts {
				update(t, db, func(tx *Tx) error { return tx.PutKey(key) })
			}
			view(t, db, func(tx *Tx) error {
				for alias, want := range tc.want {
					same(t, alias, tx.Resolve("111122223333", "cn-north-1", alias), want)
					same(t, alias+" elsewhere", tx.Resolve("111122223333", "cn-northwest-1", alias), "")
				}
				last := tc.puts[len(tc.puts)-1]
				same(t, "by id", tx.Resolve("111122223333", "cn-north-1", last.ID), last.ARN)
				got, err := tx.Key(last.ARN)
				same(t, "the key", got, last)
				return err
			})
		})
	}
}

func TestLastUseIsTheLatestOfAKnownKey(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		if err := tx.PutKey(testKey(1)); err != nil {
			return err
		}
		for _, use := range []struct {
			key  int
			at   time.Duration
			want time.Time
		}{
			{1, 0, day()},
			{1, time.Hour, day().Add(time.Hour)},
			{1, time.Minute, day().Add(time.Hour)}, // out of order
			{2, 0, time.Time{}},                    // nobody's key
		} {
			if err := tx.NoteUse(keyARN(use.key), day().Add(use.at)); err != nil {
				return err
			}
			same(t, "last use", tx.LastUse(keyARN(use.key)), use.want)
		}
		return nil
	})
}

func TestAKeyLongGoneIsForgottenWithItsNamesAndUses(t *testing.T) {
	db := openTest(t)
	at := day()
	old := testKey(1, "alias/a", "alias/moved")
	old.GoneAt = &at
	update(t, db, func(tx *Tx) error {
		for _, key := range []*inventory.Key{old, testKey(2, "alias/moved"), testKey(3)} {
			if err := tx.PutKey(key); err != nil {
				return err
			}
		}
		return tx.NoteUse(old.ARN, day())
	})
	for _, tc := range []struct {
		now  time.Time
		want int
	}{{day().Add(KeepEnded), 3}, {day().Add(KeepEnded + time.Second), 2}} {
		if _, err := db.Retain(tc.now); err != nil {
			t.Fatal(err)
		}
		view(t, db, func(tx *Tx) error { same(t, "keys", tx.KeyCount(), tc.want); return nil })
	}
	view(t, db, func(tx *Tx) error {
		same(t, "its alias", tx.Resolve("111122223333", "cn-north-1", "alias/a"), "")
		same(t, "its id", tx.Resolve("111122223333", "cn-north-1", old.ID), "")
		same(t, "the alias that moved", tx.Resolve("111122223333", "cn-north-1", "alias/moved"), keyARN(2))
		same(t, "its use", tx.LastUse(old.ARN), time.Time{})
		return nil
	})
}

func TestPlaces(t *testing.T) {
	db := openTest(t)
	want := []Coverage{{Account: "1", Region: "a", Keys: 7, FirstSeen: day()}, {Account: "1", Region: "b", Denied: 1}}
	update(t, db, func(tx *Tx) error {
		none, err := tx.Place("1", "a")
		same(t, "a place never swept", none, Coverage{Account: "1", Region: "a"})
		for _, c := range want {
			if err := tx.PutPlace(c); err != nil {
				return err
			}
		}
		return err
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		got, err := tx.Places()
		same(t, "places", got, want)
		one, errOne := tx.Place("1", "b")
		same(t, "one", one, want[1])
		if err == nil {
			err = errOne
		}
		return err
	})
}
