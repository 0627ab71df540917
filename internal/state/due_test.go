package state

import (
	"slices"
	"testing"
	"time"

	"rotd/internal/inventory"
)

func TestKeysAreDueTheLongestFirst(t *testing.T) {
	db := openTest(t)
	put := func(n int, change func(*inventory.Key)) {
		key := testKey(n)
		change(key)
		update(t, db, func(tx *Tx) error { return tx.PutKey(key) })
	}
	asked := func(d time.Duration) func(*inventory.Key) {
		return func(k *inventory.Key) { k.FactsAskedAt = day().Add(d) }
	}
	put(1, asked(-30*time.Hour))
	put(2, asked(-40*time.Hour))
	put(3, asked(-time.Hour))
	put(4, func(*inventory.Key) {})
	put(5, func(k *inventory.Key) { k.Manager = "AWS" })
	put(6, func(k *inventory.Key) { k.Region = "eu-west-1" })
	put(7, func(k *inventory.Key) { k.GoneAt = &k.ReadAt })
	put(8, func(k *inventory.Key) { // its material changed since its rotations were read
		k.FactsAskedAt, k.CurrentMaterial = day().Add(-time.Hour), "new"
		k.Rotation = &inventory.Rotation{HistoryAt: day().Add(-time.Hour), HistoryMaterial: "old"}
	})
	due := func(limit int) (ids []string) {
		view(t, db, func(tx *Tx) error {
			keys, err := tx.Due(DueFacts, "111122223333", "cn-north-1", day(), limit)
			for _, k := range keys {
				ids = append(ids, k.ID[len(k.ID)-1:])
			}
			return err
		})
		return ids
	}
	same(t, "due", due(10), []string{"4", "2", "1", "8"})
	same(t, "the first two", due(2), []string{"4", "2"})
	never := func() (n bool) {
		view(t, db, func(tx *Tx) error { n = tx.NeverAsked(DueFacts, "111122223333", "cn-north-1"); return nil })
		return n
	}
	same(t, "some were never asked", never(), true)
	put(4, asked(0))
	put(8, func(k *inventory.Key) {
		k.FactsAskedAt, k.CurrentMaterial = day(), "new"
		k.Rotation = &inventory.Rotation{HistoryAt: day(), HistoryMaterial: "new"}
	})
	same(t, "due after two were read", due(10), []string{"2", "1"})
	same(t, "all were asked", never(), false)
}

// TestAKeyWhoseRecordWasSpoiledIsDueOnce: its old entry in the list cannot be found any more when it is written anew.
func TestAKeyWhoseRecordWasSpoiledIsDueOnce(t *testing.T) {
	db := openTest(t)
	key := testKey(1)
	update(t, db, func(tx *Tx) error { return tx.PutKey(key) })
	due := func() (n int) {
		view(t, db, func(tx *Tx) error {
			keys, err := tx.Due(DueFacts, "111122223333", "cn-north-1", day(), 10)
			n = len(keys)
			return err
		})
		return n
	}
	same(t, "due", due(), 1)
	update(t, db, func(tx *Tx) error { return tx.bucket(bucketKeys).Put([]byte(key.ARN), []byte("{")) })
	same(t, "due while its record cannot be read", due(), 0)
	key.FactsAskedAt = day()
	update(t, db, func(tx *Tx) error { return tx.PutKey(key) })
	same(t, "due once it was read again", due(), 0)
	// The entry is left; a test's state must be in order at the end.
	update(t, db, func(tx *Tx) error {
		return tx.sub(bucketDue, string(DueFacts)).Delete(dueKey(key, time.Time{}))
	})
}

func TestUntoldChangesWaitAndAreBounded(t *testing.T) {
	db := openTest(t)
	db.bounds.untold = 3
	arns := func(found []Untold) (arns []string) {
		for _, u := range found {
			arns = append(arns, u.ARN)
		}
		return slices.Clip(arns)
	}
	var forgotten []Untold
	for i := range 5 {
		update(t, db, func(tx *Tx) error {
			some, err := tx.NoteUntold(&Untold{ARN: keyARN(i), Found: day().Add(time.Duration(i) * time.Minute)})
			forgotten = append(forgotten, some...)
			return err
		})
	}
	until := func(after string, d time.Duration, limit int) (found []Untold, next string) {
		view(t, db, func(tx *Tx) error { found, next = tx.UntoldUntil(after, day().Add(d), limit); return nil })
		return found, next
	}
	same(t, "the oldest were forgotten", arns(forgotten), []string{keyARN(0), keyARN(1)})
	all, next := until("", time.Hour, 10)
	same(t, "the others wait", arns(all), []string{keyARN(2), keyARN(3), keyARN(4)})
	same(t, "there are no more", next, "")
	some, next := until("", time.Hour, 2)
	same(t, "the first two", arns(some), []string{keyARN(2), keyARN(3)})
	rest, next := until(next, time.Hour, 2)
	same(t, "the rest", arns(rest), []string{keyARN(4)})
	same(t, "nothing is left", next, "")
	early, next := until("", 3*time.Minute, 10)
	same(t, "found by then", arns(early), []string{keyARN(2), keyARN(3)})
	same(t, "the other was not", next, "")
	update(t, db, func(tx *Tx) error { return tx.DoneUntold(&all[0]) })
	all, _ = until("", time.Hour, 10)
	same(t, "what is left", arns(all), []string{keyARN(3), keyARN(4)})
}

func TestAnUntoldChangeThatCannotBeReadIsStillOne(t *testing.T) {
	db := openTest(t)
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/k1"
	update(t, db, func(tx *Tx) error {
		u := &Untold{ARN: arn, Found: day()}
		return tx.put(bucketUntold, u.key(), []byte("{"))
	})
	view(t, db, func(tx *Tx) error {
		found, _ := tx.UntoldUntil("", day(), 10)
		same(t, "found", found, []Untold{{
			ARN: arn, Name: "k1", Account: "111122223333", Region: "eu-west-1", Found: day(),
			Changes: []Change{{What: "a change that cannot be read"}},
		}})
		return nil
	})
	update(t, db, func(tx *Tx) error {
		found, _ := tx.UntoldUntil("", day(), 10)
		return tx.DoneUntold(&found[0])
	})
}
