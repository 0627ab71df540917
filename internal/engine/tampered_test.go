package engine

import (
	"os"
	"path/filepath"
	"testing"

	"rotd/internal/finding"
	"rotd/internal/state"
)

func TestHandsOnTheStateFileAreToldUntilItIsBack(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.check(w.engine.Heartbeat(w.Context()))
	if f := w.found("state-tampered"); f != nil {
		t.Fatalf("nobody touched it: %+v", f)
	}
	w.check(os.Rename(w.path, w.path+".mine"))
	w.check(w.engine.Heartbeat(w.Context()))
	if f := w.awaitFound("state-tampered", finding.Open); f.Severity != finding.Critical {
		t.Errorf("got %+v", f)
	}
	w.awaitTold("state-tampered", notifyOpened, "it was deleted, or moved away")
	c, err := w.db.Copy(w.Context()) // the remedy: what rotd knows is all there
	w.check(err)
	defer c.Close()
	saved := filepath.Join(t.TempDir(), "saved.db")
	_, err = state.Restore(state.Restoring{
		From: c, Name: "saved", Size: c.Bytes, SHA256: c.SHA256, Path: saved, Shard: "default",
	})
	w.check(err)
	db, err := state.Open(state.Options{Path: saved, Shard: "default"})
	w.check(err)
	w.check(db.View(func(tx *state.Tx) error {
		if !tx.Knows(arn) {
			t.Error("the copy does not know the key")
		}
		return nil
	}))
	w.check(db.Close())
	w.check(os.Rename(w.path+".mine", w.path))
	w.check(w.engine.Heartbeat(w.Context()))
	w.awaitTold("state-tampered", notifyResolved)
}
