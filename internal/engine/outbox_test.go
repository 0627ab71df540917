package engine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"rotd/internal/awssim"
	"rotd/internal/finding"
	"rotd/internal/notify"
	"rotd/internal/state"
)

func TestAnSNSOutageIsWaitedOutAndAllIsToldOnce(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.idleOutbox()
	n := len(w.sim.Published(w.topic))
	w.sim.Outage("sns", true)
	names := []string{"DisableKey", "PutKeyPolicy", "RotateKeyOnDemand"}
	for _, name := range names {
		w.settle(w.aRecord(name, arn).bridged())
		w.await("the failure to be shown", func() bool { return w.engine.OutboxError() != "" })
	}
	w.sim.Outage("sns", false)
	w.idleOutbox()
	w.await("the failure to be over", func() bool { return w.engine.OutboxError() == "" })
	published := w.sim.Published(w.topic)[n:]
	for _, rule := range []string{"key-disabled", "key-policy-changed", "rotation-unplanned"} {
		if got := w.items(rule, notifyOpened); got != 1 {
			t.Errorf("%s is told %d times in %d messages", rule, got, len(published))
		}
	}
}

func TestAnAlertToldBeforeACrashComesAgainWithTheSameID(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.idleOutbox()
	n := len(w.sim.Published(w.topic))
	var c crash
	died := make(chan struct{})
	w.sim.Plan(awssim.Fault{Service: "sns", Operation: "Publish", Nth: 1, When: awssim.AfterEffect, Do: func() {
		c.image, _ = os.ReadFile(w.path)
		close(died)
	}})
	w.settle(w.aRecord("DisableKey", arn).bridged())
	<-died
	w.restartFrom(&c)
	w.idleOutbox()
	published := w.sim.Published(w.topic)[n:]
	if len(published) != 2 {
		t.Fatalf("published %d times", len(published))
	}
	first, second := published[0].Attributes["alert_id"].StringValue, published[1].Attributes["alert_id"].StringValue
	if first == "" || first != second {
		t.Errorf("alert ids %q and %q", first, second)
	}
}

func TestAStopWaitsForSNSAndTellsNothingTwice(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.idleOutbox()
	n := len(w.sim.Published(w.topic))
	publishing, stopped := make(chan struct{}), make(chan struct{})
	w.sim.Plan(awssim.Fault{Service: "sns", Operation: "Publish", Nth: 1, When: awssim.AfterEffect, Do: func() {
		close(publishing)
		<-stopped
	}})
	w.settle(w.aRecord("DisableKey", arn).bridged())
	<-publishing
	w.stopWork()
	close(stopped)
	w.stop()
	w.start()
	w.idleOutbox()
	if got := len(w.sim.Published(w.topic)) - n; got != 1 {
		t.Errorf("published %d times", got)
	}
}

func TestATopicThatRefusesIsAFindingAndOthersAreServed(t *testing.T) {
	const gone = "arn:aws:sns:eu-west-1:111122223333:gone"
	w := newWorld(t, silent, func(w *world) {
		w.settings.Topics = append([]notify.Topic{{ARN: gone, Format: notify.FormatJSON}}, w.settings.Topics...)
	})
	arn := w.payments()
	w.settle(w.aRecord("DisableKey", arn).bridged())
	w.awaitTold("key-disabled", notifyOpened)
	w.awaitTold("alert-undeliverable", notifyOpened)
	w.awaitFound("alert-undeliverable", finding.Open)
	w.settle(w.aRecord("PutKeyPolicy", arn).bridged())
	w.await("the other topic to be told of the policy", func() bool {
		return w.items("key-policy-changed", notifyOpened) == 1
	})
	if got := w.items("alert-undeliverable", notifyOpened); got != 1 {
		t.Errorf("the refusal is told %d times", got)
	}
}

func TestATopicThatCannotBeReachedHoldsUpNoOther(t *testing.T) {
	var far string
	w := newWorld(t, silent, func(w *world) {
		far = w.sim.CreateTopic(region, account, "far")
		w.settings.Topics = append([]notify.Topic{{ARN: far, Format: notify.FormatJSON}}, w.settings.Topics...)
	})
	arn := w.payments()
	fault := w.sim.Plan(awssim.Fault{
		Service: "sns", Operation: "Publish", Contains: "%3Afar&",
		Err: &awssim.APIError{Code: "InternalError", Status: 500},
	})
	w.update(func(tx *state.Tx) error { // more than a page waits for it
		n := w.engine.newNotebook(tx, w.engine.started, &w.settings, newTally())
		for i := range outboxPage + 10 {
			f := finding.Finding{
				ID: fmt.Sprint(i), RuleID: "test", Fingerprint: fmt.Sprint(i), KeyARN: "k", Episode: 1,
				Severity: finding.High, Title: "test", Subject: finding.Subject{Type: finding.Key, ID: "k"},
			}
			if err := n.tell(n.findingAlert(&f, finding.Opened, nil, "")); err != nil {
				return err
			}
		}
		return nil
	})
	w.settle(w.aRecord("DisableKey", arn).bridged())
	w.awaitTold("key-disabled", notifyOpened)
	if fault.Fired() == 0 {
		t.Error("the other topic was not tried")
	}
	fault.Remove()
	w.idleOutbox()
	if got := len(w.sim.Published(far)); got == 0 {
		t.Error("nothing was told when the topic came back")
	}
	if got := w.items("key-disabled", notifyOpened); got != 1 {
		t.Errorf("the topic that took the alert got it %d times", got)
	}
}

func TestAStormIsToldTogether(t *testing.T) {
	w := newWorld(t, silent)
	var bodies []string
	for i := range 60 { // by as many principals: what one does is an incident
		arn := w.key(awssim.KeyOptions{RotationPeriod: 365})
		who := awssim.Principal{ARN: fmt.Sprintf("arn:aws:iam::%s:user/%d", account, i), UserName: fmt.Sprint(i)}
		bodies = append(bodies, newRecord("DisableKey", arn, who, time.Now()).bridged())
	}
	w.sweep(Inventory)
	w.idleOutbox()
	n := len(w.sim.Published(w.topic))
	w.settle(bodies...)
	w.idleOutbox()
	told := w.sim.Published(w.topic)[n:]
	if len(told) != 1 || !strings.Contains(told[0].Message, `"storm":true`) {
		t.Errorf("60 findings are told in %d messages", len(told))
	}
}

func TestDroppedAlertsAreToldWhenThereIsRoom(t *testing.T) {
	w := newWorld(t, silent)
	arn := w.payments()
	w.idleOutbox()
	w.engine.overflow.Store(3)
	w.settle(w.aRecord("DisableKey", arn).bridged())
	w.awaitTold("outbox-overflow", notifyOpened)
	if f := w.found("outbox-overflow"); f.Count != 3 {
		t.Errorf("got %+v", f)
	}
}

var errBroken = errors.New("broken")

func TestTheGateOpensWhenTheFaultIsOver(t *testing.T) {
	w := newWorld(t, silent)
	tries := make(chan struct{}, 10)
	if !w.engine.intake.close(w.engine.queues, "broken", func() error {
		tries <- struct{}{}
		if len(tries) < 3 {
			return errBroken
		}
		return nil
	}) {
		t.Fatal("the gate was closed")
	}
	if w.engine.intake.close(w.engine.queues, "broken too", func() error { return nil }) {
		t.Error("the gate was closed twice")
	}
	if got := w.engine.IntakeStopped(); got != "broken" {
		t.Errorf("stopped for %q", got)
	}
	w.await("the gate to open", func() bool { return w.engine.IntakeStopped() == "" })
	if len(tries) != 3 {
		t.Errorf("probed %d times", len(tries))
	}
}
