package engine

import (
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/impact"
	"rotd/internal/state"
)

// assess is what is known of a key now.
func (w *world) assess(arn string) (a *impact.Assessment) {
	w.Helper()
	w.view(func(tx *state.Tx) error {
		k, err := tx.Key(arn)
		w.check(err)
		f, err := w.engine.ImpactFacts(tx, k, time.Now())
		w.check(err)
		a = impact.Assess(f)
		return nil
	})
	return a
}

func TestAnAssessmentKnowsWhyCallsMayBeMissing(t *testing.T) {
	w := newWorld(t, silent, func(w *world) { w.settings.Protected = []string{"alias/a"} })
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/a"}})
	w.sweep(Inventory)
	trail := "arn:aws:cloudtrail:" + region + ":" + account + ":trail/all"
	w.send(newRecord("StopLogging", "", w.engineer, time.Now()).with("eventSource", "cloudtrail.amazonaws.com").
		with("requestParameters", map[string]any{"name": trail}).bridged())
	w.drained()
	f := w.awaitFound("trail-blinded", finding.Open)
	a := w.assess(arn)
	if want := "rotd may not hear of calls: A trail was stopped (" + f.ID + ")."; a.Unknowns[0] != want {
		t.Errorf("unknown: %q, want %q first", a.Unknowns, want)
	}
	if !a.Protected || a.KeyARN != arn || a.Alias != "alias/a" {
		t.Errorf("assessed: %+v", a)
	}
}
