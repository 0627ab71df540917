package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"rotd/internal/baseline"
)

// The parts of the baselines bucket.
const (
	baselineKeys       = "keys"
	baselinePrincipals = "principals"
)

// Totals of baselines, beside those of counted buckets.
const (
	totalPrincipals    = bucketBaselines + "/" + baselinePrincipals
	totalBaselineBytes = bucketBaselines + "/bytes" // of keys' records
)

const (
	// maxPrincipals bounds the principals whose calls are learnt; past it new ones are not.
	maxPrincipals = 200_000
	// maxBaselineBytes is from how many bytes on keys' records do not grow any more: 100,000 keys of 50 principals take
	// a third of it.
	maxBaselineBytes = 256 << 20
)

// KeyBaseline is what is known to be ordinary of a key's use; a new one where nothing is known yet, also with an error
// that says that what was known is damaged.
func (tx *Tx) KeyBaseline(arn string) (*baseline.Key, error) {
	raw := tx.sub(bucketBaselines, baselineKeys).Get([]byte(arn))
	if raw == nil {
		return new(baseline.Key), nil
	}
	k, err := baseline.DecodeKey(raw)
	if err != nil {
		return new(baseline.Key), fmt.Errorf("what is usual of key %s: %w", arn, err)
	}
	return k, nil
}

// fullPages is how full pages are left that are split: records hardly grow once their principals are known, so that the
// half of a page that bbolt would leave empty stays empty.
const fullPages = 0.9

// PutKeyBaseline keeps what is known of a key's use, without what has become too old. The key is one that the inventory
// knows: see Knows; or that it may come to know: see Teachable.
func (tx *Tx) PutKeyBaseline(arn string, k *baseline.Key) error {
	k.Tidy()
	all, raw := tx.sub(bucketBaselines, baselineKeys), k.Append(nil)
	grown := len(raw) - len(all.Get([]byte(arn)))
	if grown > 0 && tx.total(totalBaselineBytes) >= tx.bounds.baselineBytes {
		return nil
	}
	all.FillPercent = fullPages
	if err := all.Put([]byte(arn), raw); err != nil {
		return fmt.Errorf("learn of a key's use: %w", err)
	}
	if grown == 0 {
		return nil
	}
	return tx.count(totalBaselineBytes, grown)
}

// forgetBaseline forgets a key's.
func (tx *Tx) forgetBaseline(arn string) error {
	all := tx.sub(bucketBaselines, baselineKeys)
	size := len(all.Get([]byte(arn)))
	if size == 0 {
		return nil
	}
	if err := all.Delete([]byte(arn)); err != nil {
		return fmt.Errorf("forget a key's use: %w", err)
	}
	return tx.count(totalBaselineBytes, -size)
}

// PrincipalBaseline is what is known to be ordinary of a principal, as KeyBaseline.
func (tx *Tx) PrincipalBaseline(id baseline.ID) (*baseline.Principal, error) {
	raw := tx.sub(bucketBaselines, baselinePrincipals).Get(principalKey(id))
	if len(raw) < 8 {
		return new(baseline.Principal), nil
	}
	p, err := baseline.DecodePrincipal(raw[8:])
	if err != nil {
		return new(baseline.Principal), fmt.Errorf("what is usual of principal %x: %w", uint64(id), err)
	}
	return p, nil
}

// PutPrincipalBaseline keeps what is known of a principal, without what has become too old. Where too many are known,
// one that is not is not kept.
func (tx *Tx) PutPrincipalBaseline(id baseline.ID, p *baseline.Principal) error {
	p.Tidy()
	all, key := tx.sub(bucketBaselines, baselinePrincipals), principalKey(id)
	known := all.Get(key) != nil
	if !known && tx.total(totalPrincipals) >= tx.bounds.principals {
		return nil
	}
	if err := all.Put(key, p.Append(slices.Clone(stamp(p.Last())))); err != nil {
		return fmt.Errorf("learn of a principal: %w", err)
	}
	if known {
		return nil
	}
	return tx.count(totalPrincipals, 1)
}

func principalKey(id baseline.ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(id)) }

// quietPrincipals are those that have called nothing for long.
func quietPrincipals(now time.Time) stamped {
	oldest := now.Add(-baseline.KeepHours * time.Hour)
	return stamped{
		bucket: bucketBaselines, sub: baselinePrincipals,
		old:     func(v []byte) bool { return len(v) < 8 || entryTime(v[:8]).Before(oldest) },
		dropped: func(tx *Tx, n int) error { return tx.count(totalPrincipals, -n) },
	}
}
