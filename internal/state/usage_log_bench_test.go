package state

import (
	"fmt"
	"testing"

	"rotd/internal/usage"
)

// BenchmarkUsageBehindTheLog reads a key's usage behind as much log as there is when folding begins at the latest.
func BenchmarkUsageBehindTheLog(b *testing.B) {
	const keys = 2000
	db := openTest(b)
	db.bolt.NoSync = true
	update(b, db, func(tx *Tx) error {
		for n := range keys {
			if err := tx.PutKey(testKey(n)); err != nil {
				return err
			}
		}
		return nil
	})
	logged := 0
	for n := 0; logged < FoldUsageAt; n++ {
		var uses []usage.Use
		for i := range 300 {
			network, _ := usage.Source(fmt.Sprintf("10.0.%d.1", i%11))
			uses = append(uses, usage.Use{
				Key: keyARN((n*7 + i*13) % keys), Principal: fmt.Sprint("arn:aws:iam::111122223333:role/", i%50), Operation: 1,
				Network: network, Service: "dynamodb.amazonaws.com", Shape: "aws:dynamodb:tableName", Contexts: 1 << (i % 60),
				Resource: usage.Resource("aws:dynamodb:tableName", fmt.Sprint(i)), At: day(),
			})
		}
		logged, _ = appendUses(b, db, day(), uses...)
	}
	for b.Loop() {
		usageOf(b, db, keys/2, day())
	}
}
