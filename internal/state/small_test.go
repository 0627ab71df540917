package state

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTheOutboxIsBounded(t *testing.T) {
	db := openTest(t)
	db.bounds.outbox = 3
	add := func(tx *Tx, data string, want bool) {
		t.Helper()
		stored, err := tx.PutAlert([]byte(data))
		if err != nil {
			t.Fatal(err)
		}
		same(t, "stored "+data, stored, want)
	}
	update(t, db, func(tx *Tx) error {
		for _, data := range []string{"1", "2", "3"} {
			add(tx, data, true)
		}
		add(tx, "4", false)
		if err := tx.ReplaceAlert(2, nil); err != nil {
			return err
		}
		add(tx, "5", true) // the oldest still waits, but there is room
		add(tx, "6", false)
		if err := tx.ReplaceAlert(9, nil); err != nil { // nobody's
			return err
		}
		return tx.ReplaceAlert(1, []byte("1b"))
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		want := []Waiting{{1, []byte("1b")}, {3, []byte("3")}, {4, []byte("5")}}
		same(t, "waiting", tx.WaitingAlerts(10), want)
		same(t, "the oldest", tx.WaitingAlerts(2), want[:2])
		same(t, "count", tx.WaitingCount(), 3)
		return nil
	})
}

func TestOwnCalls(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for id, age := range map[string]time.Duration{"AKIA1": 0, "AKIA2": KeepOwn + time.Second} {
			if err := tx.NoteAccessKey(id, day().Add(-age)); err != nil {
				return err
			}
			if err := tx.NoteRequest("request of "+id, day().Add(-age)); err != nil {
				return err
			}
		}
		same(t, "own keys", tx.OwnAccessKeys(), []string{"AKIA1", "AKIA2"})
		return nil
	})
	own := func(db *DB, want map[string]bool) {
		t.Helper()
		view(t, db, func(tx *Tx) error {
			for id, own := range want {
				same(t, id, tx.IsOwnRequest(id), own)
			}
			return nil
		})
	}
	own(db, map[string]bool{"request of AKIA1": true, "request of AKIA2": true, "another": false, "": false})
	dropped, err := db.Retain(day())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", dropped, Dropped{OwnKeys: 1, Own: 1})
	own(db, map[string]bool{"request of AKIA1": true, "request of AKIA2": false})
	update(t, db, func(tx *Tx) error {
		same(t, "own keys", tx.OwnAccessKeys(), []string{"AKIA1"})
		return tx.NoteAccessKey("AKIA1", day().Add(24*time.Hour)) // in use: kept from now on again
	})
	if _, err := db.Retain(day().Add(KeepOwn + time.Hour)); err != nil {
		t.Fatal(err)
	}
	view(t, db, func(tx *Tx) error { same(t, "own keys", tx.OwnAccessKeys(), []string{"AKIA1"}); return nil })
}

func TestRereads(t *testing.T) {
	db := openTest(t)
	db.bounds.rereads = 4
	update(t, db, func(tx *Tx) error {
		for _, r := range []struct {
			arn string
			due time.Duration
		}{
			{keyARN(3), 5 * time.Minute},
			{keyARN(1), 5 * time.Second},
			{keyARN(2), 5 * time.Second},
			{keyARN(1), 5 * time.Second}, // again
			{keyARN(1), 5*time.Second + 300*time.Millisecond},
			{strings.Repeat("x", 100_000), 0}, // no key's
			{keyARN(1), 5 * time.Minute},
			{keyARN(4), time.Second}, // past the bound
		} {
			if err := tx.PlanReread(r.arn, day().Add(r.due)); err != nil {
				return err
			}
		}
		return nil
	})
	in := func(d time.Duration) time.Time { return day().Add(d) }
	for name, tc := range map[string]struct {
		now   time.Duration
		limit int
		due   []Reread
		next  time.Time
	}{
		"nothing is due yet": {0, 10, nil, in(5 * time.Second)},
		"two are due": {
			time.Minute, 10, []Reread{{keyARN(1), in(5 * time.Second)}, {keyARN(2), in(5 * time.Second)}}, in(5 * time.Minute),
		},
		"only one is wanted": {time.Minute, 1, []Reread{{keyARN(1), in(5 * time.Second)}}, in(5 * time.Second)},
		"all are due": {time.Hour, 10, []Reread{
			{keyARN(1), in(5 * time.Second)},
			{keyARN(2), in(5 * time.Second)},
			{keyARN(1), in(5 * time.Minute)},
			{keyARN(3), in(5 * time.Minute)},
		}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			view(t, db, func(tx *Tx) error {
				due, next := tx.DueRereads(in(tc.now), tc.limit)
				same(t, "due", due, tc.due)
				same(t, "next", next, tc.next)
				return nil
			})
		})
	}
	update(t, db, func(tx *Tx) error {
		done := Reread{keyARN(1), in(5 * time.Second)}
		for range 2 { // the second time there is nothing to remove
			if err := tx.DoneReread(done); err != nil {
				return err
			}
		}
		return tx.PlanReread(keyARN(4), in(time.Second)) // there is room again
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		due, _ := tx.DueRereads(in(time.Minute), 10)
		same(t, "due", due, []Reread{{keyARN(4), in(time.Second)}, {keyARN(2), in(5 * time.Second)}})
		return nil
	})
}

func TestJobs(t *testing.T) {
	db := openTest(t)
	want := Run{Started: day(), Finished: day().Add(time.Minute), Error: "throttled", Trigger: "schedule"}
	update(t, db, func(tx *Tx) error {
		never, err := tx.LastRun("drift")
		same(t, "never ran", never, Run{})
		if err == nil {
			err = tx.PutRun("drift", want)
		}
		return err
	})
	view(t, reopen(t, db), func(tx *Tx) error {
		got, err := tx.LastRun("drift")
		same(t, "last run", got, want)
		return err
	})
}

func TestPauseAndArmSurviveReopening(t *testing.T) {
	db := openTest(t)
	pause, arming := Pause{At: day(), By: "uid:1000 (ann)", Reason: "change freeze"}, Arming{At: day(), By: "uid:0 (root)"}
	told := func(db *DB, wantPause, wantArming bool) {
		t.Helper()
		view(t, db, func(tx *Tx) error {
			p, paused, err := tx.Paused()
			a, armed, errArmed := tx.Armed()
			same(t, "paused, armed", [2]bool{paused, armed}, [2]bool{wantPause, wantArming})
			if paused {
				same(t, "pause", p, pause)
			}
			if armed {
				same(t, "arming", a, arming)
			}
			same(t, "created", tx.Created(), day())
			if err == nil {
				err = errArmed
			}
			return err
		})
	}
	told(db, false, false)
	update(t, db, func(tx *Tx) error {
		if err := tx.SetPause(&pause); err != nil {
			return err
		}
		return tx.Arm(arming)
	})
	db = reopen(t, db)
	told(db, true, true)
	update(t, db, func(tx *Tx) error { return tx.SetPause(nil) })
	told(db, false, true)
}

func TestUncleanStartsAreCounted(t *testing.T) {
	db := openTest(t)
	for i, step := range []struct {
		at    time.Duration
		clean bool // how it stops
		want  int  // unclean ones before it
	}{
		{0, true, 0},
		{time.Minute, false, 0},
		{2 * time.Minute, false, 1},
		{3 * time.Minute, false, 2},
		{4 * time.Minute, true, 3},
		{6*time.Minute + time.Second, false, 2}, // the first of the three is out of the window
		{time.Hour, false, 0},
	} {
		update(t, db, func(tx *Tx) error {
			unclean, err := tx.Starting(day().Add(step.at), 5*time.Minute)
			same(t, fmt.Sprint("unclean before start ", i), unclean, step.want)
			if err == nil && step.clean {
				err = tx.StoppedCleanly()
			}
			return err
		})
		db = reopen(t, db)
	}
	update(t, db, func(tx *Tx) error {
		for range 100 {
			if _, err := tx.Starting(day(), time.Minute); err != nil {
				return err
			}
		}
		starts, err := tx.starts()
		same(t, "kept", len(starts), keptStarts)
		return err
	})
}

func TestStoppingWithoutAStartIsNothing(t *testing.T) {
	update(t, openTest(t), func(tx *Tx) error { return tx.StoppedCleanly() })
}

func TestOnCommitRunsOnlyAfterTheCommit(t *testing.T) {
	db := openTest(t)
	var ran []string
	update(t, db, func(tx *Tx) error { tx.OnCommit(func() { ran = append(ran, "committed") }); return nil })
	_ = db.Update(func(tx *Tx) error {
		tx.OnCommit(func() { ran = append(ran, "rolled back") })
		return fmt.Errorf("no")
	})
	same(t, "ran", ran, []string{"committed"})
}

func TestAPanicRollsBackAndGoesOnUp(t *testing.T) {
	db := openTest(t)
	func() {
		defer func() { same(t, "recovered", recover(), any("boom")) }()
		_ = db.Update(func(tx *Tx) error { _, _ = tx.PutAlert([]byte("x")); panic("boom") })
	}()
	update(t, db, func(tx *Tx) error { same(t, "waiting", tx.WaitingCount(), 0); return nil })
}
