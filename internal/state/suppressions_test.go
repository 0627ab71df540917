package state

import (
	"testing"
	"time"

	"rotd/internal/finding"
	"rotd/internal/suppression"
)

func TestSuppressionsAreKeptWithWhatTheyHid(t *testing.T) {
	db := openTest(t)
	made := suppression.Kept{Name: "sup_1", Made: &suppression.Suppression{Name: "sup_1", Rules: []string{"r"}}}
	var first uint64
	update(t, db, func(tx *Tx) error {
		first, _ = tx.SuppressionsRevision()
		if err := tx.PutSuppression(&made); err != nil {
			return err
		}
		if err := tx.CountSuppressed("sup_1", day().Add(time.Hour)); err != nil {
			return err
		}
		if err := tx.CountSuppressed("sup_1", day()); err != nil {
			return err
		}
		return tx.CountSuppressed("scan", day())
	})
	db = reopen(t, db)
	made.Hits, made.Last = 2, day().Add(time.Hour)
	view(t, db, func(tx *Tx) error {
		all, err := tx.Suppressions()
		same(t, "suppressions", all, []suppression.Kept{{Name: "scan", Hits: 1, Last: day()}, made})
		revision, durable := tx.SuppressionsRevision()
		same(t, "the revision, which hits do not move", revision, first+1)
		same(t, "that it is durable", durable, true)
		return err
	})
	update(t, db, func(tx *Tx) error {
		err := tx.DeleteSuppression("sup_1")
		_, durable := tx.SuppressionsRevision()
		same(t, "that a revision which is being made is durable", durable, false)
		return err
	})
	view(t, db, func(tx *Tx) error {
		kept, err := tx.Suppression("sup_1")
		same(t, "one that was deleted", kept, nil)
		revision, _ := tx.SuppressionsRevision()
		same(t, "the revision", revision, first+2)
		return err
	})
}

func TestASuppressionThatCannotBeReadIsPassedOverAndCountedAnew(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		if err := tx.bucket(bucketSuppressions).Put([]byte("scan"), []byte("{")); err != nil {
			return err
		}
		all, err := tx.Suppressions()
		same(t, "suppressions", all, nil)
		same(t, "how many are told of", len(tx.PassedOver()), 1)
		if err != nil {
			return err
		}
		return tx.CountSuppressed("scan", day())
	})
	view(t, db, func(tx *Tx) error {
		kept, err := tx.Suppression("scan")
		same(t, "what is kept", kept, &suppression.Kept{Name: "scan", Hits: 1, Last: day()})
		return err
	})
}

func TestHiddenFindingsAreOpenAndNotCounted(t *testing.T) {
	db := openTest(t)
	f := finding.Finding{
		ID: "fnd_1", Fingerprint: "v1:f", Status: finding.Open, Severity: finding.High, Hidden: true,
		Subject: finding.Subject{Type: finding.Key, ID: "arn:k"},
	}
	for _, step := range []struct {
		hidden   bool
		highOpen int
	}{{true, 0}, {false, 1}, {true, 0}} {
		update(t, db, func(tx *Tx) error {
			f.Hidden = step.hidden
			return tx.PutFinding(&f)
		})
		view(t, db, func(tx *Tx) error {
			same(t, "open", tx.OpenCount(), 1)
			same(t, "open and told", tx.OpenBySeverity(finding.High), step.highOpen)
			return nil
		})
	}
}
