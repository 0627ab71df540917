package state

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// Copy is a verified copy of the state as it was at one moment, in a file without a name: it is gone once closed, and
// with the process. Reading it keeps nobody waiting.
type Copy struct {
	Description
	SHA256 string `json:"sha256"`

	file *os.File
}

// ErrCopying is returned while another copy is being made.
var ErrCopying = errors.New("a copy of the state is being made already")

// Copy copies the state beside itself, while others read and write it. The caller closes the copy. What is too large
// for the disk is a *SpaceError before anything is written.
func (db *DB) Copy(ctx context.Context) (*Copy, error) {
	if !db.copies.TryLock() {
		return nil, ErrCopying
	}
	defer db.copies.Unlock()
	if err := db.bounds.hasRoom(db.path, db.Size()); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(db.path+copyPart, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("copy the state: %w", err)
	}
	c := &Copy{file: file}
	if err = os.Remove(db.path + copyPart); err == nil {
		err = db.fillCopy(ctx, c)
	}
	if err != nil {
		return nil, fmt.Errorf("copy the state: %w", errors.Join(err, file.Close()))
	}
	return c, nil
}

// fillCopy writes and verifies the copy. The reading transaction ends with the writing to the local disk.
func (db *DB) fillCopy(ctx context.Context, c *Copy) error {
	sum := sha256.New()
	err := db.bolt.View(func(btx *bbolt.Tx) (err error) {
		if c.Description, err = db.tx(btx).describe(); err != nil {
			return err
		}
		c.Bytes, err = btx.WriteTo(io.MultiWriter(&cancelled{ctx, c.file}, sum))
		return err
	})
	if err != nil {
		return err
	}
	c.SHA256 = hex.EncodeToString(sum.Sum(nil))
	if err := verify(c.file); err != nil {
		return fmt.Errorf("the copy is %w", err)
	}
	return c.Rewind()
}

// CopyName is how rotd names a copy: its shard and when it was last written to, so that names are in order of time.
func CopyName(shard string, at time.Time) string {
	return shard + "-" + at.UTC().Format(copyTime) + ".db"
}

const copyTime = "20060102T150405Z"

// IsCopyName reports whether a name is one that CopyName gives to the shard's copies.
func IsCopyName(name, shard string) bool {
	rest, ok := strings.CutPrefix(name, shard+"-")
	at, isDB := strings.CutSuffix(rest, ".db")
	_, err := time.Parse(copyTime, at)
	return ok && isDB && err == nil
}

// Read reads on in the copy.
func (c *Copy) Read(p []byte) (int, error) { return c.file.Read(p) }

// Seek goes to a place in the copy.
func (c *Copy) Seek(offset int64, whence int) (int64, error) { return c.file.Seek(offset, whence) }

// Rewind goes to the copy's beginning.
func (c *Copy) Rewind() error {
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("go to the beginning of the copy: %w", err)
	}
	return nil
}

// Close gives the copy up.
func (c *Copy) Close() error { return c.file.Close() }

// cancelled is a writer that ends with its context.
type cancelled struct {
	ctx context.Context
	w   io.Writer
}

func (c *cancelled) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
