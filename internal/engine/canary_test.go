package engine

import (
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/detection"
	"rotd/internal/finding"
	"rotd/internal/state"
)

const quarter = 15 * time.Minute

// canaries lets a world send canaries.
func canaries(w *world) { w.settings.Canary, w.settings.Heartbeat = quarter, time.Hour }

// canary is what is kept of a place's canaries; nil when none was sent.
func (w *world) canary(region string) (c *state.Canary) {
	w.Helper()
	w.view(func(tx *state.Tx) error {
		place, err := tx.Place(account, region)
		c = place.Canary
		return err
	})
	return c
}

// sendCanary sends one to every place.
func (w *world) sendCanary() {
	w.Helper()
	w.check(w.engine.SendCanaries(w.Context()))
}

// backIn waits until no canary is away from a Region.
func (w *world) backIn(region string) *state.Canary {
	w.Helper()
	w.await("a canary back from "+region, func() bool {
		c := w.canary(region)
		return c != nil && !c.Back.IsZero() && len(c.Away) == 0
	})
	return w.canary(region)
}

func TestACanaryComesBackThroughTheWholePipelineAndNothingIsFound(t *testing.T) {
	w := newWorld(t, canaries, func(w *world) { w.regions = []string{"us-east-1"} })
	w.engine.RestsOn(&detection.Itself{Principals: []string{w.rotd.ARN}})
	for range 12 { // as many as make a burst or somebody who takes stock
		w.sendCanary()
	}
	for _, in := range []string{region, "us-east-1"} {
		if c := w.backIn(in); c.First.After(c.Sent) || c.Back.Before(c.Sent) {
			t.Errorf("%s: got %+v", in, c)
		}
	}
	var records []awssim.Record
	for _, r := range w.sim.Records() {
		if r.EventName == "DescribeKey" {
			records = append(records, r)
		}
	}
	if len(records) != 24 || records[0].ErrorCode != "NotFoundException" || len(records[0].RequestParameters) > 0 {
		t.Errorf("%d records, the first %+v", len(records), records[0])
	}
	w.drained()
	if f := w.findings(); len(f) > 0 {
		t.Errorf("found %+v", f)
	}
	w.view(func(tx *state.Tx) error {
		if due, _ := tx.DueRereads(time.Now().Add(day), 10); len(due) > 0 {
			t.Errorf("keys are read again: %+v", due)
		}
		return nil
	})
	if n := w.counter("rotd_canary_lost_total"); n != 0 {
		t.Errorf("%d lost", n)
	}
}

func TestACanaryThatKMSRefusesComesBackAsWell(t *testing.T) {
	w := newWorld(t, canaries)
	w.sim.Plan(awssim.Fault{Service: "kms", Operation: "DescribeKey", When: awssim.AfterEffect, Err: &awssim.APIError{
		Code: "AccessDeniedException", Message: "not yours", Status: 400,
	}})
	w.sendCanary()
	w.backIn(region)
}

func TestCanariesThatDoNotComeBackAreToldUntilOneDoes(t *testing.T) {
	w := newWorld(t, canaries)
	w.sendCanary()
	w.backIn(region)
	w.drained()
	w.sim.RemoveEventRules()
	for range 3 {
		w.sendCanary()
	}
	w.stop() // which are away is kept
	w.start()
	now := time.Now()
	w.check(w.engine.noteCanaries(now.Add(59 * time.Minute)))
	if f := w.found("canary-lost"); f != nil {
		t.Fatalf("found too early: %+v", f)
	}
	w.check(w.engine.noteCanaries(now.Add(61 * time.Minute)))
	f := w.awaitFound("canary-lost", finding.Open)
	if f.Severity != finding.High || f.Subject.ID != account+"/"+region || f.Account != account {
		t.Errorf("got %+v", f)
	}
	if n := w.counter("rotd_canary_lost_total"); n != 3 {
		t.Errorf("%d lost, want 3", n)
	}
	w.check(w.engine.noteCanaries(now.Add(2 * time.Hour)))
	if got := w.found("canary-lost"); got.Count != f.Count {
		t.Errorf("the same ones are counted again: %+v", got)
	}
	w.awaitTold("canary-lost", notifyOpened)
	w.check(w.sim.AddEventRule(awssim.EventRule{Queue: w.queue, ReadOnly: true}))
	w.sendCanary()
	w.awaitFound("canary-lost", finding.Resolved)
	w.awaitTold("canary-lost", notifyResolved)
}

func TestACanaryThatWasAwayAsLongAsRotdWasIsWaitedFor(t *testing.T) {
	w := newWorld(t, canaries)
	w.sim.RemoveEventRules()
	w.sendCanary()
	w.stop()
	w.start()
	w.update(func(tx *state.Tx) error { // rotd was away for two hours
		place, err := tx.Place(account, region)
		w.check(err)
		place.Canary.Away[0].Sent = time.Now().Add(-2 * time.Hour)
		return tx.PutPlace(place)
	})
	w.check(w.engine.noteCanaries(time.Now().Add(59 * time.Minute)))
	if n := w.counter("rotd_canary_lost_total"); n != 0 {
		t.Errorf("%d lost before what came meanwhile can be heard", n)
	}
	w.check(w.engine.noteCanaries(time.Now().Add(61 * time.Minute)))
	if n := w.counter("rotd_canary_lost_total"); n != 1 {
		t.Errorf("%d lost, want 1", n)
	}
}

func TestACanaryThatIsLostAmongOthersIsCountedAndNotTold(t *testing.T) {
	w := newWorld(t, canaries)
	w.sim.RemoveEventRules()
	w.sendCanary()
	w.check(w.sim.AddEventRule(awssim.EventRule{Queue: w.queue, ReadOnly: true}))
	w.sendCanary()
	w.await("the second one", func() bool { return !w.canary(region).Back.IsZero() })
	w.check(w.engine.noteCanaries(time.Now().Add(2 * time.Hour)))
	if f := w.found("canary-lost"); f != nil {
		t.Errorf("found %+v", f)
	}
	if n := w.counter("rotd_canary_lost_total"); n != 1 {
		t.Errorf("%d lost, want 1", n)
	}
}

func TestWhereNoCanaryEverCameBackThatIsToldAfterADay(t *testing.T) {
	w := newWorld(t, silent, canaries)
	w.check(w.sim.AddEventRule(awssim.EventRule{Queue: w.queue})) // which lets no reading through
	w.sendCanary()
	w.check(w.engine.noteCanaries(time.Now().Add(23 * time.Hour)))
	if f := w.found("canary-lost"); f != nil {
		t.Fatalf("found too early: %+v", f)
	}
	w.sendCanary()
	w.check(w.engine.noteCanaries(time.Now().Add(25 * time.Hour)))
	f := w.awaitFound("canary-lost", finding.Open)
	if f.Severity != finding.Low || !strings.Contains(f.Description, "a canary is a reading") {
		t.Errorf("got %+v", f)
	}
	off := w.settings
	off.Canary = 0
	w.engine.Reload(&off)
	w.check(w.engine.noteCanaries(time.Now().Add(26 * time.Hour)))
	w.awaitFound("canary-lost", finding.Resolved)
	w.sendCanary()
	if c := w.canary(region); c != nil {
		t.Errorf("switched off, and kept %+v", c)
	}
}

func TestACanaryThatCouldNotBeSentIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, canaries)
	w.sim.Plan(awssim.Fault{Service: "kms", Operation: "DescribeKey", DropConnection: true, Nth: 1})
	w.sendCanary()
	if c := w.canary(region); c == nil || len(c.Away) != 0 || !c.Back.IsZero() {
		t.Errorf("got %+v", c)
	}
}

func TestOnlyTheRecordOfACanarysOwnRequestIsIts(t *testing.T) {
	w := newWorld(t, silent, canaries)
	w.sendCanary()
	away := w.canary(region).Away[0]
	if away.RequestID == "" {
		t.Fatalf("got %+v", away)
	}
	record := func(who awssim.Principal, requestID, agent string) {
		r := newRecord("DescribeKey", "", who, time.Now())
		r["errorCode"], r["requestID"], r["userAgent"] = "NotFoundException", requestID, agent
		r["readOnly"], r["requestParameters"], r["resources"] = true, nil, nil
		w.settle(r.bridged())
	}
	record(w.thief, away.RequestID, "") // the role's, with another access key
	record(w.rotd, "another", "rotd-canary/"+away.Nonce)
	if c := w.canary(region); len(c.Away) != 1 || !c.Back.IsZero() {
		t.Errorf("taken for the canary's: %+v", c)
	}
	record(w.rotd, away.RequestID, "")
	w.backIn(region)
	w.update(func(tx *state.Tx) error { // KMS's answer is not there yet
		place, err := tx.Place(account, region)
		w.check(err)
		place.Canary.Away = []state.Flight{{Nonce: "n2", Sent: time.Now()}}
		return tx.PutPlace(place)
	})
	record(w.rotd, "unknown yet", "aws-sdk-go-v2 rotd-canary/n2")
	w.backIn(region)
}

func TestCanariesMayBeAwayForAsLongAsNothingMayArrive(t *testing.T) {
	for _, test := range []struct{ heartbeat, every, want time.Duration }{
		{time.Hour, quarter, time.Hour},
		{45 * time.Minute, quarter, 45 * time.Minute},
		{36 * time.Hour, quarter, time.Hour},
		{0, quarter, time.Hour},
		{10 * time.Minute, quarter, 30 * time.Minute},
	} {
		if got := canaryAllowed(&Settings{Heartbeat: test.heartbeat, Canary: test.every}); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
