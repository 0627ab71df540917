package state

import "go.etcd.io/bbolt"

// widths are the sizes in bytes that a bucket's keys and values may have.
type widths struct {
	bucket, sub string // sub "": the bucket itself
	key, value  width
}

type width struct{ least, most int }

func exactly(n int) width { return width{n, n} }

func (w width) holds(raw []byte) bool { return len(raw) >= w.least && len(raw) <= w.most }

// binaryBuckets lists the buckets whose keys or values are not text but numbers and hashes: they are cut apart where
// they are read, and a bit that fell over in the length of one must not end in a panic there.
func binaryBuckets() []widths {
	whatever := width{0, bbolt.MaxValueSize}
	return []widths{
		{bucketLate, "order", exactly(8), exactly(16)},
		{bucketLate, "ids", exactly(16), exactly(8)},
		{bucketUses, "", whatever, exactly(8)},
		{bucketUsage, usageLog, exactly(8), whatever},
		{bucketUsage, usageKeys, exactly(4), whatever},
		{bucketUsage, usageNames, width{1, bbolt.MaxKeySize}, exactly(8)},
		{bucketUsage, usageIDs, exactly(4), width{1, bbolt.MaxValueSize}},
		{bucketBaselines, baselinePrincipals, exactly(8), width{8, bbolt.MaxValueSize}},
		{bucketBudgets, "", width{2, bbolt.MaxKeySize}, exactly(0)},
		{bucketOutbox, "", exactly(8), whatever},
		{bucketMemory, "values", width{16, roomyBytes}, width{8, bbolt.MaxValueSize}},
		{bucketMemory, "expiry", width{24, 8 + roomyBytes}, whatever},
		{bucketQuarantine, "items", exactly(8), whatever},
		{bucketQuarantine, "hashes", exactly(16), exactly(16)},
		{bucketOwn, "keys", whatever, exactly(8)},
		{bucketOwn, "requests", whatever, exactly(8)},
		{bucketProofs, "nonces", whatever, exactly(8)},
		{bucketRereads, "", width{9, bbolt.MaxKeySize}, whatever},
		{bucketHistory, "", width{12, bbolt.MaxKeySize}, whatever},
		{bucketDue, string(DueFacts), width{9, bbolt.MaxKeySize}, exactly(0)},
		{bucketDue, string(DueUse), width{9, bbolt.MaxKeySize}, exactly(0)},
		{bucketAudit, "", exactly(8), whatever},
		{bucketUntold, "", width{9, bbolt.MaxKeySize}, whatever},
	}
}

// wide checks that every binary key and value has the size it is written with.
func (tx *Tx) wide() error {
	for _, w := range binaryBuckets() {
		b, name := tx.bucket(w.bucket), w.bucket
		if w.sub != "" {
			b, name = tx.sub(w.bucket, w.sub), w.bucket+"/"+w.sub
		}
		if err := b.ForEach(func(k, v []byte) error {
			if v == nil || !w.key.holds(k) || !w.value.holds(v) {
				return damage("entry %x of bucket %s has not the size it was written with", k, name)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}
