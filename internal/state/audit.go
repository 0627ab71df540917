package state

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"rotd/internal/audit"
)

// Bounds of the audit log; past them the oldest entries go, and the log says so.
const (
	KeepAudit = 3 * 365 * 24 * time.Hour
	maxAudit  = 1_000_000
)

// Audit appends an entry to the audit log, durable with the transaction. The log gives it its place, epoch and hash.
// Nothing changes an entry afterwards; retention alone removes the oldest.
func (tx *Tx) Audit(e audit.Entry) error {
	head := tx.AuditHead()
	epoch, because, err := tx.auditEpoch()
	if err != nil {
		return err
	}
	if head.Epoch != epoch {
		head, err = tx.seal(audit.Entry{
			Time: e.Time, Actor: audit.Rotd, Event: audit.LogBegan, Detail: map[string]string{"because": because},
		}, head, epoch)
		if err != nil {
			return err
		}
	}
	_, err = tx.seal(e, head, epoch)
	return err
}

// seal puts an entry behind head.
func (tx *Tx) seal(e audit.Entry, head audit.Head, epoch string) (audit.Head, error) {
	sealed, line, err := audit.Seal(e, head, epoch)
	if err == nil {
		err = tx.bucket(bucketAudit).Put(uint64Bytes(sealed.Seq), line)
	}
	if err != nil {
		return head, fmt.Errorf("write the audit log: %w", err)
	}
	return sealed.Head(), nil
}

// auditEpoch names the chain that this state's entries belong to, and says why it began.
func (tx *Tx) auditEpoch() (epoch, because string, err error) {
	shard := string(tx.bucket(bucketMeta).Get([]byte("shard")))
	r, ok, err := tx.Restored()
	if err != nil || !ok {
		return audit.Epoch(shard, tx.Created()), "the state was created", err
	}
	because = "the state was restored from %s, a copy that was last written to at %s"
	if r.Rebuilt {
		because = "the state was rebuilt from what could be read of %s, which was damaged and last written to at %s"
	}
	return audit.Epoch(shard, r.At), fmt.Sprintf(because, r.From, r.CopiedAt.UTC().Format(time.RFC3339)), nil
}

// AuditHead is the newest entry of the audit log; the zero Head when there is none.
func (tx *Tx) AuditHead() audit.Head {
	b := tx.bucket(bucketAudit)
	if b == nil { // described is a state of another schema
		return audit.Head{}
	}
	k, v := b.Cursor().Last()
	if k == nil {
		return audit.Head{}
	}
	e := auditEntry(k, v)
	return e.Head()
}

// auditEntry reads an entry. Of one that cannot be read only its place is known: the log goes on behind it in another
// epoch, and its verification says what is wrong.
func auditEntry(k, v []byte) audit.Entry {
	e, err := decode[audit.Entry](k, v)
	if err != nil {
		return audit.Entry{Seq: binary.BigEndian.Uint64(k), Hash: audit.Origin}
	}
	return e
}

// AuditEntries copies a page of the audit log, newest first; see page.
func (tx *Tx) AuditEntries(after string, limit int, keep func(*audit.Entry) bool) ([]audit.Entry, string, error) {
	return page(tx, tx.bucket(bucketAudit), after, limit, true, keep)
}

// AuditLines copies the lines of the entries that follow after, oldest first, at most limit; last is the number of the
// last of them.
func (tx *Tx) AuditLines(after uint64, limit int) (lines [][]byte, last uint64) {
	cursor := tx.bucket(bucketAudit).Cursor()
	for k, v := cursor.Seek(uint64Bytes(after + 1)); k != nil && len(lines) < limit; k, v = cursor.Next() {
		lines, last = append(lines, append([]byte(nil), v...)), binary.BigEndian.Uint64(k)
	}
	return lines, last
}

// dropAudit removes the oldest entries: those from before a time, and those past the bound, at most limit. The newest
// entry stays; the log names the last one that went.
func (tx *Tx) dropAudit(before, now time.Time, limit int) (int, error) {
	b, head := tx.bucket(bucketAudit), tx.AuditHead()
	var last audit.Head
	dropped := 0
	for ; dropped < limit; dropped++ {
		k, v := b.Cursor().First()
		if k == nil {
			break
		}
		e := auditEntry(k, v)
		if e.Seq == head.Seq || !e.Time.Before(before) && head.Seq-e.Seq < tx.bounds.audit {
			break
		}
		last = e.Head()
		if err := b.Delete(k); err != nil {
			return 0, fmt.Errorf("drop audit entries: %w", err)
		}
	}
	if dropped == 0 {
		return 0, nil
	}
	return dropped, tx.Audit(audit.Entry{
		Time: now, Actor: audit.Rotd, Event: audit.LogDropped, Detail: map[string]string{
			audit.Through: strconv.FormatUint(last.Seq, 10), audit.OfHash: last.Hash, "entries": strconv.Itoa(dropped),
		},
	})
}
