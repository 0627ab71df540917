package state

import (
	"testing"
	"time"
)

func TestANonceIsUsedOnce(t *testing.T) {
	db := openTest(t)
	use := func(nonce string, at time.Time) (unused bool) {
		t.Helper()
		if err := db.Update(func(tx *Tx) (err error) {
			unused, err = tx.UseNonce(nonce, at)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return unused
	}
	same(t, "the first use", use("a", day()), true)
	same(t, "the second", use("a", day().Add(time.Minute)), false)
	db = reopen(t, db)
	same(t, "one after a restart", use("a", day().Add(time.Hour)), false)
	same(t, "another nonce", use("b", day().Add(time.Hour)), true)
	dropped, err := db.Retain(day().Add(KeepNonces + time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "dropped", dropped, Dropped{Nonces: 1})
}
