package engine

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/state"
)

// age makes a finding look as old as it will be.
func (w *world) age(ruleID string, change func(*finding.Finding)) {
	w.Helper()
	f := w.found(ruleID)
	change(f)
	w.update(func(tx *state.Tx) error { return tx.PutFinding(f) })
}

func TestRepetitionCountsAndDoesNotPage(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	for range 5 {
		w.send(w.aRecord("DisableKey", arn).bridged())
	}
	w.drained()
	w.awaitTold("key-disabled", "finding-opened")
	w.send(w.aRecord("DisableKey", arn).bridged())
	w.drained()
	if f := w.found("key-disabled"); f.Count != 6 || f.Episode != 1 {
		t.Errorf("got %+v", f)
	}
	w.idleOutbox()
	if got := w.told("key-disabled"); len(got) != 1 {
		t.Errorf("told %d times", len(got))
	}
}

func TestARaisedSeverityPages(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.send(w.aRecord("RotateKeyOnDemand", arn).bridged())
	w.awaitTold("rotation-unplanned", "finding-opened", "MEDIUM")
	w.send(w.aRecord("RotateKeyOnDemand", arn).bridged(), w.aRecord("RotateKeyOnDemand", arn).bridged())
	w.awaitTold("rotation-unplanned", "finding-raised", "HIGH")
}

func TestTheInverseEventAndOneReadingEndAnEpisodeAndTheNextOnePages(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}, RotationPeriod: 365})
	w.sweep(Inventory)
	for range 2 {
		w.disableRotation(w.engineer, arn)
		w.awaitFound("rotation-turned-off", finding.Open)
		w.drained()
		w.sim.Clock().Advance(time.Second)
		w.enableRotation(w.engineer, arn, 365)
		w.drained()
		w.sweep(Drift) // the reading that the event asked for waits for its 5 s
		w.awaitFound("rotation-turned-off", finding.Resolved)
		w.sim.Clock().Advance(2 * time.Second)
	}
	if f := w.found("rotation-turned-off"); f.Episode != 2 {
		t.Errorf("got %+v", f)
	}
	w.await("both episodes to be told", func() bool {
		return w.items("rotation-turned-off", notifyOpened) == 2 && w.items("rotation-turned-off", notifyResolved) == 2
	})
	w.idleOutbox()
	if got := w.items("rotation-turned-off", notifyResolved); got != 2 {
		t.Errorf("%d resolutions are told of two episodes", got)
	}
}

func TestWithoutTheInverseEventTwoReadingsFiveMinutesApartEndAnEpisode(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/other"}, RotationPeriod: 365})
	w.sweep(Inventory)
	w.send(w.aRecord("DisableKeyRotation", arn).bridged()) // a word that KMS does not bear out
	w.awaitFound("rotation-turned-off", finding.Open)
	w.sim.Clock().Advance(time.Second)
	w.await("the first reading that shows the opposite", func() bool {
		w.sweep(Drift)
		return w.found("rotation-turned-off").OverSince != nil
	})
	w.sweep(Drift)
	if f := w.found("rotation-turned-off"); f.Status != finding.Open {
		t.Errorf("two readings at once ended it: %+v", f)
	}
	w.age("rotation-turned-off", func(f *finding.Finding) {
		earlier := f.OverSince.Add(-overTwice)
		f.OverSince = &earlier
	})
	w.sweep(Drift)
	if f := w.found("rotation-turned-off"); f.Status != finding.Resolved {
		t.Errorf("got %+v", f)
	}
}

func TestADayWithoutRepetitionEndsARulesEpisodeQuietly(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	yesterday := time.Now().Add(-30 * time.Hour)
	w.send(newRecord("DisableKey", arn, w.engineer, yesterday).bridged())
	w.awaitTold("key-disabled", "finding-opened")
	w.drained()
	w.check(w.engine.endQuiet(time.Now()))
	if f := w.found("key-disabled"); f.Status != finding.Open {
		t.Errorf("what arrived late was over when it arrived: %+v", f)
	}
	w.check(w.engine.endQuiet(time.Now().Add(finding.QuietAfter + time.Minute)))
	w.awaitFound("key-disabled", finding.Resolved)
	w.idleOutbox()
	if got := w.items("key-disabled", notifyResolved); got != 0 {
		t.Errorf("a quiet end is told %d times", got)
	}
	if f := w.found("message-undecodable"); f != nil {
		t.Errorf("got %+v", f)
	}
}

func TestAForgottenDailyJobIsToldOfOnce(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
	w.sweep(Inventory)
	w.send(w.aRecord("Decrypt", arn).with("errorCode", "DisabledException").bridged())
	w.awaitTold("dead-key-used", "finding-opened")
	w.drained()
	for _, after := range []time.Duration{25 * time.Hour, 7 * 24 * time.Hour} {
		w.check(w.engine.endQuiet(time.Now().Add(after)))
		if f := w.found("dead-key-used"); f.Status != finding.Open {
			t.Errorf("over after %s: a job that runs daily or weekly is told of each time", after)
		}
	}
	w.check(w.engine.endQuiet(time.Now().Add(8*24*time.Hour + time.Minute)))
	if f := w.found("dead-key-used"); f.Status != finding.Resolved || f.ResolvedBy != "not repeated for 192 h" {
		t.Errorf("got %+v", f)
	}
}

func TestACheckEndsOnlyWhereTheKeyWasReadAgain(t *testing.T) {
	w := newWorld(t)
	good := w.key(awssim.KeyOptions{Aliases: []string{"alias/a"}})
	bad := w.key(awssim.KeyOptions{Aliases: []string{"alias/b"}})
	w.sweep(Inventory)
	open := func(arn string) bool {
		for _, f := range w.findings() {
			if f.RuleID == "rotation-disabled" && f.KeyARN == arn {
				return f.Status == finding.Open
			}
		}
		t.Fatalf("no finding about %s", arn)
		return false
	}
	w.stopEvents()
	w.enableRotation(w.engineer, good, 365)
	w.enableRotation(w.engineer, bad, 365)
	fault := w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "DescribeKey", Contains: bad,
		Err: &awssim.APIError{Code: "KMSInternalException", Status: 500},
	})
	if err := w.engine.Sweep(t.Context(), Drift); err != nil {
		t.Error(err)
	}
	if open(good) || !open(bad) {
		t.Errorf("open: read key %t, unread key %t", open(good), open(bad))
	}
	w.awaitFound("sweep-incomplete", finding.Open)
	fault.Remove()
	w.sweep(Drift)
	if open(bad) {
		t.Error("the key was read again and is in order")
	}
	w.awaitFound("sweep-incomplete", finding.Resolved)
}

func TestADeniedKeyIsUnverifiableAndEndsNothing(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/a"}})
	w.sweep(Inventory)
	w.stopEvents()
	w.enableRotation(w.engineer, arn, 365)
	w.sim.KMS().Deny(awssim.KMSDenial{Principal: roleARN, Operation: "GetKeyRotationStatus"})
	w.sweep(Inventory)
	if f := w.found("rotation-disabled"); f.Status != finding.Open {
		t.Errorf("got %+v", f)
	}
	if f := w.found("key-unverifiable"); f == nil || f.Status != finding.Open {
		t.Errorf("got %+v", f)
	}
}

// stopEvents lets no event of KMS through any more: the tests' own sweeps are to find out.
func (w *world) stopEvents() {
	w.Helper()
	w.drained()
	w.stopIn()
	w.in.Wait()
}

func TestAKeyThatKMSListsNoMoreIsGone(t *testing.T) {
	w := newWorld(t)
	arn := w.key(awssim.KeyOptions{Aliases: []string{"alias/a"}})
	w.key(awssim.KeyOptions{Aliases: []string{"alias/b"}, RotationPeriod: 365})
	w.sweep(Inventory)
	w.stopEvents()
	days := int32(7)
	_, err := w.kms(w.engineer).ScheduleKeyDeletion(t.Context(),
		&kms.ScheduleKeyDeletionInput{KeyId: &arn, PendingWindowInDays: &days})
	w.check(err)
	w.sim.Clock().Advance(8 * day)
	part := w.sim.Plan(awssim.Fault{
		Service: "kms", Operation: "ListKeys",
		Err: &awssim.APIError{Code: "KMSInternalException", Status: 500},
	})
	if err := w.engine.Sweep(t.Context(), Inventory); err == nil {
		t.Error("a sweep that could list nothing counts as done")
	}
	if w.known(arn).GoneAt != nil {
		t.Error("a sweep that could list nothing found a key gone")
	}
	part.Remove()
	w.sweep(Inventory)
	if w.known(arn).GoneAt == nil {
		t.Error("the key is not gone")
	}
	if f := w.found("rotation-disabled"); f.Status != finding.Resolved {
		t.Errorf("got %+v", f)
	}
}

func TestTheFirstInventoryIsToldInOneDigest(t *testing.T) {
	w := newWorld(t)
	for range 30 {
		w.key(awssim.KeyOptions{Aliases: []string{"alias/a-" + uuid()[:8]}})
	}
	w.sweep(Inventory)
	w.awaitTold(`"digest"`)
	w.sweep(Inventory)
	w.sweep(Drift)
	w.idleOutbox()
	if got := w.sim.Published(w.topic); len(got) != 1 {
		t.Errorf("told in %d messages", len(got))
	}
	if got := len(w.findings()); got != 30 {
		t.Errorf("%d findings", got)
	}
}
