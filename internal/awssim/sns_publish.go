package awssim

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"time"
)

const (
	maxPublishBytes = 256 << 10
	dedupeWindow    = 5 * time.Minute
)

// formIndex is where the i-th element of a list begins: Name.member.1.
func formIndex(list string, i int) string { return list + "." + strconv.Itoa(i) + "." }

type publishResult struct {
	ID             string `xml:"Id,omitempty"`
	MessageID      string `xml:"MessageId"`
	SequenceNumber string `xml:"SequenceNumber,omitempty"`
}

func (s *snsService) publish(c *call) (any, error) {
	p, err := readPublish(c, "")
	if err != nil {
		return nil, err
	}
	result, apiErr := s.publishOne(c, p)
	if apiErr != nil {
		return nil, apiErr
	}
	return result, nil
}

type snsBatchError struct {
	Code        string `xml:"Code"`
	ID          string `xml:"Id"`
	Message     string `xml:"Message"`
	SenderFault bool   `xml:"SenderFault"`
}

type publishBatchResult struct {
	Successful []publishResult `xml:"Successful>member"`
	Failed     []snsBatchError `xml:"Failed>member"`
}

func (s *snsService) publishBatch(c *call) (any, error) {
	var ids []string
	for i := 1; c.Form.Has(formIndex(publishEntries, i) + "Id"); i++ {
		ids = append(ids, c.Form.Get(formIndex(publishEntries, i)+"Id"))
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	size := 0
	for i := range ids {
		size += len(c.Form.Get(formIndex(publishEntries, i+1) + "Message"))
	}
	if size > maxPublishBytes {
		return nil, apiErrorf("BatchRequestTooLong", 0, "The length of all the messages put together is more than "+
			"the limit.")
	}
	s.mu.Lock()
	_, missing := s.topicOf(c)
	s.mu.Unlock()
	if missing != nil {
		return nil, missing
	}
	done := runBatch(c, len(ids), func(i int) string { return ids[i] }, func(i int) (publishResult, *APIError) {
		p, err := readPublish(c, formIndex(publishEntries, i+1))
		if err != nil {
			return publishResult{}, err
		}
		result, err := s.publishOne(c, p)
		result.ID = ids[i]
		return result, err
	})
	out := publishBatchResult{Successful: done.Successful}
	for _, f := range done.Failed {
		out.Failed = append(out.Failed, snsBatchError{f.Code, f.ID, f.Message, f.SenderFault})
	}
	return out, nil
}

const publishEntries = "PublishBatchRequestEntries.member"

// publishOne gives a message to the topic's memory, its listeners and its queues.
func (s *snsService) publishOne(c *call, p Published) (publishResult, *APIError) {
	s.mu.Lock()
	t, err := s.topicOf(c)
	if err != nil {
		s.mu.Unlock()
		return publishResult{}, err
	}
	p.TopicARN, p.MessageID = t.arn, s.sim.newUUID()
	if t.fifo {
		duplicateOf, err := t.dedupe(&p)
		if err != nil || duplicateOf != "" {
			s.mu.Unlock()
			return publishResult{MessageID: duplicateOf}, err
		}
	}
	if len(t.published) >= maxPublished {
		t.published = append(t.published[:0], t.published[maxPublished/10:]...)
	}
	t.published = append(t.published, p)
	subscriptions := slices.Clip(t.subscriptions)
	listeners := make([]func(Published), 0, len(s.listeners))
	for f := range s.listeners {
		listeners = append(listeners, *f)
	}
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()

	c.Effect = true
	for _, f := range listeners {
		f(p)
	}
	for _, sub := range subscriptions {
		s.deliver(sub, p)
	}
	return publishResult{MessageID: p.MessageID}, nil
}

// dedupe returns the id of the message that p repeats within five minutes, "" for none.
func (t *topic) dedupe(p *Published) (duplicateOf string, err *APIError) {
	if p.GroupID == "" {
		return "", apiErrorf("InvalidParameter", 0,
			"Invalid parameter: The MessageGroupId parameter is required for FIFO topics")
	}
	if p.DeduplicationID == "" {
		if t.attrs["ContentBasedDeduplication"] != "true" {
			return "", apiErrorf("InvalidParameter", 0, "Invalid parameter: The topic should either have "+
				"ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
		}
		sum := sha256.Sum256([]byte(p.Message))
		p.DeduplicationID = hex.EncodeToString(sum[:])
	}
	for id, e := range t.recent {
		if !p.Time.Before(e.until) {
			delete(t.recent, id)
		}
	}
	if e, ok := t.recent[p.DeduplicationID]; ok {
		return e.messageID, nil
	}
	t.recent[p.DeduplicationID] = dedupeEntry{p.MessageID, p.Time.Add(dedupeWindow)}
	return "", nil
}
