package state

import (
	"encoding/binary"
	"fmt"
)

// bounds are the exported limits, and the others; tests lower them.
type bounds struct {
	late, outbox, rereads, memory, ended           int
	history, untold                                int
	audit                                          uint64
	quarantined, quarantineBytes, quarantineHashes int
	usageLog, usagePairs, usageCached              int
	baselineBytes, principals                      int
	usageNames                                     [usageKinds]int
	// compactBytes and compactShare: how much of the file has to be free, both in bytes and in hundredths.
	compactBytes, compactShare int64
	free                       func(path string) (bytes int64, ok bool)
}

func defaultBounds() bounds {
	return bounds{
		late: MaxLate, outbox: MaxOutbox, rereads: MaxRereads, memory: maxMemory, ended: maxEnded,
		history:     MaxHistory,
		untold:      MaxUntold,
		audit:       maxAudit,
		quarantined: MaxQuarantined, quarantineBytes: MaxQuarantineBytes, quarantineHashes: maxQuarantineHash,
		usageLog: maxUsageLog, usagePairs: maxUsagePairs, usageCached: maxUsageCached,
		baselineBytes: maxBaselineBytes, principals: maxPrincipals,
		usageNames: [usageKinds]int{
			maxUsageKeys, maxUsagePrincipals, maxUsageServices, maxUsageShapes, maxUsageResources, maxUsageAliases,
		},
		compactBytes: worthBytes, compactShare: worthShare, free: freeBytes,
	}
}

// total is how many entries a counted bucket holds. It is kept, because bbolt could only tell by reading the bucket.
func (tx *Tx) total(bucket string) int {
	raw := tx.bucket(bucketMeta).Get([]byte("total/" + bucket))
	if len(raw) != 8 {
		return 0
	}
	return int(binary.BigEndian.Uint64(raw)) //nolint:gosec // written by count
}

func (tx *Tx) count(bucket string, delta int) error {
	n := max(0, tx.total(bucket)+delta)
	if err := tx.bucket(bucketMeta).Put([]byte("total/"+bucket), uint64Bytes(uint64(n))); err != nil {
		return fmt.Errorf("count %s: %w", bucket, err)
	}
	return nil
}

// put stores an entry of a counted bucket.
func (tx *Tx) put(bucket string, key, value []byte) error {
	b := tx.bucket(bucket)
	fresh := b.Get(key) == nil
	if err := b.Put(key, value); err != nil || !fresh {
		return err
	}
	return tx.count(bucket, 1)
}

// remove deletes an entry of a counted bucket, if it is there.
func (tx *Tx) remove(bucket string, key []byte) error {
	b := tx.bucket(bucket)
	if b.Get(key) == nil {
		return nil
	}
	if err := b.Delete(key); err != nil {
		return err
	}
	return tx.count(bucket, -1)
}
