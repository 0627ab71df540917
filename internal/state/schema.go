package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// SchemaVersion is the schema this rotd writes.
const SchemaVersion = 1

// bucket names, as drawn in the package comment.
const (
	bucketMeta         = "meta"
	bucketSeen         = "seen"
	bucketLate         = "late"
	bucketKeys         = "keys"
	bucketNames        = "names"
	bucketUses         = "uses"
	bucketUsage        = "usage"
	bucketPlaces       = "places"
	bucketAssignments  = "assignments"
	bucketBudgets      = "budgets"
	bucketFindings     = "findings"
	bucketFingerprints = "fingerprints"
	bucketOpen         = "open"
	bucketActions      = "actions"
	bucketPending      = "pending"
	bucketByKey        = "bykey"
	bucketOutbox       = "outbox"
	bucketMemory       = "memory"
	bucketQuarantine   = "quarantine"
	bucketOwn          = "own"
	bucketProofs       = "proofs"
	bucketJobs         = "jobs"
	bucketRereads      = "rereads"
	bucketHistory      = "history"
	bucketDue          = "due"
	bucketUntold       = "untold"
	bucketAudit        = "audit"
	bucketDeadlines    = "deadlines"
	bucketIncidents    = "incidents"
	bucketMoving       = "moving"
	bucketUnmoved      = "unmoved"
	bucketMoves        = "moves"
	bucketBaselines    = "baselines"
	bucketSuppressions = "suppressions"
)

// layout lists every bucket with its fixed sub-buckets.
func layout() map[string][]string {
	return map[string][]string{
		bucketMeta: nil, bucketSeen: nil, bucketLate: {"order", "ids"},
		bucketKeys: nil, bucketNames: nil, bucketUses: nil, bucketPlaces: nil, bucketBudgets: nil,
		bucketUsage:       {usageLog, usageKeys, usageNames, usageIDs},
		bucketAssignments: nil,
		bucketFindings:    nil, bucketFingerprints: nil, bucketOpen: nil,
		bucketActions: nil, bucketPending: nil, bucketByKey: nil,
		bucketOutbox: nil, bucketMemory: {"values", "expiry"},
		bucketQuarantine: {"items", "hashes"}, bucketOwn: {"keys", "requests"},
		bucketProofs: {"nonces"},
		bucketJobs:   nil, bucketRereads: nil, bucketHistory: nil,
		bucketDue: {string(DueFacts), string(DueUse)}, bucketUntold: nil,
		bucketAudit: nil, bucketDeadlines: nil, bucketIncidents: nil,
		bucketMoving: nil, bucketUnmoved: nil, bucketMoves: nil,
		bucketBaselines:    {baselineKeys, baselinePrincipals},
		bucketSuppressions: nil,
	}
}

// prepare creates or migrates the schema and checks that the file is this shard's and whole.
func (db *DB) prepare(o Options) error {
	version, shard, err := db.identity()
	if err != nil {
		return err
	}
	switch {
	case version == 0:
		db.Opened.New = true
		return db.create(o)
	case version > SchemaVersion:
		return fmt.Errorf("%w: %s has schema %d, this rotd knows %d; %s", ErrNewerSchema, db.path, version, SchemaVersion,
			wayBack(db.path))
	case shard != o.Shard:
		return fmt.Errorf("%w: %s belongs to shard %q, the configuration says %q; give each shard its own state.path",
			ErrOtherShard, db.path, shard, o.Shard)
	}
	if err := db.migrate(version, SchemaVersion, migrations(), o.Now); err != nil {
		return err
	}
	return db.View((*Tx).whole)
}

// identity reads the file's schema version (0: it is empty) and shard.
func (db *DB) identity() (version uint64, shard string, err error) {
	err = db.bolt.View(func(btx *bbolt.Tx) error {
		if version, shard, err = identity(btx); err != nil {
			return fmt.Errorf("%s %w", db.path, err)
		}
		return nil
	})
	return version, shard, err
}

func identity(btx *bbolt.Tx) (version uint64, shard string, err error) {
	if first, _ := btx.Cursor().First(); first == nil {
		return 0, "", nil
	}
	var raw []byte
	meta := btx.Bucket([]byte(bucketMeta))
	if meta != nil {
		raw = meta.Get([]byte("schema"))
	}
	if len(raw) != 8 || binary.BigEndian.Uint64(raw) == 0 {
		return 0, "", errors.New("is a bbolt file, but no state of rotd: it has no schema version")
	}
	return binary.BigEndian.Uint64(raw), string(meta.Get([]byte("shard"))), nil
}

// whole checks what everything else relies on: that every bucket is there, that what rotd starts with can be read, and
// that what is cut apart by position has the size it was written with.
func (tx *Tx) whole() error {
	for name, subs := range layout() {
		if tx.bucket(name) == nil {
			return damage("bucket %s is missing", name)
		}
		for _, sub := range subs {
			if tx.sub(name, sub) == nil {
				return damage("bucket %s/%s is missing", name, sub)
			}
		}
	}
	if err := tx.bucket(bucketSeen).ForEach(func(k, v []byte) error {
		if len(k) != 4 || v != nil {
			return damage("%x is no slice of eventIDs", k)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := tx.wide(); err != nil {
		return err
	}
	_, _, errArmed := tx.Armed()
	_, _, errPaused := tx.Paused()
	_, errStarts := tx.starts()
	_, errHeld := tx.quarantined()
	_, _, errRestored := tx.Restored()
	if err := errors.Join(errArmed, errPaused, errStarts, errHeld, errRestored); err != nil {
		return damage("%v", err)
	}
	return nil
}

// create writes an empty schema.
func (db *DB) create(o Options) error {
	err := db.bolt.Update(func(btx *bbolt.Tx) error {
		all := layout()
		for _, name := range slices.Sorted(maps.Keys(all)) { // the same file every time
			subs := all[name]
			b, err := btx.CreateBucketIfNotExists([]byte(name))
			if err != nil {
				return fmt.Errorf("bucket %s: %w", name, err)
			}
			for _, sub := range subs {
				if _, err := b.CreateBucketIfNotExists([]byte(sub)); err != nil {
					return fmt.Errorf("bucket %s/%s: %w", name, sub, err)
				}
			}
		}
		meta := btx.Bucket([]byte(bucketMeta))
		for key, value := range map[string][]byte{
			"schema":  uint64Bytes(SchemaVersion),
			"shard":   []byte(o.Shard),
			"created": []byte(o.Now.UTC().Format(time.RFC3339)),
		} {
			if err := meta.Put([]byte(key), value); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("create the schema: %w", err)
	}
	folder := filepath.Dir(db.path)
	return errors.Join(giveTo(db.path, folder), syncFolder(folder))
}

func uint64Bytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
func uint32Bytes(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
