package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"rotd/internal/audit"
	"rotd/internal/awss3"
	"rotd/internal/config"
	"rotd/internal/scheduler"
	"rotd/internal/state"
)

const (
	// auditTimeout bounds one run of the export.
	auditTimeout = 10 * time.Minute
	// auditBatch bounds the entries of one object, or of one write.
	auditBatch = 5000
	// maxAuditObject bounds what is read of an object that is there already.
	maxAuditObject = 64 << 20
)

// auditJobs keeps the audit log elsewhere, where the configuration says so.
func (d *daemonProcess) auditJobs(cfg *config.Config) []scheduler.Job {
	to := cfg.Audit.Export
	if to == "" {
		return nil
	}
	return []scheduler.Job{{
		Name: "audit-export", Spec: cfg.Schedules.Audit, AtStart: true, Timeout: auditTimeout,
		Run: func(ctx context.Context) error { return d.exportAudit(ctx, to) },
	}}
}

// exportAudit appends to the archive what the audit log got since. How far it is is kept once the archive has it: after
// a crash in between the archive itself says how far it is, and no entry is in it twice.
func (d *daemonProcess) exportAudit(ctx context.Context, to string) error {
	for {
		b, err := d.unexported(to)
		if err != nil || len(b.lines) == 0 {
			return err
		}
		last, err := d.archive(ctx, to, b)
		if err != nil {
			return fmt.Errorf("export the audit log to %s: %w", to, advised(err))
		}
		err = d.db.Update(func(tx *state.Tx) error {
			return tx.SetAuditExported(state.AuditExported{To: to, Seq: last})
		})
		if err != nil {
			return fmt.Errorf("note how far the audit log is exported: %w", err)
		}
	}
}

// auditLines are entries of one epoch that follow each other.
type auditLines struct {
	epoch string
	first uint64
	lines [][]byte
}

// last is the number of the last entry.
func (b *auditLines) last() uint64 { return b.first + uint64(len(b.lines)) - 1 }

// text is the entries as the archive has them, without those up to one.
func (b *auditLines) text(after uint64) []byte {
	var text bytes.Buffer
	for i, line := range b.lines {
		if b.first+uint64(i) > after {
			text.Write(line)
			text.WriteByte('\n')
		}
	}
	return text.Bytes()
}

// unexported reads the oldest entries that a destination has not got.
func (d *daemonProcess) unexported(to string) (b auditLines, err error) {
	err = d.db.View(func(tx *state.Tx) error {
		done, err := tx.AuditExported()
		if err != nil {
			return err
		}
		if done.To != to {
			done.Seq = 0
		}
		lines, _ := tx.AuditLines(done.Seq, auditBatch)
		for _, line := range lines {
			var e audit.Entry
			if err := json.Unmarshal(line, &e); err != nil {
				return fmt.Errorf("read the audit log behind entry %d: %w", done.Seq, err)
			}
			if len(b.lines) > 0 && (e.Epoch != b.epoch || e.Seq != b.last()+1) {
				break
			}
			if len(b.lines) == 0 {
				b.epoch, b.first = e.Epoch, e.Seq
			}
			b.lines = append(b.lines, line)
		}
		return nil
	})
	return b, err
}

// archive puts entries where they are kept, and returns the last one that is there then.
func (d *daemonProcess) archive(ctx context.Context, to string, b auditLines) (last uint64, err error) {
	if !strings.HasPrefix(to, "s3://") {
		return b.last(), appendAudit(to, b)
	}
	folder, err := awss3.Parse(to)
	if err != nil {
		return 0, err
	}
	at := inFolder(folder, auditObject(b))
	text := b.text(0)
	sum := sha256.Sum256(text)
	err = d.store.Put(ctx, at, awss3.Upload{
		Body: bytes.NewReader(text), Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]),
		ContentType: "application/jsonl",
	})
	if e, ok := errors.AsType[*awss3.Error](err); ok && e.Class == awss3.Exists {
		return d.archived(ctx, at, b)
	}
	return b.last(), err
}

// auditObject names the object of entries: in order of their numbers, in a folder for each epoch.
func auditObject(b auditLines) string {
	return fmt.Sprintf("%s/%012d.jsonl", strings.NewReplacer("@", "-", ":", "").Replace(b.epoch), b.first)
}

// archived is the last entry of an object that is there already: a run that ended before it could note so put it there.
// Anything else in its place is an error, and stays.
func (d *daemonProcess) archived(ctx context.Context, at awss3.Location, b auditLines) (last uint64, err error) {
	object, err := d.store.Get(ctx, at)
	if err != nil {
		return 0, err
	}
	defer object.Body.Close()
	there, err := io.ReadAll(io.LimitReader(object.Body, maxAuditObject))
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", at, err)
	}
	ours := b.text(0)
	if len(there) == 0 || !bytes.HasPrefix(ours, there) && !bytes.HasPrefix(there, ours) || there[len(there)-1] != '\n' {
		return 0, fmt.Errorf("%s is there already, and is not what rotd writes there", at)
	}
	return b.first + uint64(min(bytes.Count(there, []byte("\n")), len(b.lines))) - 1, nil //nolint:gosec // of 64 MiB
}

// appendAudit appends to a file what it has not got. A line that a crash cut off is taken away first.
func appendAudit(path string, b auditLines) (err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o640) //nolint:gosec // its readers are its group
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	tail, end, err := lastLine(file)
	if err != nil {
		return err
	}
	if err := file.Truncate(end); err != nil {
		return err
	}
	var newest audit.Entry
	after := uint64(0)
	if len(tail) > 0 && json.Unmarshal(tail, &newest) == nil && newest.Epoch == b.epoch {
		after = newest.Seq
	}
	if _, err := file.WriteAt(b.text(after), end); err != nil {
		return err
	}
	return file.Sync()
}

// lastLine is a file's last whole line, and where it ends.
func lastLine(file *os.File) (line []byte, end int64, err error) {
	const most = 1 << 20 // entries are far shorter
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, err
	}
	from := max(size-most, 0)
	tail := make([]byte, size-from)
	if _, err := file.ReadAt(tail, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	lines := bytes.Split(tail[:max(whole-1, 0)], []byte("\n"))
	return lines[len(lines)-1], from + int64(whole), nil
}
