package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"rotd/internal/remediation"
	"rotd/internal/usage"
)

// takeAll takes over all that can be read, then counts what is in the new state.
func (b *rebuilding) takeAll(top map[string]tree, values map[string][]byte) error {
	subs := map[string]map[string]tree{}
	for name, parts := range layout() {
		if t, ok := top[name]; ok && len(parts) > 0 {
			subs[name], _ = b.from.subs(t)
		}
	}
	for _, t := range takes(b.now) {
		from, there := top[t.bucket]
		if t.sub != "" {
			from = subs[t.bucket][t.sub]
			there = len(subs[t.bucket]) == len(layout()[t.bucket]) // its parts belong together
		}
		saved := Saved{Bucket: t.name(), Gone: !there}
		if there {
			if err := b.take(&t, from, &saved); err != nil {
				return fmt.Errorf("take over %s: %w", t.name(), err)
			}
		}
		b.saved = append(b.saved, saved)
	}
	_, there := top[bucketMeta]
	return b.takeValues(values, Saved{Bucket: bucketMeta, Unread: b.unreadMeta, Gone: !there})
}

// take takes over one bucket, so many entries in a transaction.
func (b *rebuilding) take(t *take, from tree, saved *Saved) error {
	var entries []element
	flush := func() error {
		err := b.db.bolt.Update(func(btx *bbolt.Tx) error {
			tx := b.db.tx(btx)
			for i := range entries {
				err := errNoEntry
				if t.fits(&entries[i]) {
					err = t.put(tx, entries[i].key, entries[i].value)
				}
				if errors.Is(err, errNoEntry) {
					saved.Lost++
				} else if err != nil {
					return err
				}
			}
			return nil
		})
		entries = entries[:0]
		return err
	}
	var collect func(e *element) error
	collect = func(e *element) error {
		if sub, ok := treeOf(e); ok && t.nested {
			unread, err := b.from.each(sub, collect)
			saved.Unread += unread
			return err
		}
		if entries = append(entries, *e); len(entries) < dropAtOnce {
			return nil
		}
		return flush()
	}
	unread, err := b.from.each(from, collect)
	saved.Unread += unread
	if err == nil {
		err = flush()
	}
	if err != nil || t.nested {
		return err
	}
	return b.db.bolt.Update(func(btx *bbolt.Tx) error { return t.setSequence(b.db.tx(btx), from.sequence) })
}

// fits reports whether an entry has the size it was written with.
func (t *take) fits(e *element) bool {
	if e.bucket {
		return false
	}
	for _, w := range binaryBuckets() {
		if w.bucket == t.bucket && w.sub == t.sub {
			return w.key.holds(e.key) && w.value.holds(e.value)
		}
	}
	return true
}

func (t *take) to(tx *Tx) *bbolt.Bucket {
	if t.sub == "" {
		return tx.bucket(t.bucket)
	}
	return tx.sub(t.bucket, t.sub)
}

// setSequence has the bucket go on numbering where the damaged one was, or behind what was taken over.
func (t *take) setSequence(tx *Tx, sequence uint64) error {
	to := t.to(tx)
	last, _ := to.Cursor().Last()
	switch {
	case t.name() == bucketUsage+"/"+usageIDs && last != nil:
		sequence = max(sequence, uint64(binary.BigEndian.Uint32(last))-usage.FirstName+1)
	case sequence > 0 && len(last) == 8:
		sequence = max(sequence, binary.BigEndian.Uint64(last))
	}
	return to.SetSequence(sequence)
}

// plainValues are the values of meta that are taken over, by their key or what it begins with, and what each has to be.
// The others are made anew, or were of the damaged state alone: nobody has armed the new one.
func plainValues() map[string]func(v []byte) bool {
	return map[string]func(v []byte) bool{
		"pause": isJSON[Pause], "breaker": isJSON[remediation.Breaker], "protected": isJSON[map[string]string],
		"dependencies": isJSON[[]Dependency], "followed": isJSON[[]Followed], "organization": isJSON[Organization],
		"audit_exported": isJSON[AuditExported], "starts": isJSON[[]start],
		"commits": exactly(16).holds, "taught/": exactly(8).holds,
	}
}

func isJSON[T any](v []byte) bool { _, ok := strict[T](v); return ok }

// takeValues takes over plain values, and ends the counting.
func (b *rebuilding) takeValues(values map[string][]byte, saved Saved) error {
	err := b.db.bolt.Update(func(btx *bbolt.Tx) error {
		tx := b.db.tx(btx)
		for key, value := range values {
			kind, rest, _ := strings.Cut(key, "/")
			if rest != "" {
				kind += "/"
			}
			fits, wanted := plainValues()[kind]
			switch {
			case !wanted:
			case !fits(value):
				saved.Lost++
			default:
				saved.Saved++
				if err := tx.bucket(bucketMeta).Put([]byte(key), value); err != nil {
					return err
				}
			}
		}
		return tx.exportedNoMore()
	})
	if err != nil {
		return fmt.Errorf("take over plain values: %w", err)
	}
	err = b.db.View(func(tx *Tx) error {
		for i, t := range takes(b.now) {
			b.saved[i].count(&t, tx, values)
		}
		return nil
	})
	if b.saved = append(b.saved, saved); b.unreadTop > 0 {
		b.saved = append(b.saved, Saved{Bucket: "(the list of buckets)", Unread: b.unreadTop})
	}
	return err
}

// exportedNoMore lets the export of the audit log begin again where the log ends now: what follows is numbered anew.
func (tx *Tx) exportedNoMore() error {
	exported, err := tx.AuditExported()
	if head := tx.AuditHead(); err == nil && exported.Seq > head.Seq {
		exported.Seq = head.Seq
		err = tx.SetAuditExported(exported)
	}
	return err
}

// count counts what the new state has of a bucket, and what by the damaged one's own word it should have.
func (s *Saved) count(t *take, tx *Tx, values map[string][]byte) {
	to := t.to(tx)
	s.Saved = to.Stats().KeyN
	if t.nested {
		s.Saved -= to.Stats().BucketN - 1 // buckets count as keys of their parents
	}
	should := 0
	if raw := values["total/"+t.bucket]; len(raw) == 8 && (t.sub == "" || t.bucket == bucketMemory) {
		should = int(min(binary.BigEndian.Uint64(raw), 1<<32))
	}
	if first, _ := to.Cursor().First(); t.bucket == bucketAudit && first != nil {
		last, _ := to.Cursor().Last()
		should = int(binary.BigEndian.Uint64(last)-binary.BigEndian.Uint64(first)) + 1 //nolint:gosec // both were read
	}
	if s.Unread > 0 || s.Lost > 0 {
		s.Lost = max(s.Lost, should-s.Saved)
	}
}
