package awssim

import (
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxBatchBytes = 1 << 20
	maxDelay      = 900 // seconds
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
