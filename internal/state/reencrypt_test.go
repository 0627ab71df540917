package state

import (
	"testing"
	"time"

	"rotd/internal/reencrypt"
)

func TestTheRunningJobsOfAKindAreFound(t *testing.T) {
	db := openTest(t)
	running, ended, blobs := testJob(2, reencrypt.Running), testJob(1, reencrypt.Done), testJob(0, reencrypt.Running)
	blobs.Kind = reencrypt.Blobs
	update(t, db, func(tx *Tx) error {
		for _, j := range []*reencrypt.Job{running, ended, blobs, testJob(3, reencrypt.Running)} {
			if err := tx.PutJob(j); err != nil {
				return err
			}
		}
		return nil
	})
	view(t, db, func(tx *Tx) error {
		got, err := tx.RunningJobs(reencrypt.Objects)
		same(t, "those of objects", got, []reencrypt.Job{*running, *testJob(3, reencrypt.Running)})
		return err
	})
	update(t, db, func(tx *Tx) error {
		running.End(reencrypt.Cancelled, "by hand", day())
		return tx.PutJob(running)
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		got, err := tx.RunningJobs(reencrypt.Objects)
		same(t, "those left", got, []reencrypt.Job{*testJob(3, reencrypt.Running)})
		return err
	})
}

func TestMovesAddUpByPairOfKeys(t *testing.T) {
	db := openTest(t)
	later := day().Add(time.Hour)
	add := func(from, to int, m reencrypt.Move) {
		m.From, m.To = keyARN(from), keyARN(to)
		update(t, db, func(tx *Tx) error { return tx.AddMoves(reencrypt.Moves{{m.From, m.To}: &m}) })
	}
	add(1, 2, reencrypt.Move{Blobs: 3, First: day(), Last: day()})
	add(1, 2, reencrypt.Move{Objects: 2, Bytes: 10, Failed: 1, First: later, Last: later})
	add(1, 3, reencrypt.Move{Blobs: 1, First: day(), Last: day()})
	add(4, 2, reencrypt.Move{Blobs: 5, First: day(), Last: day()})
	both := reencrypt.Move{
		From: keyARN(1), To: keyARN(2), Blobs: 3, Objects: 2, Bytes: 10, Failed: 1, First: day(), Last: later,
	}
	third := reencrypt.Move{From: keyARN(1), To: keyARN(3), Blobs: 1, First: day(), Last: day()}
	fourth := reencrypt.Move{From: keyARN(4), To: keyARN(2), Blobs: 5, First: day(), Last: day()}
	view(t, db, func(tx *Tx) error {
		from, err := tx.MovesFrom(keyARN(1), 10)
		same(t, "from the first", from, []reencrypt.Move{both, third})
		if err != nil {
			return err
		}
		to, err := tx.MovesTo(keyARN(2), 10)
		same(t, "to the second", to, []reencrypt.Move{both, fourth})
		return err
	})
}

func TestOldJobsAndMovesAreDroppedAndRunningOnesAreNot(t *testing.T) {
	db := openTest(t)
	old := day().Add(-KeepEnded - time.Hour)
	aged := func(n int, k reencrypt.Kind, s reencrypt.State) *reencrypt.Job {
		j := testJob(n, s)
		j.Kind, j.Updated = k, old
		return j
	}
	update(t, db, func(tx *Tx) error {
		for _, j := range []*reencrypt.Job{
			aged(1, reencrypt.Objects, reencrypt.Done), aged(2, reencrypt.Objects, reencrypt.Running),
			aged(3, reencrypt.Blobs, reencrypt.Running), // nobody goes on with it
			testJob(4, reencrypt.Failed),
		} {
			if err := tx.PutJob(j); err != nil {
				return err
			}
		}
		return tx.AddMoves(reencrypt.Moves{
			{"a"}: {From: keyARN(1), To: keyARN(2), First: old, Last: old},
			{"b"}: {From: keyARN(1), To: keyARN(3), First: old, Last: day()},
		})
	})
	dropped, err := db.Retain(day())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", [2]int{dropped.Jobs, dropped.Moves}, [2]int{2, 1})
	view(t, db, func(tx *Tx) error {
		jobs, _, err := tx.Jobs("", 10, nil)
		same(t, "kept", len(jobs), 2)
		same(t, "the newest", jobs[0].ID, testJob(4, reencrypt.Failed).ID)
		return err
	})
}
