package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/notify"
	"rotd/internal/state"
)

// Publisher sends one message to one topic, once.
type Publisher interface {
	Publish(ctx context.Context, topic notify.Topic, m notify.Message) (messageID string, err error)
}

const (
	outboxPage   = 500
	outboxIdle   = time.Minute
	publishFirst = 200 * time.Millisecond
	publishMost  = 10 * time.Second
)

// waiting is an alert of the outbox with its place in it.
type waiting struct {
	pendingAlert
	seq uint64
}

// pendingAlert is an alert in the outbox and how far it was told.
type pendingAlert struct {
	Alert notify.Alert `json:"alert"`
	Sent  []string     `json:"sent,omitempty"` // topics it was published to, or that will never take it
}

// runOutbox publishes what the outbox holds, waits out what is temporary, and marks what was told. A crash between
// publishing and marking sends a message twice, with the same alert_id; that and SNS's own ambiguity are the only ways.
func (e *Engine) runOutbox(ctx context.Context) error {
	backoff := publishFirst
	for {
		wait, err := e.publishDue(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			text := err.Error()
			e.publishError.Store(&text)
			e.log.Warn("cannot publish alerts; they wait", zap.Error(err), zap.Duration("at_most", backoff))
			wait = rand.N(backoff) + time.Millisecond //nolint:gosec // jitter is no secret
			backoff = min(2*backoff, publishMost)
		default:
			e.publishError.Store(nil)
			backoff = publishFirst
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-e.wakeOutbox:
			timer.Stop()
			if err != nil {
				sleep(ctx, wait) // news does not shorten a back-off
			}
		case <-timer.C:
		}
	}
}

// publishDue publishes the groups that are due and returns when the next one is.
func (e *Engine) publishDue(ctx context.Context) (wait time.Duration, err error) {
	defer func() {
		if v := recover(); v != nil {
			e.logPanic("outbox", v, debug.Stack())
			err = fmt.Errorf("panic while publishing: %v", v)
		}
	}()
	pending, err := e.pendingAlerts()
	if err != nil {
		return 0, err
	}
	settings, now := e.Settings(), time.Now().UTC()
	next := outboxIdle
	for _, topic := range settings.Topics {
		due := e.dueFor(topic, pending)
		for _, group := range notify.GroupAlerts(due, now, settings.GroupWait) {
			if err := e.publish(ctx, topic, group, pending); err != nil {
				return 0, err
			}
		}
		if at := notify.NextDue(due, now, settings.GroupWait); !at.IsZero() {
			next = min(next, max(at.Sub(now), time.Millisecond))
		}
	}
	more, err := e.forgetTold(settings, pending)
	if more {
		next = time.Millisecond
	}
	return next, err
}

// pendingAlerts reads the oldest alerts that wait, by their ids.
func (e *Engine) pendingAlerts() (map[string]*waiting, error) {
	pending := make(map[string]*waiting)
	err := e.db.View(func(tx *state.Tx) error {
		for _, w := range tx.WaitingAlerts(outboxPage) {
			alert := &waiting{seq: w.Seq}
			if err := json.Unmarshal(w.Data, &alert.pendingAlert); err != nil {
				return fmt.Errorf("decode alert %d of the outbox: %w", w.Seq, err)
			}
			pending[alert.Alert.ID] = alert
		}
		return nil
	})
	return pending, err
}

// dueFor returns the alerts that a topic wants and has not been sent, oldest first.
func (e *Engine) dueFor(topic notify.Topic, pending map[string]*waiting) []notify.Alert {
	var wanted []*waiting
	for _, w := range pending {
		if !slices.Contains(w.Sent, topic.ARN) && len(notify.Route([]notify.Topic{topic}, w.Alert)) > 0 {
			wanted = append(wanted, w)
		}
	}
	slices.SortFunc(wanted, func(a, b *waiting) int { return int(a.seq) - int(b.seq) }) //nolint:gosec // small differences
	alerts := make([]notify.Alert, len(wanted))
	for i, w := range wanted {
		alerts[i] = w.Alert
	}
	return alerts
}

// publish sends one group to one topic and marks its alerts as sent there. A topic that will never take them is a
// finding, and they are not tried there again.
func (e *Engine) publish(ctx context.Context, topic notify.Topic, g notify.Group, pending map[string]*waiting) error {
	id, err := e.publisher.Publish(ctx, topic, topic.Render(g))
	outcome := "sent"
	if err != nil {
		class := notify.Class(err)
		outcome = class.String()
		e.metrics.alerts.WithLabelValues(outcome).Inc()
		if class != notify.Permanent {
			return err
		}
		e.log.Error("SNS will not take alerts for a topic", zap.String("topic", topic.ARN), zap.Error(err))
	} else {
		e.metrics.alerts.WithLabelValues(outcome).Inc()
		e.log.Info("told", zap.String("topic", topic.ARN), zap.String("message_id", id), zap.Int("alerts", len(g.Alerts)),
			zap.String("alert_id", g.Alerts[0].ID))
	}
	now := time.Now().UTC()
	return e.note(e.Settings(), now, func(n *notebook) error {
		for i := range g.Alerts {
			w := pending[g.Alerts[i].ID]
			w.Sent = append(w.Sent, topic.ARN)
			raw, err := json.Marshal(w.pendingAlert)
			if err != nil {
				return fmt.Errorf("encode alert %s: %w", w.Alert.ID, err)
			}
			if err := n.tx.ReplaceAlert(w.seq, raw); err != nil {
				return err
			}
			e.metrics.alertSeconds.Observe(max(now.Sub(w.Alert.Created), 0).Seconds())
		}
		undeliverable := detection.AlertUndeliverable(e.db.Shard(), topic.ARN, outcomeDetail(err), now)
		if err == nil {
			return n.resolveByFingerprint(undeliverable.Fingerprint, "the topic takes alerts again", false)
		}
		if g.Alerts[0].Finding != nil && g.Alerts[0].Finding.RuleID == undeliverable.RuleID {
			return nil // saying that it cannot be said would go on for ever
		}
		return n.found(undeliverable)
	})
}

func outcomeDetail(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// forgetTold removes the alerts that every topic that wants them has been sent; more says that others wait behind.
func (e *Engine) forgetTold(settings *Settings, pending map[string]*waiting) (more bool, err error) {
	var told []uint64
	for _, w := range pending {
		left := slices.DeleteFunc(notify.Route(settings.Topics, w.Alert), func(t notify.Topic) bool {
			return slices.Contains(w.Sent, t.ARN)
		})
		if len(left) == 0 {
			told = append(told, w.seq)
		}
	}
	if len(told) == 0 {
		return false, nil
	}
	err = e.db.Update(func(tx *state.Tx) error {
		for _, seq := range told {
			if err := tx.ReplaceAlert(seq, nil); err != nil {
				return err
			}
		}
		return nil
	})
	return len(pending) == outboxPage, err
}
