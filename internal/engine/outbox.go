package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
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
	outboxPage = 500
	outboxIdle = time.Minute
)

// waiting is an alert of the outbox with its place in it.
type waiting struct {
	pendingAlert
	seq uint64
}

// pendingAlert is an alert in the outbox and how far it was told.
type pendingAlert struct {
	Alert notify.Alert `json:"alert"`
	Sent  []string     `json:"sent,omitempty"` // topics it was published to, or was given up for
}

// outbox is the worker's memory of what SNS said; a start begins with none.
type outbox struct {
	e       *Engine
	page    int                  // how many alerts are looked at together
	topics  map[string]*patience // by ARN: topics that could not be reached
	refused map[refusal]time.Time
}

// runOutbox publishes what the outbox holds, waits out what is temporary, and marks what was told. A crash between
// publishing and marking sends a message twice, with the same alert_id; that and SNS's own ambiguity are the only ways.
func (e *Engine) runOutbox(ctx context.Context) error {
	o := &outbox{e: e, page: outboxPage, topics: make(map[string]*patience), refused: make(map[refusal]time.Time)}
	for ctx.Err() == nil {
		wait, err := o.publishDue(ctx)
		if err != nil {
			e.log.Error("cannot work the outbox", zap.Error(err))
			sleep(ctx, time.Second)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-e.wakeOutbox:
		case <-timer.C:
		}
		timer.Stop()
	}
	return nil
}

// publishDue publishes the groups that are due and returns when to look again. A topic that cannot be reached holds up
// itself alone.
func (o *outbox) publishDue(ctx context.Context) (wait time.Duration, err error) {
	defer func() {
		if v := recover(); v != nil {
			o.e.logPanic("outbox", v, debug.Stack())
			err = fmt.Errorf("panic while publishing: %v", v)
		}
	}()
	grown, late := o.e.tellGrown(time.Now().UTC())
	wait, err = o.publishPending(ctx, grown)
	return wait, errors.Join(err, late) // what is new about incidents wakes nobody: it holds nothing up
}

// publishPending publishes what is due of the outbox; what is due later is no later than grown, unless that is zero.
func (o *outbox) publishPending(ctx context.Context, grown time.Time) (wait time.Duration, err error) {
	limit := o.page + len(o.refused)
	pending, err := o.e.pendingAlerts(limit)
	if err != nil {
		return 0, err
	}
	settings := o.e.Settings()
	next := outboxIdle
	if !grown.IsZero() {
		next = min(next, max(time.Until(grown), time.Millisecond))
	}
	for _, topic := range settings.Topics {
		at, err := o.publishTo(ctx, topic, pending)
		if err != nil {
			return 0, err
		}
		if !at.IsZero() {
			next = min(next, max(time.Until(at), time.Millisecond))
		}
	}
	told, err := o.forgetTold(settings, pending)
	if err != nil {
		return 0, err
	}
	if o.turnPage(told, len(pending) == limit) {
		next = time.Millisecond
	}
	return next, o.tellOverflow(told)
}

// turnPage reports whether there is more to look at now. What waits for a topic that cannot be reached must not hide
// what came after it from the other topics: the page then grows.
func (o *outbox) turnPage(told int, full bool) bool {
	switch {
	case len(o.topics) == 0:
		o.page = outboxPage
		return full && told > 0
	case full && told == 0 && o.page < state.MaxOutbox:
		o.page *= 2
		return true
	}
	return full && told > 0
}

// tellOverflow tells of alerts that found no room, once there is room.
func (o *outbox) tellOverflow(told int) error {
	if told == 0 || o.e.overflow.Load() == 0 {
		return nil
	}
	dropped, now := int(o.e.overflow.Swap(0)), time.Now().UTC()
	return o.e.note(now, func(n *notebook) error {
		return n.foundTimes(detection.OutboxOverflow(o.e.db.Shard(), dropped, now), dropped)
	})
}

// sent keeps that an alert needs not go to a topic any more.
func (n *notebook) sent(w *waiting, topicARN string) error {
	if !slices.Contains(w.Sent, topicARN) {
		w.Sent = append(w.Sent, topicARN)
	}
	raw, err := json.Marshal(w.pendingAlert)
	if err != nil {
		return fmt.Errorf("encode alert %s: %w", w.Alert.ID, err)
	}
	return n.tx.ReplaceAlert(w.seq, raw)
}

// pendingAlerts reads the oldest alerts that wait, by their ids.
func (e *Engine) pendingAlerts(limit int) (map[string]*waiting, error) {
	pending := make(map[string]*waiting)
	err := e.db.View(func(tx *state.Tx) error {
		for _, w := range tx.WaitingAlerts(limit) {
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
func (o *outbox) dueFor(topic notify.Topic, pending map[string]*waiting, now time.Time) []notify.Alert {
	var wanted []*waiting
	for _, w := range pending {
		held := now.Before(o.refused[refusal{w.Alert.ID, topic.ARN}])
		if !held && !slices.Contains(w.Sent, topic.ARN) && len(notify.Route([]notify.Topic{topic}, w.Alert)) > 0 {
			wanted = append(wanted, w)
		}
	}
	slices.SortFunc(wanted, func(a, b *waiting) int { return cmp.Compare(a.seq, b.seq) })
	alerts := make([]notify.Alert, len(wanted))
	for i, w := range wanted {
		alerts[i] = w.Alert
	}
	return alerts
}

// forgetTold removes the alerts that every topic that wants them has been sent and returns how many there were.
func (o *outbox) forgetTold(settings *Settings, pending map[string]*waiting) (int, error) {
	var told []*waiting
	for _, w := range pending {
		left := slices.DeleteFunc(notify.Route(settings.Topics, w.Alert), func(t notify.Topic) bool {
			return slices.Contains(w.Sent, t.ARN)
		})
		if len(left) == 0 {
			told = append(told, w)
		}
	}
	if len(told) == 0 {
		return 0, nil
	}
	err := o.e.db.Update(func(tx *state.Tx) error {
		for _, w := range told {
			if err := tx.ReplaceAlert(w.seq, nil); err != nil {
				return err
			}
		}
		return nil
	})
	for _, w := range told {
		for _, topic := range w.Sent {
			delete(o.refused, refusal{w.Alert.ID, topic})
		}
	}
	return len(told), err
}
