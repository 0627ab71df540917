package engine

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"rotd/internal/detection"
	"rotd/internal/notify"
)

const (
	publishFirst = 200 * time.Millisecond
	publishMost  = 10 * time.Second
	// refusedRetry is when an alert is tried again that SNS refused for good: somebody may have given the permission
	// back. refusedFor is when it is given up for that topic; the finding itself is kept.
	refusedRetry = 5 * time.Minute
	refusedFor   = 24 * time.Hour
)

// patience is how long a topic is left alone.
type patience struct {
	until time.Time
	next  time.Duration
}

// refusal is an alert that a topic refused.
type refusal struct{ alert, topic string }

// publishTo publishes what is due for one topic and returns when something is due there next; zero when nothing is.
func (o *outbox) publishTo(ctx context.Context, topic notify.Topic, pending map[string]*waiting) (time.Time, error) {
	now := time.Now().UTC()
	wait := o.e.Settings().GroupWait
	if p := o.topics[topic.ARN]; p != nil && now.Before(p.until) {
		return p.until, nil
	}
	due := o.dueFor(topic, pending, now)
	next := notify.NextDue(due, now, wait)
	for _, group := range notify.GroupAlerts(due, now, wait) {
		if ctx.Err() != nil {
			return time.Time{}, nil //nolint:nilerr // a stop is none: what was not told is told after the next start
		}
		// A stop waits for SNS's answer: without it the alert would be told twice.
		id, err := o.e.publisher.Publish(context.WithoutCancel(ctx), topic, topic.Render(group))
		switch class := notify.Class(err); {
		case err == nil:
			o.e.log.Info("told", zap.String("topic", topic.ARN), zap.String("message_id", id),
				zap.Int("alerts", len(group.Alerts)), zap.String("alert_id", group.Alerts[0].ID))
			o.told(ctx, topic, group, pending, now)
		case class == notify.Permanent:
			if err := o.refuse(topic, group, pending, err, now); err != nil {
				return time.Time{}, err
			}
		default:
			return o.leave(topic, class, err, now), nil
		}
	}
	delete(o.topics, topic.ARN)
	if len(o.topics) == 0 {
		o.e.publishError.Store(nil)
	}
	return next, nil
}

// leave leaves a topic alone for a while that cannot be reached; the while doubles, with full jitter.
func (o *outbox) leave(topic notify.Topic, class notify.ErrorClass, err error, now time.Time) time.Time {
	p := o.topics[topic.ARN]
	if p == nil {
		p = &patience{next: publishFirst}
		o.topics[topic.ARN] = p
	}
	p.until = now.Add(rand.N(p.next) + time.Millisecond) //nolint:gosec // jitter is no secret
	p.next = min(2*p.next, publishMost)
	text := err.Error()
	o.e.publishError.Store(&text)
	o.e.metrics.alerts.WithLabelValues(class.String()).Inc()
	o.e.log.Warn("cannot publish alerts; they wait", zap.String("topic", topic.ARN), zap.Error(err))
	return p.until
}

// told marks a group's alerts as sent to a topic. Nothing else is published before that is durable.
func (o *outbox) told(
	ctx context.Context, topic notify.Topic, g notify.Group, pending map[string]*waiting, now time.Time,
) {
	mark := func() error { return o.markTold(topic, g, pending, now) }
	if err := mark(); err != nil {
		o.e.log.Error("cannot mark alerts as told; it is tried again before others are", zap.Error(err))
		if !persist(ctx, mark) {
			return // like a crash here: they are told again, with the same alert_id
		}
	}
	o.e.metrics.alerts.WithLabelValues("sent").Inc()
	for i := range g.Alerts {
		delete(o.refused, refusal{g.Alerts[i].ID, topic.ARN})
		o.e.metrics.alertSeconds.Observe(max(time.Since(g.Alerts[i].Created), 0).Seconds())
	}
}

func (o *outbox) markTold(topic notify.Topic, g notify.Group, pending map[string]*waiting, now time.Time) error {
	return o.e.note(now, func(n *notebook) error {
		for i := range g.Alerts {
			if err := n.sent(pending[g.Alerts[i].ID], topic.ARN); err != nil {
				return err
			}
		}
		f := detection.AlertUndeliverable(o.e.db.Shard(), topic.ARN, "", now)
		return n.resolveByFingerprint(f.Fingerprint, "the topic takes alerts again", false)
	})
}

// refuse keeps a group that SNS will not take for a topic, to be tried again later, and tells of it elsewhere.
func (o *outbox) refuse(
	topic notify.Topic, g notify.Group, pending map[string]*waiting, why error, now time.Time,
) error {
	o.e.metrics.alerts.WithLabelValues(notify.Permanent.String()).Inc()
	o.e.log.Error("SNS refuses alerts for a topic; they are tried again later", zap.String("topic", topic.ARN),
		zap.Error(why))
	f := detection.AlertUndeliverable(o.e.db.Shard(), topic.ARN, why.Error(), now)
	return o.e.note(now, func(n *notebook) error {
		for i := range g.Alerts {
			a := &g.Alerts[i]
			o.refused[refusal{a.ID, topic.ARN}] = now.Add(refusedRetry)
			if now.Sub(a.Created) < refusedFor {
				continue
			}
			if err := n.sent(pending[a.ID], topic.ARN); err != nil {
				return err
			}
		}
		return n.found(f)
	})
}
