package awssim

import (
	"container/heap"
	"time"
)

const maxVisibility = 43_200 // seconds

type handleInput struct {
	QueueURL          string `json:"QueueUrl"`
	ReceiptHandle     string
	VisibilityTimeout int
}

func (s *sqsService) deleteMessage(c *call) (any, error) {
	return s.onHandle(c, func(q *queue, in handleInput) (bool, *APIError) { return q.delete(in.ReceiptHandle) })
}

func (s *sqsService) changeVisibility(c *call) (any, error) {
	return s.onHandle(c, func(q *queue, in handleInput) (bool, *APIError) {
		return true, q.changeVisibility(in.ReceiptHandle, in.VisibilityTimeout)
	})
}

func (s *sqsService) onHandle(c *call, do func(*queue, handleInput) (effect bool, err *APIError)) (any, error) {
	var in handleInput
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.queueFor(c, in.QueueURL)
	if err != nil {
		return nil, err
	}
	effect, apiErr := do(q, in)
	if apiErr != nil {
		return nil, apiErr
	}
	c.Effect = effect
	return nil, nil
}

func (s *sqsService) deleteMessageBatch(c *call) (any, error) {
	return s.onHandles(c, func(q *queue, e handleEntry) *APIError {
		_, err := q.delete(e.ReceiptHandle)
		return err
	})
}

func (s *sqsService) changeVisibilityBatch(c *call) (any, error) {
	return s.onHandles(c, func(q *queue, e handleEntry) *APIError {
		return q.changeVisibility(e.ReceiptHandle, e.VisibilityTimeout)
	})
}

func (s *sqsService) onHandles(c *call, do func(*queue, handleEntry) *APIError) (any, error) {
	url, entries, err := decodeHandles(c.Body)
	if err != nil {
		return nil, err
	}
	q, err := s.queueFor(c, url)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(entries))
	for i := range entries {
		ids[i] = entries[i].ID
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	return runBatch(c, len(entries), func(i int) string { return ids[i] }, func(i int) (done, *APIError) {
		return done{ids[i]}, do(q, entries[i])
	}), nil
}

func invalidHandle() *APIError {
	return apiErrorf("ReceiptHandleIsInvalid", 0, "The input receipt handle is invalid.")
}

// delete removes the message of a receipt handle. A handle that is not the message's latest deletes nothing, and says
// so no more than SQS does.
func (q *queue) delete(handle string) (deleted bool, err *APIError) {
	seq, receives, ok := q.parseReceipt(handle)
	if !ok {
		return false, invalidHandle()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	m := q.messages[seq]
	if m == nil || m.receives != receives {
		return false, nil
	}
	q.forget(m)
	return true, nil
}

// changeVisibility sets how long from now a message in flight stays invisible; 0 makes it visible at once.
func (q *queue) changeVisibility(handle string, seconds int) *APIError {
	seq, receives, ok := q.parseReceipt(handle)
	if !ok {
		return invalidHandle()
	}
	now := q.sim.clock.Now()
	until := now.Add(time.Duration(seconds) * time.Second)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.expire(now)
	m := q.messages[seq]
	switch {
	case seconds < 0 || seconds > maxVisibility:
		return apiErrorf("InvalidParameterValue", 0, "Value %d for parameter VisibilityTimeout is invalid. Reason: "+
			"VisibilityTimeout must be an integer between 0 and 43200.", seconds)
	case m == nil || !m.inFlight || m.receives != receives:
		return apiErrorf("MessageNotInflight", 0, "The message referred to isn't in flight.")
	case until.Sub(m.received) > maxVisibility*time.Second:
		return apiErrorf("InvalidParameterValue", 0,
			"Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
	}
	m.visibleAt = until
	heap.Fix(&q.hidden, m.index)
	q.expire(now)
	q.wake()
	return nil
}
