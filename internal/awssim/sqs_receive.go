package awssim

import "time"

// receiveInput is ReceiveMessage's input as far as it is simulated.
type receiveInput struct {
	QueueURL            string
	MaxNumberOfMessages int
	VisibilityTimeout   int // seconds; -1: the queue's
	WaitTimeSeconds     int // -1: the queue's
	Attributes          systemAttributes
	MessageAttributes   []string
}

func (s *sqsService) receiveMessage(c *call) (any, error) {
	in, err := decodeReceive(c.Body)
	if err != nil {
		return nil, err
	}
	q, err := s.queueFor(c, in.QueueURL)
	if err != nil {
		return nil, err
	}
	if in.MaxNumberOfMessages < 1 || in.MaxNumberOfMessages > 10 {
		return nil, apiErrorf("InvalidParameterValue", 0, "Value %d for parameter MaxNumberOfMessages is invalid. "+
			"Reason: Must be between 1 and 10, if provided.", in.MaxNumberOfMessages)
	}
	if in.WaitTimeSeconds > 20 || in.VisibilityTimeout > maxVisibility {
		return nil, apiErrorf("InvalidParameterValue", 0,
			"Value for parameter WaitTimeSeconds or VisibilityTimeout is invalid.")
	}
	var room [10]delivery
	got, err := s.receive(c, q, in, room[:0])
	if err != nil {
		return nil, err
	}
	c.Effect = len(got) > 0
	return s.renderReceived(q, in, got), nil
}

// receive takes messages, waiting for them as long as was asked in wall time.
func (s *sqsService) receive(c *call, q *queue, in receiveInput, out []delivery) ([]delivery, error) {
	var expired <-chan time.Time
	for {
		got, w, err := s.takeOrWait(q, in, out, expired == nil)
		if w == nil {
			return got, err
		}
		if expired == nil {
			timer := time.NewTimer(s.waitOf(q, in))
			defer timer.Stop()
			expired = timer.C
		}
		select {
		case <-w.woken:
			continue
		case <-expired:
		case <-c.ctx().Done():
		case <-s.sim.cut("sqs"):
		case <-s.sim.done:
		}
		q.mu.Lock()
		q.leave(w)
		q.mu.Unlock()
		return nil, nil
	}
}

func (s *sqsService) waitOf(q *queue, in receiveInput) time.Duration {
	if in.WaitTimeSeconds >= 0 {
		return time.Duration(in.WaitTimeSeconds) * time.Second
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.attrs.wait
}

// takeOrWait takes what is there; with nothing there and a wait asked for, it lines up and returns its waiter.
func (s *sqsService) takeOrWait(q *queue, in receiveInput, out []delivery, first bool) (
	[]delivery, *waiter, error,
) {
	now := s.sim.clock.Now()
	q.mu.Lock()
	visibility, wait := q.attrs.visibility, q.attrs.wait
	if in.VisibilityTimeout >= 0 {
		visibility = time.Duration(in.VisibilityTimeout) * time.Second
	}
	if in.WaitTimeSeconds >= 0 {
		wait = time.Duration(in.WaitTimeSeconds) * time.Second
	}
	if q.deleted {
		q.mu.Unlock()
		return nil, nil, apiErrorf("QueueDoesNotExist", 0, "The specified queue does not exist.")
	}
	out, dead := q.take(now, in.MaxNumberOfMessages, visibility, out)
	full := len(out) == 0 && q.inFlight >= maxInFlight
	var w *waiter
	if len(out) == 0 && wait > 0 && !full {
		w = &waiter{woken: make(chan struct{}, 1)}
		if first {
			q.waiters = append(q.waiters, w)
		} else {
			q.waiters = append([]*waiter{w}, q.waiters...) // it has waited before
		}
		q.wake()
	}
	target := q.attrs.redrive.DeadLetterTargetARN
	q.mu.Unlock()
	s.bury(q, target, dead)
	if full {
		return nil, nil, apiErrorf("OverLimit", 0, "Too many messages in flight")
	}
	return out, w, nil
}

// bury moves messages received too often to the dead-letter queue.
func (s *sqsService) bury(from *queue, target string, dead []*message) {
	if len(dead) == 0 {
		return
	}
	grave := s.byARN(target)
	if grave == nil {
		return // deleted meanwhile; SQS loses such messages too
	}
	for _, m := range dead {
		m.gone, m.receivesHere, m.deadFrom = false, 0, from.arn
		grave.put(m, 0)
	}
}
