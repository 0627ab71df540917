package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rotd/internal/audit"
	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/replay"
	"rotd/internal/state"
)

// teach teaches the world's state, which no run has opened yet, what records say.
func (w *world) teach(records ...record) {
	w.Helper()
	lines := make([]string, len(records))
	for i, r := range records {
		lines[i] = r.json()
	}
	archive := filepath.Join(w.TempDir(), "export.jsonl")
	w.check(os.WriteFile(archive, []byte(strings.Join(lines, "\n")), 0o600))
	db, err := state.Open(state.Options{Path: w.path, Shard: "default", Now: time.Now()})
	w.check(err)
	lessons, err := replay.ReadLessons(w.Context(), replay.Options{Paths: []string{archive}, Judge: w.settings.Judge})
	w.check(err)
	taught, err := lessons.Teach(w.Context(), db, audit.Entry{
		Time: time.Now().UTC(), Actor: "uid:0 (root)", Event: audit.ArchiveTaught,
	})
	w.check(err)
	if taught.Learnt != len(records) {
		w.Errorf("taught %+v, want all of %d calls", taught, len(records))
	}
	w.check(lessons.Close())
	w.check(db.Close())
}

func TestWhatAnArchiveTaughtIsUsualFromTheFirstEventOn(t *testing.T) {
	for _, test := range []struct {
		name  string
		since time.Duration // of the archive
		found bool
	}{
		{"an archive of three weeks", 21 * day, true},
		{"an archive that is shorter than the learning time", 10 * day, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var arn string
			w := newWorld(t, silent, func(w *world) {
				arn = w.key(awssim.KeyOptions{Aliases: []string{"alias/pay-cards"}, RotationPeriod: 90})
				began := time.Now().Add(-test.since)
				w.teach(w.used(arn, "pay-api", began), w.used(arn, "pay-api", began.Add(day)),
					w.used(arn, "pay-batch", began.Add(2*day)))
			})
			w.sweep(Inventory)
			w.settle(w.used(arn, "pay-api", time.Now()).bridged(), w.used(arn, "pay-batch", time.Now()).bridged())
			if f := w.found("principal-first-seen"); f != nil {
				t.Errorf("who used the key in the archive is called new: %+v", f)
			}
			w.settle(w.used(arn, "thief", time.Now()).bridged())
			if !test.found {
				if f := w.found("principal-first-seen"); f != nil {
					t.Errorf("found while learning: %+v", f)
				}
				return
			}
			f := w.awaitFound("principal-first-seen", finding.Open)
			if f.PrincipalARN != "arn:aws:iam::"+account+":role/thief" {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestWhatTaughtIsStillJudgedWhenItArrives(t *testing.T) {
	again := record(nil)
	w := newWorld(t, silent, func(w *world) {
		again = w.aRecord("ScheduleKeyDeletion", w.key(awssim.KeyOptions{}))
		w.teach(again)
	})
	w.sweep(Inventory)
	w.settle(again.bridged())
	w.awaitFound("key-deletion-scheduled", finding.Open)
}
