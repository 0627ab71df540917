package state

import (
	"fmt"
	"time"

	"rotd/internal/usage"
)

// The parts of the usage bucket.
const (
	usageLog   = "log"
	usageKeys  = "keys"
	usageNames = "names"
	usageIDs   = "ids"
)

const (
	// FoldUsageAt is from how many bytes of log on folding should not wait.
	FoldUsageAt = 16 << 20
	// maxUsageLog is from how many bytes of log on, nobody folding, calls are dropped.
	maxUsageLog = 64 << 20
	// maxUsagePairs bounds key-principal pairs over all keys; past it a key's new principals are counted as Others.
	maxUsagePairs = 10_000_000
)

// Totals of usage, beside those of counted buckets.
const (
	totalUsageLog   = bucketUsage + "/" + usageLog // bytes
	totalUsagePairs = bucketUsage + "/pairs"
)

// AppendUsage writes a batch to the log of usage. Calls with keys that the inventory does not know are left out, so
// that events cannot grow the state. It returns how many bytes the log has, and how many calls were dropped because it
// has too many.
func (tx *Tx) AppendUsage(b *usage.Batch, now time.Time) (logged, dropped int, err error) {
	logged = tx.total(totalUsageLog)
	if len(b.Lines) == 0 {
		return logged, 0, nil
	}
	if logged >= tx.bounds.usageLog {
		for i := range b.Calls {
			dropped += int(b.Calls[i].Count)
		}
		return logged, dropped, nil
	}
	tuples, err := tx.usageTuples(b, now)
	if err != nil || len(tuples) == 0 {
		return logged, 0, err
	}
	log := tx.sub(bucketUsage, usageLog)
	log.FillPercent = 1 // appended only
	seq, err := log.NextSequence()
	if err != nil {
		return 0, 0, fmt.Errorf("log usage: %w", err)
	}
	raw := usage.EncodeTuples(tuples)
	if err := log.Put(uint64Bytes(seq), raw); err != nil {
		return 0, 0, fmt.Errorf("log usage: %w", err)
	}
	return logged + len(raw), 0, tx.count(totalUsageLog, len(raw))
}

// UsageLogged is how many bytes of usage are logged and not yet folded.
func (tx *Tx) UsageLogged() int { return tx.total(totalUsageLog) }

// usageTuples replaces the names in a batch by their ids.
func (tx *Tx) usageTuples(b *usage.Batch, now time.Time) ([]usage.Tuple, error) {
	names := tx.usageNames(now)
	tuples := make([]usage.Tuple, 0, len(b.Lines))
	for i := range b.Lines {
		line := &b.Lines[i]
		key, err := names.key(line.Key)
		if err != nil {
			return nil, err
		}
		if key == usage.None {
			continue
		}
		t := usage.Tuple{
			Key: key, Network: line.Network, Operation: line.Operation, Hour: line.Hour, Vouched: line.Vouched,
			Calls: b.Calls[i],
		}
		if t.Principal, err = names.id(kindPrincipal, line.Principal); err != nil {
			return nil, err
		}
		if line.Service != "" {
			if t.Service, err = names.id(kindService, line.Service); err != nil {
				return nil, err
			}
		}
		if line.Shape != "" {
			if t.Shape, err = names.id(kindShape, line.Shape); err != nil {
				return nil, err
			}
		}
		if line.Resource != "" {
			if t.Resource, err = names.id(kindResource, line.Resource); err != nil {
				return nil, err
			}
		}
		if line.Alias != "" {
			if t.Alias, err = names.id(kindAlias, line.Alias); err != nil {
				return nil, err
			}
		}
		tuples = append(tuples, t)
	}
	return tuples, nil
}

// forgetUsage removes what is known of a key's use. Its names go when nothing has used them for long.
func (tx *Tx) forgetUsage(arn string) error {
	id, _ := tx.usageID(kindKey, arn)
	if id == usage.None {
		return nil
	}
	return tx.putUsage(id, newRecord{})
}

// newRecord is a record ready to be stored; without bytes there is nothing left to store.
type newRecord struct {
	raw        []byte
	principals int
}

func encodeUsage(rec *usage.Record) newRecord {
	if len(rec.Pairs) == 0 && len(rec.Held.Resources) == 0 {
		return newRecord{}
	}
	return newRecord{raw: rec.Encode(), principals: rec.Principals()}
}

// putUsage stores a key's record, or removes it.
func (tx *Tx) putUsage(id uint32, rec newRecord) error {
	keys, key := tx.sub(bucketUsage, usageKeys), uint32Bytes(id)
	before := 0
	if raw := keys.Get(key); raw != nil {
		header, _ := usage.DecodeHeader(raw) // of a damaged one nothing was counted that is known
		before = header.Principals
	}
	var err error
	if rec.raw == nil {
		err = keys.Delete(key)
	} else {
		err = keys.Put(key, rec.raw)
	}
	if err == nil && before != rec.principals {
		err = tx.count(totalUsagePairs, rec.principals-before)
	}
	if err != nil {
		return fmt.Errorf("store the usage of a key: %w", err)
	}
	return nil
}
