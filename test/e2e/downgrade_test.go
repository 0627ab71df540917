package e2e

import (
	"context"
	"encoding/binary"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"rotd/test/crash/world"
)

// TestAnOlderRotdRefusesANewerStateAndItsWayBackWorks starts rotd on a state that a newer one has migrated, and does
// what it says.
func TestAnOlderRotdRefusesANewerStateAndItsWayBackWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, world.Options{}, "cards")
	d := ready(t, w)
	untilTold(t, w, "digest")
	if err := d.Stop(20 * time.Second); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(w.StatePath)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{"20261101T000000Z", "20261102T000000Z"} { // as migrations name them
		if err := os.WriteFile(w.StatePath+".schema1-"+at+".bak", content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	migrated(t, w.StatePath, 99)

	d = run(t, w)
	status, err := d.ExitStatus(20 * time.Second)
	if err != nil || status != 1 {
		t.Errorf("exit status %d, %v, want 1", status, err)
	}
	way := regexp.MustCompile(`rotd (state restore \S+ --force)`).FindStringSubmatch(d.Log.String())
	if way == nil || !strings.Contains(way[1], w.StatePath+".schema1-20261102T000000Z.bak") {
		t.Fatalf("the way back is not told: %s", d.Log.String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args := append(strings.Fields(way[1]), "--config", w.Config)
	if status, said, err := w.Says(ctx, w.App, args...); err != nil || status != 0 {
		t.Fatalf("%v ends with %d, %v: %s", args, status, err, said)
	}
	d = ready(t, w)
	untilTold(t, w, "finding-opened state-recovered")
	if s, err := w.Client.Status(ctx); err != nil || s.Armed {
		t.Errorf("the restored state: %+v, %v", s, err)
	}
	if err := d.Stop(20 * time.Second); err != nil {
		t.Error(err)
	}
}

// migrated makes a state one of a newer schema.
func migrated(t *testing.T, path string, schema uint64) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("schema"), binary.BigEndian.AppendUint64(nil, schema))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
