package state

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rotd/internal/baseline"
	"rotd/internal/compact"
)

// baselineInvariants wants what is usual to be that of known keys, or of keys that an archive taught, and the totals to
// be true.
func baselineInvariants(tx *Tx) error {
	var wrong []error
	bytes := 0
	for arn, raw := range learnt(tx, baselineKeys) {
		bytes += len(raw)
		if _, err := tx.KeyBaseline(arn); err != nil {
			wrong = append(wrong, err)
		}
	}
	principals := len(learnt(tx, baselinePrincipals))
	for name, want := range map[string]int{totalBaselineBytes: bytes, totalPrincipals: principals} {
		if got := tx.total(name); got != want {
			wrong = append(wrong, fmt.Errorf("total %s is %d, want %d", name, got, want))
		}
	}
	return errors.Join(wrong...)
}

func learnt(tx *Tx, sub string) map[string]string {
	all := map[string]string{}
	_ = tx.sub(bucketBaselines, sub).ForEach(func(k, v []byte) error { all[string(k)] = string(v); return nil })
	return all
}

// usedBy is what is learnt of a key that so many principals used once.
func usedBy(principals int) *baseline.Key {
	k := new(baseline.Key)
	for i := range principals {
		k.Observe(&baseline.Use{At: day(), Principal: baseline.ID(i)}, &baseline.Observed{})
	}
	return k
}

func TestWhatIsUsualIsKept(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		if k, err := tx.KeyBaseline(keyARN(1)); err != nil || k.Principals() != 0 {
			t.Errorf("of a key nobody used: %d principals, error %v", k.Principals(), err)
		}
		who := new(baseline.Principal)
		who.Observe(&baseline.Use{At: day(), Network: 7}, &baseline.Observed{})
		return errors.Join(tx.PutKey(testKey(1)), tx.PutKeyBaseline(keyARN(1), usedBy(3)),
			tx.PutKeyBaseline(keyARN(1), usedBy(2)), tx.PutPrincipalBaseline(5, who),
			tx.PutPrincipalBaseline(5, who))
	})
	view(t, db, func(tx *Tx) error {
		k, err := tx.KeyBaseline(keyARN(1))
		if err != nil || k.Principals() != 2 {
			t.Errorf("%d principals, error %v", k.Principals(), err)
		}
		who, err := tx.PrincipalBaseline(5)
		if err != nil || !who.Last().Equal(day().Truncate(time.Hour)) {
			t.Errorf("last seen %s, error %v", who.Last(), err)
		}
		return invariants(tx)
	})
}

func TestDamagedBaselinesBeginAnew(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		return errors.Join(
			tx.sub(bucketBaselines, baselineKeys).Put([]byte(keyARN(1)), []byte{9}),
			tx.sub(bucketBaselines, baselinePrincipals).Put(principalKey(5), append(stamp(day()), 9)))
	})
	update(t, db, func(tx *Tx) error {
		k, err := tx.KeyBaseline(keyARN(1))
		if !errors.Is(err, compact.ErrDamaged) || !strings.Contains(err.Error(), keyARN(1)) || k == nil {
			t.Errorf("%v, error %v", k, err)
		}
		p, err := tx.PrincipalBaseline(5)
		if !errors.Is(err, compact.ErrDamaged) || p == nil {
			t.Errorf("%v, error %v", p, err)
		}
		return errors.Join( // what is left is whole again
			tx.sub(bucketBaselines, baselineKeys).Delete([]byte(keyARN(1))),
			tx.sub(bucketBaselines, baselinePrincipals).Delete(principalKey(5)))
	})
}

func TestBaselinesAreBounded(t *testing.T) {
	db := openTest(t)
	db.bounds.principals, db.bounds.baselineBytes = 2, 30
	update(t, db, func(tx *Tx) error {
		var errs []error
		for i := range 4 {
			errs = append(errs, tx.PutPrincipalBaseline(baseline.ID(i), new(baseline.Principal)),
				tx.PutKey(testKey(i)), tx.PutKeyBaseline(keyARN(i), usedBy(1)))
		}
		return errors.Join(errs...)
	})
	view(t, db, func(tx *Tx) error {
		if n := len(learnt(tx, baselinePrincipals)); n != 2 {
			t.Errorf("%d principals are kept, want 2", n)
		}
		if n := len(learnt(tx, baselineKeys)); n != 2 {
			t.Errorf("what is usual of %d keys is kept, want 2", n)
		}
		return invariants(tx)
	})
}

func TestQuietPrincipalsAndGoneKeysAreForgotten(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		old, fresh := new(baseline.Principal), new(baseline.Principal)
		old.Observe(&baseline.Use{At: day()}, &baseline.Observed{})
		fresh.Observe(&baseline.Use{At: day().AddDate(1, 0, 0)}, &baseline.Observed{})
		return errors.Join(tx.PutPrincipalBaseline(1, old), tx.PutPrincipalBaseline(2, fresh),
			tx.PutKey(testKey(1)), tx.PutKeyBaseline(keyARN(1), usedBy(1)))
	})
	dropped, err := db.Retain(day().Add((baseline.KeepHours + 2) * time.Hour))
	if err != nil || dropped.Principals != 1 {
		t.Errorf("%d principals dropped, error %v", dropped.Principals, err)
	}
	update(t, db, func(tx *Tx) error { return tx.forgetKey(testKey(1)) })
	view(t, db, func(tx *Tx) error {
		if n := len(learnt(tx, baselineKeys)); n != 0 {
			t.Errorf("what is usual of %d keys is kept", n)
		}
		return invariants(tx)
	})
}
