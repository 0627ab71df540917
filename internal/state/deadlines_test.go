package state

import (
	"testing"
	"time"

	"rotd/internal/remediation"
)

func TestADeadlineIsKeptUntilItIsDropped(t *testing.T) {
	db := openTest(t)
	d := &remediation.Deadline{
		KeyARN: keyARN(1), Alias: "alias/a", ActionID: "act_1", Since: day(),
		Losses: []remediation.Loss{{Who: "Amazon RDS", What: "a restore is needed", At: day().Add(7 * 24 * time.Hour)}},
	}
	kept := func(arn string) (got *remediation.Deadline) {
		view(t, db, func(tx *Tx) (err error) { got, err = tx.Deadline(arn); return err })
		return got
	}
	update(t, db, func(tx *Tx) error { return tx.PutDeadline(d) })
	db = reopen(t, db)
	same(t, "of the key", kept(keyARN(1)), d)
	same(t, "of another key", kept(keyARN(2)), nil)
	view(t, db, func(tx *Tx) error {
		all, next, err := tx.Deadlines("", 10)
		same(t, "all", all, []remediation.Deadline{*d})
		same(t, "next page", next, "")
		return err
	})
	for range 2 {
		update(t, db, func(tx *Tx) error { return tx.DropDeadline(keyARN(1)) })
	}
	same(t, "dropped", kept(keyARN(1)), nil)
}
