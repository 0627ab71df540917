package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rotd/internal/admin"
	"rotd/internal/state"
)

func TestReplayTeachesAState(t *testing.T) {
	const trail = "../../testdata/trail"
	w := newStateWorld(t)
	fresh := filepath.Join(w.folder, "new.db")
	for _, test := range []struct {
		name   string
		hour   int // of the archive's day
		args   []string
		status admin.ExitStatus
	}{
		{"replay-learn", 13, []string{"--learn", w.path, trail}, admin.ExitDone},
		{"replay-learn-again", 13, []string{"--learn", w.path, trail}, admin.ExitDone},
		{
			"replay-learn-new", 13,
			[]string{"-o", "jsonl", "-c", w.config, "--learn", fresh, "--until", "2026-11-17T12:00:00Z", trail},
			admin.ExitDone,
		},
		{
			"replay-learn-future", 10,
			[]string{"--learn", filepath.Join(w.folder, "early.db"), "-c", w.config, trail},
			admin.ExitDone,
		},
		{"replay-learn-whose", 13, []string{"--learn", filepath.Join(w.folder, "none.db"), trail}, admin.ExitUsage},
		{"replay-learn-malformed", 13, []string{"--learn", w.path, trail + "-malformed"}, admin.ExitUnfinished},
		{"replay-learn-missing", 13, []string{"--learn", w.path, trail, "no/such/folder"}, admin.ExitUnfinished},
		{"replay-learn-against", 13, []string{"--learn", w.path, "--against", w.config, trail}, admin.ExitUsage},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSession(nil)
			s.cli.now = func() time.Time { return time.Date(2026, 11, 17, test.hour, 0, 0, 0, time.UTC) }
			if got := s.run(t, append([]string{"replay"}, test.args...)...); got != test.status {
				t.Errorf("exit status %d, want %d", got, test.status)
			}
			golden(t, test.name, strings.ReplaceAll(s.out.String()+s.err.String(), w.folder, "/var/lib/rotd"))
		})
	}
	if _, err := os.Stat(filepath.Join(w.folder, "none.db")); err == nil {
		t.Error("a state was begun that nobody knows the shard of")
	}
	db := w.open()
	defer w.close(db)
	if err := db.View(func(tx *state.Tx) error {
		if n := tx.AuditHead().Seq; n != 4 { // the epoch's first, and each time that something was to be taught
			t.Errorf("%d entries in the audit log", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	s := newSession(nil)
	if got := s.run(t, "replay", "--learn", w.path, trail); got != admin.ExitFailed ||
		!strings.Contains(s.err.String(), "is in use by") {
		t.Errorf("a state that a daemon holds: exit status %d, %q", got, s.err.String())
	}
}
