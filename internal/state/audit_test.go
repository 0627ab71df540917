package state

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"rotd/internal/audit"
)

// asked is an entry about nothing in particular.
func asked(n int, at time.Time) audit.Entry {
	return audit.Entry{
		Time: at, Actor: "uid:1000 (ann)", Event: audit.SweepRequested, Detail: map[string]string{"n": fmt.Sprint(n)},
	}
}

// told are the events of a state's audit log, oldest first, each with its place.
func told(tx *Tx) (events []string) {
	entries, _, _ := tx.AuditEntries("", 1000, nil)
	for i := len(entries) - 1; i >= 0; i-- {
		events = append(events, fmt.Sprintf("%d %s %s", entries[i].Seq, entries[i].Event, entries[i].Epoch))
	}
	return events
}

func TestTheAuditLogBeginsByItself(t *testing.T) {
	db := openTest(t)
	view(t, db, func(tx *Tx) error { same(t, "head", tx.AuditHead(), audit.Head{}); return nil })
	update(t, db, func(tx *Tx) error { return errors.Join(tx.Audit(asked(1, day())), tx.Audit(asked(2, day()))) })
	view(t, db, func(tx *Tx) error {
		same(t, "log", told(tx), []string{
			"1 log.began default@2026-11-23T10:00:00Z", "2 sweep.requested default@2026-11-23T10:00:00Z",
			"3 sweep.requested default@2026-11-23T10:00:00Z",
		})
		return nil
	})
}

func TestAnEntryOfATransactionThatFailsIsNotThere(t *testing.T) {
	db := openTest(t)
	broken := errors.New("broken")
	if err := db.Update(func(tx *Tx) error { return errors.Join(tx.Audit(asked(1, day())), broken) }); err == nil {
		t.Fatal("the transaction did not fail")
	}
	view(t, db, func(tx *Tx) error { same(t, "head", tx.AuditHead(), audit.Head{}); return nil })
}

func TestTheLogGoesOnAfterAnEntryThatCannotBeRead(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		return errors.Join(tx.Audit(asked(1, day())), tx.bucket(bucketAudit).Put(uint64Bytes(2), []byte("{")),
			tx.Audit(asked(2, day())))
	})
	update(t, db, func(tx *Tx) error {
		lines, last := tx.AuditLines(0, 10)
		v := audit.NewVerifier()
		for _, line := range lines {
			v.Add(line)
		}
		same(t, "last", last, uint64(4))
		verdict := v.End()
		same(t, "breaks", len(verdict.Breaks), 1)
		same(t, "break", verdict.Breaks[0].Kind, audit.Unreadable)
		for seq := uint64(1); seq <= last; seq++ { // openTest wants the log whole
			if err := tx.bucket(bucketAudit).Delete(uint64Bytes(seq)); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestAuditLinesAreCopiedPieceByPiece(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error { return fill(tx, 5) })
	view(t, db, func(tx *Tx) error {
		var sizes []int
		for after := uint64(0); ; {
			lines, last := tx.AuditLines(after, 4)
			if len(lines) == 0 {
				break
			}
			sizes, after = append(sizes, len(lines)), last
		}
		same(t, "pieces", sizes, []int{4, 2})
		return nil
	})
}

func TestOldAuditEntriesGoAndTheLogSaysSo(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		for i := range 5 {
			if err := tx.Audit(asked(i, day().AddDate(0, 0, i))); err != nil {
				return err
			}
		}
		return nil
	})
	var through audit.Head
	view(t, db, func(tx *Tx) error {
		entries, _, err := tx.AuditEntries("", 10, nil)
		through = entries[3].Head() // of six: the third
		return err
	})
	d, err := db.Retain(day().Add(KeepAudit + 36*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", d.Audit, 3) // log.began, and two days'
	view(t, db, func(tx *Tx) error {
		entries, _, err := tx.AuditEntries("", 1, nil)
		same(t, "event", entries[0].Event, audit.LogDropped)
		same(t, "detail", entries[0].Detail, map[string]string{
			"through": "3", "hash": through.Hash, "entries": "3",
		})
		return err
	})
}

func TestPastTheBoundTheOldestAuditEntriesGo(t *testing.T) {
	db := openTest(t)
	db.bounds.audit = 3
	update(t, db, func(tx *Tx) error { return fill(tx, 9) })
	for range 3 { // what it says itself is an entry, too
		if _, err := db.Retain(day().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	view(t, db, func(tx *Tx) error {
		entries, _, err := tx.AuditEntries("", 10, nil)
		if len(entries) > 4 {
			t.Errorf("%d entries are kept", len(entries))
		}
		return err
	})
}

func TestARestoredStatesLogGoesOnInAnotherEpoch(t *testing.T) {
	path, backup, c := lived(t)
	db := openAt(t, path)
	update(t, db, func(tx *Tx) error { return tx.Audit(asked(7, day())) })
	var replaced audit.Head
	view(t, db, func(tx *Tx) error { replaced = tx.AuditHead(); return nil })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	later := day().Add(time.Hour)
	done, err := restoring(t, backup, path, force, func(r *Restoring) { r.Now, r.By = later, "uid:0 (root)" })
	if err != nil {
		t.Fatal(err)
	}
	same(t, "replaced", done.Replaced, replaced)
	db = openAt(t, path)
	view(t, db, func(tx *Tx) error {
		entries, _, err := tx.AuditEntries("", 2, nil)
		restored, began := entries[0], entries[1]
		same(t, "began", began.Head().Seq, c.Audit.Seq+1)
		same(t, "follows", began.Prev, c.Audit.Hash)
		same(t, "epoch", began.Epoch, "default@2026-11-23T11:00:00Z")
		same(t, "because", began.Detail["because"], "the state was restored from s3://backups/a.db, a copy that was "+
			"last written to at "+c.Commits.At.Format(time.RFC3339))
		same(t, "who", restored.Actor, "uid:0 (root)")
		same(t, "detail", restored.Detail, map[string]string{
			"from": "s3://backups/a.db", "copied_at": c.Commits.At.Format(time.RFC3339), "set_aside": done.SetAside,
			"copys_head": c.Audit.String(), "replaced_head": replaced.String(), "replaced_epoch": replaced.Epoch,
		})
		return err
	})
}
