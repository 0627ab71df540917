package engine

import (
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/state"
)

func TestAChangeInAPlaceFromWhichNothingComes(t *testing.T) {
	const (
		missed = "sweep-found-what-events-missed LOW"
		silent = "intake-silent HIGH"
	)
	tests := []struct {
		name      string
		heartbeat time.Duration
		heard     bool // before the change
		after     time.Duration
		want      string
		says      string
	}{
		{"an event may still come", time.Hour, true, 100 * time.Minute, "", ""},
		{"events came before", time.Hour, true, 3 * time.Hour, silent, "Nothing at all has come from there since "},
		{"no event ever came", time.Hour, false, 3 * time.Hour, silent, "No event has ever come from there."},
		{"so long a silence is allowed", 4 * time.Hour, true, 3 * time.Hour, missed, "has come from there since "},
		{"any silence is allowed", 0, true, 3 * time.Hour, missed, "Nothing at all has come from there since "},
		{"none is expected and none ever came", 0, false, 3 * time.Hour, missed, "No event has ever come from there."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(w *world) { w.silent, w.settings.Heartbeat = true, tt.heartbeat })
			arn := w.key(awssim.KeyOptions{RotationPeriod: 365, Aliases: []string{"alias/lonely"}})
			w.sweep(Inventory)
			if tt.heard {
				w.settle(newRecord("Decrypt", arn, w.engineer, time.Now().Add(-time.Minute)).bridged())
			}
			w.disableRotation(w.engineer, arn)
			w.sweep(Drift)
			w.stop() // what was heard, and what waits, survives
			w.start()
			w.missedAfter(tt.after)
			var got, text string
			for _, f := range w.findings() {
				if f.Subject.ID == account+"/"+region {
					got += f.RuleID + " " + f.Severity.String()
					text = f.Description
				}
			}
			if got != tt.want || !strings.Contains(text, tt.says) ||
				got != "" && !strings.Contains(text, "alias/lonely (rotation turned off)") {
				t.Errorf("got %q, want %q: %s", got, tt.want, text)
			}
		})
	}
}

func TestAPlacesSilenceEndsWhenAnEventComesFromThere(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Heartbeat = time.Hour })
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.disableRotation(w.engineer, arn)
	w.sweep(Drift)
	w.missedAfter(3 * time.Hour)
	w.awaitTold("intake-silent", notifyOpened)
	elsewhere := newRecord("Decrypt", arn, w.engineer, time.Now())
	elsewhere["awsRegion"] = "us-west-2"
	w.settle(elsewhere.bridged())
	w.check(w.engine.noteSilence(time.Now().UTC()))
	if f := w.found("intake-silent"); f.Status != finding.Open {
		t.Errorf("an event from elsewhere ended it: %+v", f)
	}
	w.settle(newRecord("Decrypt", arn, w.engineer, time.Now()).bridged())
	w.check(w.engine.noteSilence(time.Now().UTC()))
	w.awaitFound("intake-silent", finding.Resolved)
	w.awaitTold("intake-silent", notifyResolved)
}

func TestASilenceOfAllIsNotToldOfEachPlace(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Heartbeat = time.Hour })
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.disableRotation(w.engineer, arn)
	w.sweep(Drift)
	later := time.Now().UTC().Add(3 * time.Hour)
	w.check(w.engine.noteSilence(later))
	w.check(w.engine.settleUntold(later))
	for _, f := range w.findings() {
		if f.Subject.ID == account+"/"+region {
			t.Errorf("got %+v", f)
		}
	}
	if n := w.counter("rotd_changes_untold_total"); n != 1 {
		t.Errorf("counted %d", n)
	}
}

func TestAfterAStartABacklogIsHeardFirst(t *testing.T) {
	w := newWorld(t, silent)
	now := time.Now().UTC()
	w.unheard(1, now.Add(-5*time.Hour), region)
	if f := w.missedAfter(20 * time.Minute); f != nil {
		t.Errorf("20 minutes after the start: %+v", f)
	}
	if f := w.missedAfter(31 * time.Minute); f == nil {
		t.Error("not told after half an hour")
	}
}

func TestWithoutAQueueNoEventIsMissed(t *testing.T) {
	w := newWorld(t, silent)
	w.stop()
	w.build()
	w.engine.queues = nil
	w.unheard(1, time.Now().UTC(), region)
	if f := w.missedAfter(3 * time.Hour); f != nil {
		t.Errorf("got %+v", f)
	}
	w.view(func(tx *state.Tx) error {
		if waiting, _ := tx.UntoldUntil("", time.Now(), 10); len(waiting) != 0 {
			t.Errorf("still waiting: %+v", waiting)
		}
		return nil
	})
	w.stopBuilt()
	w.start()
}

func TestWhenAPlaceWasHeardIsKept(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	heard := func() state.Coverage {
		c, err := w.engine.coverage(&w.engine.Places()[0])
		w.check(err)
		return c
	}
	from := func(at time.Time) {
		w.settle(newRecord("Decrypt", arn, w.engineer, at).bridged())
	}
	began := time.Now().UTC().Truncate(time.Second)
	from(began.Add(-10 * time.Minute))
	first := heard()
	if first.Heard.Before(began) || !first.LastEvent.Equal(began.Add(-10*time.Minute)) {
		t.Errorf("heard at %s of %s", first.Heard, first.LastEvent)
	}
	from(began.Add(-8 * time.Minute)) // too little later to be worth a write
	from(began.Add(-20 * time.Minute))
	if c := heard(); c != first {
		t.Errorf("got %+v, want %+v", c, first)
	}
	from(began.Add(30 * time.Minute)) // from a clock that is fast, or a liar's
	if c := heard(); c.LastEvent.After(time.Now()) || !c.LastEvent.After(first.LastEvent) {
		t.Errorf("heard of %s", c.LastEvent)
	}
}
