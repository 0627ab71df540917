package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"rotd/internal/admin"
	"rotd/internal/awss3"
	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// stateWorld is a state, closed, with a configuration that names it.
type stateWorld struct {
	*testing.T
	folder, path, config string
}

func newStateWorld(t *testing.T) *stateWorld {
	t.Helper()
	folder := t.TempDir()
	w := &stateWorld{T: t, folder: folder, path: folder + "/rotd.db", config: folder + "/rotd.yaml"}
	text := fmt.Sprintf("state: {path: %s}\nadmin: {socket: %s/none}\nintake:\n  queues:\n"+
		"    - {url: https://sqs.us-east-1.amazonaws.com/111122223333/rotd}\n", w.path, folder)
	if err := os.WriteFile(w.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	db := w.open()
	w.add(db, "fnd_1")
	w.close(db)
	return w
}

func (w *stateWorld) open() *state.DB {
	w.Helper()
	db, err := state.Open(state.Options{Path: w.path, Shard: "default", Now: noon})
	if err != nil {
		w.Fatal(err)
	}
	return db
}

func (w *stateWorld) add(db *state.DB, id string) {
	w.Helper()
	if err := db.Update(func(tx *state.Tx) error {
		return tx.PutFinding(&finding.Finding{ID: id, Fingerprint: "v1:" + id, Status: finding.Open})
	}); err != nil {
		w.Fatal(err)
	}
}

func (w *stateWorld) close(db *state.DB) {
	w.Helper()
	if err := db.Close(); err != nil {
		w.Fatal(err)
	}
}

// has reports whether the state holds a finding.
func (w *stateWorld) has(id string) (there bool) {
	w.Helper()
	db := w.open()
	defer w.close(db)
	if err := db.View(func(tx *state.Tx) error {
		f, err := tx.Finding(id)
		there = f != nil
		return err
	}); err != nil {
		w.Fatal(err)
	}
	return there
}

// run runs a command without a daemon.
func (w *stateWorld) run(want admin.ExitStatus, args ...string) (out, failed string) {
	w.Helper()
	s := newSession(map[string]string{"ROTD_CONFIG": w.config})
	s.cli.now = time.Now
	if got := s.run(w.T, args...); got != want {
		w.Errorf("%v: exit status %d, want %d: %s", args, got, want, s.err.String())
	}
	return s.out.String(), s.err.String()
}

// backUp copies the state through a daemon that has it open.
func (w *stateWorld) backUp(want admin.ExitStatus, args ...string) (out, failed string) {
	w.Helper()
	d := newFakeDaemon()
	d.db = w.open()
	defer w.close(d.db)
	s := newSession(map[string]string{"ROTD_SOCKET": serve(w.T, d)})
	if got := s.run(w.T, append([]string{"state", "backup"}, args...)...); got != want {
		w.Errorf("%v: exit status %d, want %d: %s", args, got, want, s.err.String())
	}
	return s.out.String(), s.err.String()
}

func says(t *testing.T, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("%q does not say %q", text, want)
	}
}

func TestAFileIsBackedUpCheckedAndRestored(t *testing.T) {
	w := newStateWorld(t)
	file := filepath.Join(w.folder, "copy.db")
	out, _ := w.backUp(admin.ExitDone, file)
	if !strings.Contains(out, "1 finding") || !strings.Contains(out, "SHA-256") {
		t.Errorf("backup says %s", out)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	if _, failed := w.backUp(admin.ExitUsage, file); !strings.Contains(failed, "is there already; --force overwrites it") {
		t.Errorf("again: %s", failed)
	}
	w.backUp(admin.ExitDone, file, "--force")

	if out, _ := w.run(admin.ExitDone, "state", "check", file); !strings.Contains(out, "copy.db is in order.") {
		t.Errorf("check says %s", out)
	}
	db := w.open()
	w.add(db, "fnd_2")
	w.close(db)
	_, failed := w.run(admin.ExitRefused, "state", "restore", file)
	if !strings.Contains(failed, "With --force it is set aside") || !w.has("fnd_2") {
		t.Errorf("over a newer state: %s", failed)
	}
	out, _ = w.run(admin.ExitDone, "state", "restore", file, "--force")
	says(t, out, "set aside")
	says(t, out, "`rotd resume`")
	if w.has("fnd_2") || !w.has("fnd_1") {
		t.Error("the state is not the copy's")
	}
	entries, err := os.ReadDir(w.folder)
	if err != nil || len(entries) != 4 { // rotd.yaml, rotd.db, what it replaced, copy.db
		t.Errorf("%v, %v", entries, err)
	}
}

func TestAStateInUseIsLeftToItsDaemon(t *testing.T) {
	w := newStateWorld(t)
	file := filepath.Join(w.folder, "copy.db")
	w.backUp(admin.ExitDone, file)
	db := w.open()
	defer w.close(db)
	_, failed := w.run(admin.ExitFailed, "state", "check", w.path)
	if !strings.Contains(failed, "is in use by a daemon, which checks it itself: rotd state check") {
		t.Errorf("check: %s", failed)
	}
	for _, args := range [][]string{
		{"restore", file, "--force"}, {"restore", w.path, "--to", file, "--force"}, {"compact"},
	} {
		_, failed := w.run(admin.ExitFailed, append([]string{"state"}, args...)...)
		says(t, failed, "is in use by")
	}
}

func TestAStateIsCompactedWhereNoDaemonRuns(t *testing.T) {
	w := newStateWorld(t)
	if err := os.Truncate(w.path, 8<<20); err != nil {
		t.Fatal(err)
	}
	out, _ := w.run(admin.ExitDone, "state", "compact")
	info, err := os.Stat(w.path)
	if err != nil || info.Size() > 1<<20 || !strings.Contains(out, "before it was 8.0 MiB") || !w.has("fnd_1") {
		t.Errorf("%d bytes, %v: %s", info.Size(), err, out)
	}
	_, failed := w.run(admin.ExitRefused, "state", "compact")
	if !strings.Contains(failed, "is kept as it is: the file would not have become smaller") {
		t.Errorf("again: %s", failed)
	}
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	w.run(admin.ExitFailed, "state", "compact")
	if _, err := os.Stat(w.path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a new state was begun")
	}
}

func TestWhatCannotBeWrittenLeavesNothing(t *testing.T) {
	w := newStateWorld(t)
	_, failed := w.backUp(admin.ExitFailed, filepath.Join(w.folder, "none", "copy.db"))
	says(t, failed, "no such file or directory")
	if err := os.WriteFile(filepath.Join(w.folder, "bad.db"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, failed = w.run(admin.ExitFailed, "state", "restore", filepath.Join(w.folder, "bad.db"))
	says(t, failed, "cannot be restored")
	_, failed = w.run(admin.ExitFailed, "state", "check", filepath.Join(w.folder, "bad.db"))
	says(t, failed, "damaged: neither of its first two pages describes a state")
	says(t, failed, "rotd state rebuild "+filepath.Join(w.folder, "bad.db"))
	if !w.has("fnd_1") {
		t.Error("the state is another")
	}
}

// spoil adds findings until they need pages of their own, and zeroes one of those pages.
func (w *stateWorld) spoil() {
	w.Helper()
	db := w.open()
	for i := range 100 {
		w.add(db, fmt.Sprintf("fnd_spoilt_%03d", i))
	}
	w.close(db)
	content, err := os.ReadFile(w.path)
	if err != nil {
		w.Fatal(err)
	}
	for page := 2; page < len(content)/4096; page++ {
		harmed := bytes.Clone(content)
		if clear(harmed[page*4096:][:4096]); !bytes.Contains(content[page*4096:][:4096], []byte(`"id":"fnd_spoilt_050"`)) {
			continue
		}
		if err := os.WriteFile(w.path, harmed, 0o600); err != nil {
			w.Fatal(err)
		}
		if _, err := state.Inspect(w.path); err != nil {
			return
		}
	}
	w.Fatal("no page has the finding")
}

func TestADamagedStateIsRebuiltWhereNoDaemonRuns(t *testing.T) {
	w := newStateWorld(t)
	_, failed := w.run(admin.ExitRefused, "state", "rebuild")
	says(t, failed, "is in order: there is nothing to rebuild")

	db := w.open()
	_, failed = w.run(admin.ExitFailed, "state", "rebuild")
	says(t, failed, "is in use by")
	w.close(db)

	w.spoil()
	out, _ := w.run(admin.ExitDone, "state", "rebuild")
	for _, want := range []string{"is rebuilt from what could be read of", "set aside", "LOST", "`rotd resume`"} {
		says(t, out, want)
	}
	if kept, err := filepath.Glob(w.path + ".damaged-*"); err != nil || len(kept) != 1 {
		t.Errorf("kept: %v, %v", kept, err)
	}
	if w.has("fnd_spoilt_050") || !w.has("fnd_spoilt_000") || !w.has("fnd_spoilt_099") {
		t.Error("saved is not all but the page that was damaged")
	}

	// The daemon sets a damaged state aside and begins a new one: from then on that is in order, and newer.
	w.spoil()
	db = w.open()
	w.add(db, "fnd_new")
	w.close(db)
	_, failed = w.run(admin.ExitRefused, "state", "rebuild")
	aside, err := filepath.Glob(w.path + ".damaged-*")
	if err != nil || len(aside) != 2 {
		t.Fatalf("set aside: %v, %v", aside, err)
	}
	says(t, failed, "rotd state rebuild "+aside[1])
	_, failed = w.run(admin.ExitRefused, "state", "rebuild", aside[1])
	says(t, failed, "With --force it is set aside")
	out, _ = w.run(admin.ExitDone, "state", "rebuild", aside[1], "--force", "-o", "jsonl")
	says(t, out, `{"type":"rebuilding","bytes":`)
	says(t, out, `{"bucket":"findings","saved":`)

	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	_, failed = w.run(admin.ExitFailed, "state", "rebuild")
	says(t, failed, "of a state that is gone nothing can be rebuilt; restore a copy, or start the daemon")
}

// bucket is S3 with an empty bucket, found by the SDK's own means.
func (w *stateWorld) bucket() (*awssim.Sim, *awss3.Client) {
	w.Helper()
	sim := awssim.New(awssim.Options{Seed: 1})
	if err := sim.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		if err := sim.Close(); err != nil {
			w.Error(err)
		}
	})
	sim.CreateBucket("eu-west-1", "111122223333", "backups")
	user := sim.NewAccessKey("111122223333", "operator")
	w.Setenv("AWS_ENDPOINT_URL", sim.URL())
	w.Setenv("AWS_ACCESS_KEY_ID", user.AccessKeyID)
	w.Setenv("AWS_SECRET_ACCESS_KEY", user.SecretAccessKey)
	w.Setenv("AWS_REGION", "eu-west-1")
	w.Setenv("AWS_CONFIG_FILE", "/dev/null")
	w.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
	cfg := sim.As(user, "eu-west-1")
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return sim, awss3.New(cfg)
}

// put stores a copy of the state as it is, as the daemon does.
func (w *stateWorld) put(store *awss3.Client, key, sha string) {
	w.Helper()
	db := w.open()
	defer w.close(db)
	c, err := db.Copy(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	defer c.Close()
	if sha == "" {
		sha = c.SHA256
	}
	if err := store.Put(w.Context(), awss3.Location{Bucket: "backups", Key: key}, awss3.Upload{
		Body: c, Size: c.Bytes, SHA256: c.SHA256, Metadata: map[string]string{admin.MetadataSHA256: sha},
	}); err != nil {
		w.Fatal(err)
	}
}

func TestTheNewestCopyInS3IsRestored(t *testing.T) {
	w := newStateWorld(t)
	sim, store := w.bucket()
	w.put(store, "rotd/default-20261101T000000Z.db", "")
	db := w.open()
	w.add(db, "fnd_2")
	w.close(db)
	w.put(store, "rotd/default-20261102T000000Z.db", "")
	for _, name := range []string{"other-20261103T000000Z.db", "default-zzz.db", "default-x/20261103T000000Z.db"} {
		if err := sim.PutObject("backups", "rotd/"+name, []byte("another"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(w.path); err != nil {
		t.Fatal(err)
	}
	out, _ := w.run(admin.ExitDone, "state", "restore", "s3://backups/rotd/")
	if !strings.Contains(out, "s3://backups/rotd/default-20261102T000000Z.db is restored") || !w.has("fnd_2") {
		t.Errorf("restore says %s", out)
	}
	older := "s3://backups/rotd/default-20261101T000000Z.db"
	out, _ = w.run(admin.ExitDone, "state", "restore", older, "--force", "-o", "jsonl")
	if !strings.Contains(out, `{"type":"restoration","bytes":`) || w.has("fnd_2") {
		t.Errorf("restore says %s", out)
	}
}

func TestACopyInS3ThatIsNotTheOneIsRefused(t *testing.T) {
	w := newStateWorld(t)
	_, store := w.bucket()
	w.put(store, "changed.db", strings.Repeat("0", 64))
	w.put(store, "good.db", "")
	const another = "it is not the copy that was made"
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"s3://backups/changed.db", "--force"}, another},
		{[]string{"s3://backups/good.db", "--force", "--sha256", strings.Repeat("1", 64)}, another},
		{[]string{"s3://backups/none.db"}, "NoSuchKey"},
		{[]string{"s3://nowhere/none.db"}, "there is no bucket nowhere"},
		{[]string{"s3://backups/"}, `there is no copy of shard "default" in s3://backups/`},
		{[]string{"s3://backups/rotd/", "--to", w.path}, `there is no copy of shard "default" in s3://backups/rotd/`},
	} {
		_, failed := w.run(admin.ExitFailed, append([]string{"state", "restore"}, test.args...)...)
		if !strings.Contains(failed, test.want) {
			t.Errorf("%v: %s", test.args, failed)
		}
	}
	if !w.has("fnd_1") {
		t.Error("the state is another")
	}
}
