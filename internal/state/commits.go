package state

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Commits says how far a state has come: bbolt's own transaction number begins anew when a file is compacted.
type Commits struct {
	Count uint64    `json:"count"`
	At    time.Time `json:"at"` // of the last one
}

// Commits returns how far this state has come; zero for one that nothing was written to yet.
func (tx *Tx) Commits() Commits {
	raw := tx.bucket(bucketMeta).Get([]byte("commits"))
	if len(raw) != 16 {
		return Commits{}
	}
	return Commits{
		Count: binary.BigEndian.Uint64(raw),
		At:    time.Unix(0, int64(binary.BigEndian.Uint64(raw[8:]))).UTC(), //nolint:gosec // written by counted
	}
}

// counted notes one more commit.
func (tx *Tx) counted(now time.Time) error {
	count := uint64Bytes(tx.Commits().Count + 1)
	at := uint64Bytes(uint64(now.UnixNano()))
	if err := tx.bucket(bucketMeta).Put([]byte("commits"), slices.Concat(count, at)); err != nil {
		return fmt.Errorf("count the commit: %w", err)
	}
	return nil
}
