package state

import (
	"encoding/binary"
	"fmt"
	"time"

	"rotd/internal/usage"
)

// Usage is what is known of a key's use in a window. For many keys in one transaction there is a UsageReader.
func (tx *Tx) Usage(arn string, w usage.Window) (*usage.Usage, error) {
	rec, err := tx.UsageRecord(arn, w.To)
	if err != nil {
		return nil, err
	}
	return rec.Summarize(w, tx.UsageName), nil
}

// UsageRecord is all that is known of a key's use, what is not yet folded included: for those who have more than one
// question. UsageName has its names.
func (tx *Tx) UsageRecord(arn string, now time.Time) (*usage.Record, error) {
	id, _ := tx.usageID(kindKey, arn)
	r := &UsageReader{tx: tx, pending: make(map[uint32][]logged)}
	if id != usage.None {
		err := tx.sub(bucketUsage, usageLog).ForEach(func(k, v []byte) error {
			seq := binary.BigEndian.Uint64(k)
			_ = usage.DecodeTuplesOf(id, v, func(t *usage.Tuple) { // what cannot be read is left out
				r.pending[id] = append(r.pending[id], logged{seq, *t})
			})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return r.record(arn, now)
}

// UsageReader answers for many keys inside one transaction: it reads what is not yet folded once. That is held in
// memory; fold before (FoldUsage), and there is little of it.
type UsageReader struct {
	tx      *Tx
	pending map[uint32][]logged
}

// UsageReader reads what is not yet folded.
func (tx *Tx) UsageReader() (*UsageReader, error) {
	r := &UsageReader{tx: tx, pending: make(map[uint32][]logged)}
	err := tx.eachLogged(func(seq uint64, t *usage.Tuple) {
		r.pending[t.Key] = append(r.pending[t.Key], logged{seq, *t})
	})
	return r, err
}

// Of is what is known of a key's use in a window; of a key never seen used there is nothing in it.
func (r *UsageReader) Of(arn string, w usage.Window) (*usage.Usage, error) {
	rec, err := r.record(arn, w.To)
	if err != nil {
		return nil, err
	}
	return rec.Summarize(w, r.tx.UsageName), nil
}

func (r *UsageReader) record(arn string, now time.Time) (*usage.Record, error) {
	id, _ := r.tx.usageID(kindKey, arn)
	rec := &usage.Record{}
	if id != usage.None {
		var err error
		if rec, err = r.tx.usageRecord(id); err != nil {
			return nil, fmt.Errorf("usage of %s: %w", arn, err)
		}
		for _, t := range r.pending[id] {
			if t.seq > rec.Folded {
				rec.Fold(&t.Tuple)
			}
		}
		rec.Bound(now, usage.MaxPrincipals)
	}
	return rec, nil
}

// eachLogged goes over the log's tuples; what cannot be read of an entry is left out.
func (tx *Tx) eachLogged(fn func(seq uint64, t *usage.Tuple)) error {
	return tx.sub(bucketUsage, usageLog).ForEach(func(k, v []byte) error {
		seq := binary.BigEndian.Uint64(k)
		_ = usage.DecodeTuples(v, func(t *usage.Tuple) bool { fn(seq, t); return true })
		return nil
	})
}
