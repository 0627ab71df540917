package engine

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"rotd/internal/finding"
	"rotd/internal/remediation"
	"rotd/internal/state"
)

// restore stops the run, puts a copy of its state back and runs again.
func (w *world) restore() {
	w.Helper()
	c, err := w.db.Copy(w.Context())
	w.check(err)
	defer c.Close()
	w.stop()
	_, err = state.Restore(state.Restoring{
		From: c, Name: "s3://backups/a.db", Size: c.Bytes, SHA256: c.SHA256, Path: w.path, Shard: "default",
		Now: time.Now(), Force: true,
	})
	w.check(err)
	w.build()
	w.check(w.engine.NoteRestored())
	w.stopBuilt()
	w.start()
}

// stopBuilt closes a run that was built and not started.
func (w *world) stopBuilt() {
	w.run.http.GetTransport().CloseIdleConnections()
	w.check(w.db.Close())
}

func TestARestoredStateActsOnlyAfterAnInventoryAndAPersonsWord(t *testing.T) {
	w := newWorld(t)
	w.payments()
	if armed, err := w.engine.Armed(); !armed || err != nil {
		t.Fatalf("armed before: %t, %v", armed, err)
	}
	w.restore()
	w.awaitTold("state-recovered", notifyOpened)
	if f := w.found("state-recovered"); f.Title != "The state was restored from a copy" ||
		!strings.Contains(f.Description, "s3://backups/a.db") {
		t.Errorf("told: %s %s", f.Title, f.Description)
	}
	for _, step := range []struct {
		what string
		do   func()
		want bool
	}{
		{"restored", func() {}, false},
		{"a person's word", func() { w.check(w.engine.Resume("ada", "")) }, false},
		{"and an inventory since", func() { w.sweep(Inventory) }, true},
	} {
		step.do()
		if armed, err := w.engine.Armed(); armed != step.want || err != nil {
			t.Errorf("%s: armed %t, %v", step.what, armed, err)
		}
	}
	w.awaitFound("state-recovered", finding.Resolved)
	w.check(w.engine.NoteRestored())
	if f := w.found("state-recovered"); f.Status != finding.Resolved {
		t.Error("it is told a second time")
	}
}

func TestWhatPeopleAskedForBeforeTheCopyIsNotDoneAfterIt(t *testing.T) {
	w := newWorld(t)
	arn := w.payments()
	waits := remediation.Action{
		ID: "act_01JPK00000000000000000AAAA", Verb: remediation.Rotate, Method: remediation.NewMaterial,
		State: remediation.Planned, KeyARN: arn, Account: account, Region: region, Requester: "uid:1000 (ann)",
		Reason: "leaked", Created: time.Now(), NotBefore: time.Now().Add(time.Hour),
	}
	w.update(func(tx *state.Tx) error { return tx.PutAction(&waits) })
	w.restore()
	a := w.awaitAction(remediation.Cancelled)
	if a.ID != waits.ID || !strings.Contains(a.Outcome, "ask again if it is still wanted") || w.issued() != 0 {
		t.Errorf("%+v, %d calls", a, w.issued())
	}
	w.awaitTold(waits.ID)
}

// rebuild stops the run, damages a page of its state, rebuilds that and runs again.
func (w *world) rebuild() *state.Rebuilt {
	w.Helper()
	w.stop()
	content, err := os.ReadFile(w.path)
	w.check(err)
	damaged, done := bytes.Clone(content), (*state.Rebuilt)(nil)
	for page := 2; done == nil || len(done.Restored.Restored.Lost) == 0; page++ { // free ones say nothing
		copy(damaged, content)
		clear(damaged[page*4096:][:4096])
		w.check(os.WriteFile(w.path, damaged, 0o600))
		done, err = state.Rebuild(w.path, state.Restoring{Path: w.path, Shard: "default", Now: time.Now()})
		if _, inOrder := errors.AsType[*state.InOrderError](err); !inOrder {
			w.check(err)
		}
	}
	w.build()
	w.check(w.engine.NoteRestored())
	w.stopBuilt()
	w.start()
	return done
}

func TestARebuiltStateTellsWhatIsLostAndActsOnlyAfterAPersonsWord(t *testing.T) {
	w := newWorld(t)
	w.payments()
	done := w.rebuild()
	w.awaitTold("state-recovered", notifyOpened)
	f := w.found("state-recovered")
	if f.Title != "The state was rebuilt from a damaged one" ||
		!strings.Contains(f.Description, strings.Join(done.Restored.Restored.Lost, "; ")) {
		t.Errorf("told: %s %s", f.Title, f.Description)
	}
	if armed, err := w.engine.Armed(); armed || err != nil {
		t.Errorf("armed %t, %v", armed, err)
	}
	w.check(w.engine.Resume("ada", ""))
	w.sweep(Inventory)
	if armed, err := w.engine.Armed(); !armed || err != nil {
		t.Errorf("after an inventory and a person's word: armed %t, %v", armed, err)
	}
}
