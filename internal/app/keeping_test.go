package app

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"rotd/internal/admin"
	"rotd/internal/awss3"
	"rotd/internal/awssim"
	"rotd/internal/state"
)

const (
	testAccount = "111122223333"
	testRegion  = "eu-west-1"
)

// keeper is a daemon that does nothing but keep its state, and its S3.
func keeper(t *testing.T, allow ...string) (*backend, *awss3.Client) {
	t.Helper()
	sim := awssim.New(awssim.Options{Seed: 1})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	sim.CreateBucket(testRegion, testAccount, "backups")
	db, err := state.Open(state.Options{Path: filepath.Join(t.TempDir(), "rotd.db"), Shard: "default", Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	err = db.Update(func(tx *state.Tx) error { return tx.PutPlace(state.Coverage{Account: testAccount}) })
	if err != nil {
		t.Fatal(err)
	}
	role := sim.NewAccessKey(testAccount, "rotd", allow...)
	d := &daemonProcess{db: db, log: zaptest.NewLogger(t), store: awss3.New(sim.As(role, testRegion))}
	d.up.Store(true)
	return &backend{d: d}, awss3.New(sim.As(sim.NewAccessKey(testAccount, "operator"), testRegion))
}

func TestAStateIsBackedUpToS3(t *testing.T) {
	b, store := keeper(t)
	done, err := b.BackUp(t.Context(), admin.BackupRequest{To: "s3://backups/rotd/", KMSKey: "alias/backups"})
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(done.To, "s3://backups/rotd/")
	if !state.IsCopyName(name, "default") || done.Shard != "default" || done.Commits.Count != 2 {
		t.Errorf("%+v", done)
	}
	object, err := store.Get(t.Context(), awss3.Location{Bucket: "backups", Key: "rotd/" + name})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	raw, err := io.ReadAll(object.Body)
	if err != nil || object.Metadata[admin.MetadataSHA256] != done.SHA256 || int64(len(raw)) != done.Bytes {
		t.Errorf("%d bytes, metadata %v, %v", len(raw), object.Metadata, err)
	}
	_, err = state.Restore(state.Restoring{
		From: bytes.NewReader(raw), Name: done.To, Size: done.Bytes, SHA256: done.SHA256, Shard: "default", Now: time.Now(),
		Path: filepath.Join(t.TempDir(), "rotd.db"),
	})
	if err != nil {
		t.Error(err)
	}
}

func TestABackupThatCannotBeMadeSaysWhy(t *testing.T) {
	for name, test := range map[string]struct {
		allow   []string
		to      string
		before  string // is there already
		meaning error
		want    string
	}{
		"no bucket's name": {to: "s3://b", meaning: admin.ErrInvalid, want: `to: "s3://b": not a bucket's name`},
		"no such bucket":   {to: "s3://nowhere/a.db", want: "there is no bucket nowhere"},
		"not allowed": {
			allow: []string{"sqs:ReceiveMessage"}, to: "s3://backups/a.db",
			want: "the role needs s3:PutObject on backups/a.db",
		},
		"something is there": {
			before: "s3://backups/a.db", to: "s3://backups/a.db", meaning: admin.ErrInvalid,
			want: "s3://backups/a.db is there already; --force overwrites it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := keeper(t, test.allow...)
			if test.before != "" {
				if _, err := b.BackUp(t.Context(), admin.BackupRequest{To: test.before}); err != nil {
					t.Fatal(err)
				}
			}
			_, err := b.BackUp(t.Context(), admin.BackupRequest{To: test.to})
			if err == nil || !strings.Contains(err.Error(), test.want) || test.meaning != nil && !errors.Is(err, test.meaning) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAStateIsCheckedAndAskedToBeCompacted(t *testing.T) {
	b, _ := keeper(t)
	check, err := b.CheckState(t.Context())
	if err != nil || check.Path != b.d.db.Path() || check.Shard != "default" || len(check.Unreadable) > 0 {
		t.Errorf("%+v, %v", check, err)
	}
	usage, err := b.CompactState(t.Context(), "uid:0 (root)")
	if err != nil || usage.Bytes != b.d.db.Size() {
		t.Errorf("%+v, %v", usage, err)
	}
}
