package state

import (
	"errors"
	"fmt"

	"rotd/internal/usage"
)

// usageInvariants are what the totals of usage promise, and that its names lead both ways.
func usageInvariants(tx *Tx) error {
	var wrong []error
	total := func(name string, want int) {
		if got := tx.total(name); got != want {
			wrong = append(wrong, fmt.Errorf("total %s is %d, want %d", name, got, want))
		}
	}
	bytes, pairs, kinds := 0, 0, map[byte]int{}
	each := func(sub string, fn func(k, v []byte)) {
		_ = tx.sub(bucketUsage, sub).ForEach(func(k, v []byte) error { fn(k, v); return nil })
	}
	each(usageLog, func(_, v []byte) { bytes += len(v) })
	each(usageKeys, func(k, v []byte) {
		rec, err := usage.Decode(v)
		if err != nil {
			wrong = append(wrong, err)
			return
		}
		pairs += rec.Principals()
		if tx.sub(bucketUsage, usageIDs).Get(k) == nil {
			wrong = append(wrong, fmt.Errorf("the key of record %x has no name", k))
		}
	})
	each(usageNames, func(k, v []byte) {
		kinds[k[0]]++
		if back := tx.sub(bucketUsage, usageIDs).Get(v[:4]); string(back) != string(k) {
			wrong = append(wrong, fmt.Errorf("name %q has id %x, which is %q", k, v[:4], back))
		}
	})
	total(totalUsageLog, bytes)
	total(totalUsagePairs, pairs)
	names := 0
	for kind := range usageKinds {
		total(totalUsageNames(kind), kinds[kindName(kind)[0]])
		names += kinds[kindName(kind)[0]]
	}
	if ids := tx.sub(bucketUsage, usageIDs).Stats().KeyN; ids != names {
		wrong = append(wrong, fmt.Errorf("%d ids, %d names", ids, names))
	}
	return errors.Join(wrong...)
}
