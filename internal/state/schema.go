package state

import (
	"encoding/binary"
	"fmt"
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
	bucketPlaces       = "places"
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
	bucketJobs         = "jobs"
	bucketRereads      = "rereads"
)

// layout lists every bucket with its fixed sub-buckets.
func layout() map[string][]string {
	return map[string][]string{
		bucketMeta: nil, bucketSeen: nil, bucketLate: {"order", "ids"},
		bucketKeys: nil, bucketNames: nil, bucketUses: nil, bucketPlaces: nil,
		bucketFindings: nil, bucketFingerprints: nil, bucketOpen: nil,
		bucketActions: nil, bucketPending: nil, bucketByKey: nil,
		bucketOutbox: nil, bucketMemory: {"values", "expiry"},
		bucketQuarantine: {"items", "hashes"}, bucketOwn: {"keys", "requests"},
		bucketJobs: nil, bucketRereads: nil,
	}
}

// migration brings a file from the version before to its own.
type migration struct {
	to  uint64
	run func(btx *bbolt.Tx) error
}

// migrations lists the steps from version 1 on, in order.
func migrations() []migration { return nil }

// prepare creates or migrates the schema and checks that the file is this shard's.
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
		return fmt.Errorf("%w: %s has schema %d, this rotd knows %d; run the newer rotd, or restore a copy from "+
			"before the upgrade (%s.schema*-*.bak)", ErrNewerSchema, db.path, version, SchemaVersion, db.path)
	case shard != o.Shard:
		return fmt.Errorf("%w: %s belongs to shard %q, the configuration says %q; give each shard its own state.path",
			ErrOtherShard, db.path, shard, o.Shard)
	}
	return db.migrate(version, SchemaVersion, migrations(), o.Now)
}

// identity reads the file's schema version (0: none yet) and shard.
func (db *DB) identity() (version uint64, shard string, err error) {
	err = db.bolt.View(func(btx *bbolt.Tx) error {
		meta := btx.Bucket([]byte(bucketMeta))
		if meta == nil {
			return nil
		}
		raw := meta.Get([]byte("schema"))
		if len(raw) != 8 {
			return fmt.Errorf("%s is a bbolt file, but no state of rotd: it has no schema version", db.path)
		}
		version = binary.BigEndian.Uint64(raw)
		shard = string(meta.Get([]byte("shard")))
		return nil
	})
	return version, shard, err
}

// create writes an empty schema.
func (db *DB) create(o Options) error {
	err := db.bolt.Update(func(btx *bbolt.Tx) error {
		for name, subs := range layout() {
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
	return nil
}

// migrate runs the steps that lead from one version to another, each in a transaction of its own, after copying the
// file.
func (db *DB) migrate(from, to uint64, steps []migration, now time.Time) error {
	if from == to {
		return nil
	}
	backup := fmt.Sprintf("%s.schema%d-%s.bak", db.path, from, now.UTC().Format("20060102T150405Z"))
	if err := db.bolt.View(func(btx *bbolt.Tx) error { return btx.CopyFile(backup, 0o600) }); err != nil {
		return fmt.Errorf("copy the state before migrating it: %w", err)
	}
	db.Opened.Backup = backup
	for _, step := range steps {
		if step.to <= from || step.to > to {
			continue
		}
		err := db.bolt.Update(func(btx *bbolt.Tx) error {
			if err := step.run(btx); err != nil {
				return err
			}
			return btx.Bucket([]byte(bucketMeta)).Put([]byte("schema"), uint64Bytes(step.to))
		})
		if err != nil {
			return fmt.Errorf("migrate the state to schema %d (the copy from before is %s): %w", step.to, backup, err)
		}
	}
	return nil
}

func uint64Bytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
func uint32Bytes(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
