package awssim

import (
	"container/heap"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxBatch        = 10
	maxBatchBytes   = 1 << 20
	maxVisibility   = 43_200 // seconds
	maxDelay        = 900    // seconds
	entryNameLength = 80
)

type sendEntry struct {
	ID                string                      `json:"Id"`
	MessageBody       string                      `json:"MessageBody"`
	DelaySeconds      *int                        `json:"DelaySeconds"`
	MessageAttributes map[string]messageAttribute `json:"MessageAttributes"`
}

// sent is what SQS says of a message it took.
type sent struct {
	ID                     string `json:"Id,omitempty"`
	MessageID              string `json:"MessageId"`
	MD5OfMessageBody       string `json:"MD5OfMessageBody"`
	MD5OfMessageAttributes string `json:"MD5OfMessageAttributes,omitempty"`
}

// batchError is the failure of one entry.
type batchError struct {
	ID          string `json:"Id"`
	SenderFault bool   `json:"SenderFault"`
	Code        string `json:"Code"`
	Message     string `json:"Message"`
}

func newBatchError(id string, err *APIError) batchError {
	return batchError{ID: id, SenderFault: err.status() < 500, Code: err.Code, Message: err.Message}
}

type done struct {
	ID string `json:"Id"`
}

type batchResult[T any] struct {
	Successful []T          `json:"Successful"`
	Failed     []batchError `json:"Failed,omitempty"`
}

func (s *sqsService) sendMessage(c *call) (any, error) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
		sendEntry
	}
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.queueFor(c, in.QueueURL)
	if err != nil {
		return nil, err
	}
	result, apiErr := s.send(c, q, in.sendEntry)
	if apiErr != nil {
		return nil, apiErr
	}
	c.Effect = true
	return result, nil
}

func (s *sqsService) send(c *call, q *queue, e sendEntry) (sent, *APIError) {
	q.mu.Lock()
	maxSize := q.attrs.maxSize
	q.mu.Unlock()
	if err := checkBody(e, maxSize); err != nil {
		return sent{}, err
	}
	delay := time.Duration(-1)
	if e.DelaySeconds != nil {
		if *e.DelaySeconds < 0 || *e.DelaySeconds > maxDelay {
			return sent{}, apiErrorf("InvalidParameterValue", 0, "Value %d for parameter DelaySeconds is invalid. "+
				"Reason: DelaySeconds must be >= 0 and <= 900.", *e.DelaySeconds)
		}
		delay = time.Duration(*e.DelaySeconds) * time.Second
	}
	m := s.newMessage(e.MessageBody, c.Principal.PrincipalID, e.MessageAttributes)
	out := sent{ID: e.ID, MessageID: m.id, MD5OfMessageBody: m.md5, MD5OfMessageAttributes: m.attrsMD5}
	q.put(m, delay)
	return out, nil
}

func checkBody(e sendEntry, maxSize int) *APIError {
	switch {
	case e.MessageBody == "":
		return apiErrorf("MissingParameter", 0, "The request must contain the parameter MessageBody.")
	case e.size() > maxSize:
		return apiErrorf("InvalidParameterValue", 0,
			"One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxSize)
	case len(e.MessageAttributes) > 10:
		return apiErrorf("InvalidParameterValue", 0, "Number of message attributes [%d] exceeds the allowed maximum "+
			"[10].", len(e.MessageAttributes))
	case strings.ContainsFunc(e.MessageBody, isForbidden):
		return apiErrorf("InvalidMessageContents", 0,
			"Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | ...")
	}
	return nil
}

func isForbidden(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff || r > utf8.MaxRune
}

func (e *sendEntry) size() int {
	n := len(e.MessageBody)
	for name, a := range e.MessageAttributes {
		n += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			n += len(*a.StringValue)
		}
	}
	return n
}

func (s *sqsService) sendMessageBatch(c *call) (any, error) {
	var in struct {
		QueueURL string `json:"QueueUrl"`
		Entries  []sendEntry
	}
	if err := decodeJSON(c, &in); err != nil {
		return nil, err
	}
	q, err := s.queueFor(c, in.QueueURL)
	if err != nil {
		return nil, err
	}
	ids, size := make([]string, len(in.Entries)), 0
	for i := range in.Entries {
		ids[i] = in.Entries[i].ID
		size += in.Entries[i].size()
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	if size > maxBatchBytes {
		return nil, apiErrorf("BatchRequestTooLong", 0,
			"Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxBatchBytes, size)
	}
	return runBatch(c, len(in.Entries), func(i int) string { return ids[i] }, func(i int) (sent, *APIError) {
		return s.send(c, q, in.Entries[i])
	}), nil
}

// checkBatch refuses a batch as a whole.
func checkBatch(ids []string) error {
	switch {
	case len(ids) == 0:
		return apiErrorf("EmptyBatchRequest", 0, "There should be at least one entry in the request.")
	case len(ids) > maxBatch:
		return apiErrorf("TooManyEntriesInBatchRequest", 0,
			"Maximum number of entries per request are 10. You have sent %d.", len(ids))
	}
	for i, id := range ids {
		if id == "" || len(id) > entryNameLength {
			return apiErrorf("InvalidBatchEntryId", 0, "A batch entry id can only contain alphanumeric characters, "+
				"hyphens and underscores. It can be at most 80 letters long.")
		}
		for _, other := range ids[:i] {
			if id == other {
				return apiErrorf("BatchEntryIdsNotDistinct", 0, "Id %s repeated.", id)
			}
		}
	}
	return nil
}

// runBatch does a batch entry by entry. Entries that a planned fault befalls fail without effect.
func runBatch[T any](c *call, n int, id func(i int) string, do func(i int) (T, *APIError)) batchResult[T] {
	out := batchResult[T]{Successful: []T{}}
	for i := range n {
		if i < c.failEntries {
			out.Failed = append(out.Failed, newBatchError(id(i), c.entryError))
			continue
		}
		result, err := do(i)
		if err != nil {
			out.Failed = append(out.Failed, newBatchError(id(i), err))
			continue
		}
		out.Successful = append(out.Successful, result)
		c.Effect = true
	}
	return out
}

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
